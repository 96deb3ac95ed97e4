using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Gateway.Onboarding.Keys;

namespace Gateway.Onboarding.LoginGrants;

/// <summary>
/// A login grant in a form that a person types: ten letters in two groups, <c>KDMWR-TBHQA</c>. Letters alone, so that a
/// phone's keyboard need not be switched, without I, L and O. Nine are random (23⁹ ≈ 2⁴⁰·⁷); the tenth makes the
/// weighted sum a multiple of 23, a prime, which catches every wrong letter and every swapped pair.
/// </summary>
public sealed class LoginCode
{
    private const string Alphabet = "ABCDEFGHJKMNPQRSTUVWXYZ";
    private const int RandomLetters = 9;

    private readonly string _letters;

    private LoginCode(string letters) => _letters = letters;

    public static LoginCode Generate(Entropy entropy)
    {
        var random = entropy.Word(Alphabet, RandomLetters);
        var sum = WeightedSum(random);

        // The last letter has weight 10: find the one that closes the sum. 23 is prime, so there is exactly one.
        var last = Alphabet.First(letter => (sum + ((RandomLetters + 1) * Alphabet.IndexOf(letter, StringComparison.Ordinal))) % Alphabet.Length == 0);
        return new(random + last);
    }

    /// <summary>The code in what was typed, in any case and however its groups were set apart; null where it cannot be one.</summary>
    public static LoginCode? TryParse(string? typed)
    {
        if (typed is null or { Length: > 64 })
        {
            return null;
        }

        var letters = string.Concat(typed.Where(c => !IsBetweenGroups(c)).Select(char.ToUpperInvariant));
        return letters.Length == RandomLetters + 1 && letters.All(Alphabet.Contains) && WeightedSum(letters) % Alphabet.Length == 0
            ? new(letters)
            : null;
    }

    /// <summary>The code as it is shown, once, to the admin.</summary>
    public string Reveal() => $"{_letters[..5]}-{_letters[5..]}";

    /// <summary>What is stored of it.</summary>
    public byte[] Hash(TokenHasher hasher) => hasher.Hash(Encoding.ASCII.GetBytes("login-code:" + _letters));

    /// <summary>Whether this code has the given hash; in constant time.</summary>
    public bool Matches(ReadOnlySpan<byte> hash, TokenHasher hasher) => CryptographicOperations.FixedTimeEquals(Hash(hasher), hash);

    public override string ToString() => "(login code)";

    /// <summary>Spaces, dashes of any length (keyboards lengthen them), full stops, and marks that come along when text is copied.</summary>
    private static bool IsBetweenGroups(char c) =>
        c == '.' || char.IsWhiteSpace(c) || char.GetUnicodeCategory(c) is UnicodeCategory.DashPunctuation or UnicodeCategory.Format;

    private static int WeightedSum(string letters) =>
        letters.Select((letter, index) => (index + 1) * Alphabet.IndexOf(letter, StringComparison.Ordinal)).Sum();
}
