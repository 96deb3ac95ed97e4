using NSec.Cryptography;

namespace Gateway.Onboarding.Keys;

/// <summary>An X25519 private key (RFC 7748), made here for a member's device or for the gateway's interface.</summary>
public sealed class PrivateKey(ReadOnlySpan<byte> bytes) : SecretKey(bytes)
{
    /// <summary>A new key, clamped as <c>wg genkey</c> does it, so that both print the same text for the same key.</summary>
    public static PrivateKey Generate(Entropy entropy)
    {
        Span<byte> bytes = stackalloc byte[Length];
        entropy.Fill(bytes);
        bytes[0] &= 248;
        bytes[31] = (byte)((bytes[31] & 127) | 64);
        var key = new PrivateKey(bytes);
        bytes.Clear();
        return key;
    }

    /// <summary>The key that <paramref name="base64"/> says, or null where it is no key.</summary>
    public static PrivateKey? TryParse(string? base64) => Decode(base64) is { } bytes ? new(bytes) : null;

    /// <summary>The public half, as <c>wg pubkey</c> prints it.</summary>
    public PublicKey PublicKey()
    {
        using var key = Key.Import(KeyAgreementAlgorithm.X25519, Bytes, KeyBlobFormat.RawPrivateKey);
        return Keys.PublicKey.FromBytes(key.Export(KeyBlobFormat.RawPublicKey));
    }
}
