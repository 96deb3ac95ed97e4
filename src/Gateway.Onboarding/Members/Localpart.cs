using System.Diagnostics.CodeAnalysis;

namespace Gateway.Onboarding.Members;

/// <summary>
/// The part of a Matrix user ID before the colon, in the form that we give out: <c>[a-z0-9._-]</c>, a letter or digit
/// first, not digits alone (those look like guests), at most 64 characters.
/// </summary>
public readonly record struct Localpart : IParsable<Localpart>
{
    /// <summary>Shorter than the 255 bytes that the Matrix specification leaves for a whole user ID.</summary>
    public const int MaxLength = 64;

    private static readonly HashSet<string> ReservedNames = new(StringComparer.Ordinal)
    {
        "gateway", "gateway-service", "gateway-drill", "admin", "administrator", "notices", "server", "root", "system", "support",
    };

    private readonly string? _value;

    private Localpart(string value) => _value = value;

    /// <summary>The member of <c>gateway drill</c>, who is nobody: its devices are made to be lost.</summary>
    public static readonly Localpart Drill = new("gateway-drill");

    /// <summary>Names that a member could be taken in by: the gateway's own, the admin's, the server's notices.</summary>
    public bool IsReserved => ReservedNames.Contains(ToString());

    public static Localpart Parse(string s, IFormatProvider? provider) =>
        TryParse(s, provider, out var localpart) ? localpart : throw new FormatException($"'{s}' is not a localpart.");

    public static bool TryParse([NotNullWhen(true)] string? s, IFormatProvider? provider, out Localpart result)
    {
        var valid = s is { Length: > 0 and <= MaxLength }
            && s.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c is '.' or '_' or '-')
            && char.IsAsciiLetterOrDigit(s[0])
            && !s.All(char.IsAsciiDigit);
        result = valid ? new(s!) : default;
        return valid;
    }

    public override string ToString() => _value ?? "";
}
