namespace Gateway.Onboarding.Keys;

/// <summary>
/// The second, symmetric key of a peer (<c>wg(8)</c>, PresharedKey): what was recorded of a tunnel stays closed even
/// to somebody who can one day break X25519.
/// </summary>
public sealed class PresharedKey(ReadOnlySpan<byte> bytes) : SecretKey(bytes)
{
    public static PresharedKey Generate(Entropy entropy) => new(entropy.Bytes(Length));

    /// <summary>The key that <paramref name="base64"/> says, or null where it is no key.</summary>
    public static PresharedKey? TryParse(string? base64) => Decode(base64) is { } bytes ? new(bytes) : null;
}
