using System.Diagnostics.CodeAnalysis;

namespace Gateway.Onboarding.Keys;

/// <summary>
/// A WireGuard public key: 32 bytes (RFC 7748), held and printed as canonical base64 as in <c>wg(8)</c>.
/// Equality is that of the bytes.
/// </summary>
public readonly record struct PublicKey : IParsable<PublicKey>
{
    /// <summary>What <c>default</c> prints: the all-zero key, which WireGuard refuses as a peer.</summary>
    private const string Unset = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

    private readonly string? _base64;

    private PublicKey(string base64) => _base64 = base64;

    /// <summary>The first 8 characters: enough for a person to recognise it in a log.</summary>
    public string Prefix => ToString()[..8];

    public static PublicKey FromBytes(ReadOnlySpan<byte> bytes) =>
        bytes.Length == 32
            ? new(Convert.ToBase64String(bytes))
            : throw new ArgumentException("A public key has 32 bytes.", nameof(bytes));

    public static PublicKey Parse(string s, IFormatProvider? provider) =>
        TryParse(s, provider, out var key) ? key : throw new FormatException("Not a WireGuard key.");

    /// <summary>Accepts canonical base64 of 32 bytes only, so that one key has one spelling.</summary>
    public static bool TryParse([NotNullWhen(true)] string? s, IFormatProvider? provider, out PublicKey result)
    {
        Span<byte> bytes = stackalloc byte[33];
        if (s is { Length: 44 } && Convert.TryFromBase64String(s, bytes, out var count) && count == 32
            && Convert.ToBase64String(bytes[..32]) == s)
        {
            result = new(s);
            return true;
        }

        result = default;
        return false;
    }

    public bool Equals(PublicKey other) => string.Equals(_base64, other._base64, StringComparison.Ordinal);

    /// <summary>A key is random itself: its beginning is as good as any hash of the whole, and there are tables of ten thousand.</summary>
    public override int GetHashCode()
    {
        var hash = 0;
        for (var i = 0; _base64 is not null && i < 6; i++)
        {
            hash = (hash * 71) + _base64[i];
        }

        return hash;
    }

    public byte[] ToBytes() => Convert.FromBase64String(ToString());

    public override string ToString() => _base64 ?? Unset;
}
