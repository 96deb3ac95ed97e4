using System.Security.Cryptography;
using System.Text;
using Gateway.Onboarding.Keys;
using NSec.Cryptography;

namespace Gateway.Onboarding.Store;

/// <summary>
/// Seals documents with XChaCha20-Poly1305 under a key that lies outside the database. The place of a document
/// (collection and key) is authenticated with it, so that a sealed document cannot be moved to where it says something
/// else; its key is a keyed hash of its name, so that the file does not list who belongs to the group.
/// </summary>
internal sealed class Sealer : IDisposable
{
    /// <summary>By how much a sealed document is longer: nonce and tag.</summary>
    public const int Overhead = NonceLength + 16;

    private const int NonceLength = 24;

    private static readonly AeadAlgorithm Algorithm = AeadAlgorithm.XChaCha20Poly1305;

    private readonly Key _key;
    private readonly byte[] _nameKey;
    private readonly Entropy _entropy;

    /// <summary>Both keys are derived from <paramref name="master"/> (HKDF, RFC 5869).</summary>
    public Sealer(MasterKey master, Entropy entropy)
    {
        _entropy = entropy;
        var sealing = HKDF.DeriveKey(HashAlgorithmName.SHA256, master.Bytes.ToArray(), SecretKey.Length, info: "gateway store v1 seal"u8.ToArray());
        _key = Key.Import(Algorithm, sealing, KeyBlobFormat.RawSymmetricKey);
        CryptographicOperations.ZeroMemory(sealing);
        _nameKey = HKDF.DeriveKey(HashAlgorithmName.SHA256, master.Bytes.ToArray(), SecretKey.Length, info: "gateway store v1 names"u8.ToArray());
    }

    /// <summary>The key under which the document of this name is stored: 16 bytes that say nothing without the master key.</summary>
    public byte[] Name(string collection, string name) =>
        HMACSHA256.HashData(_nameKey, Encoding.UTF8.GetBytes($"{collection}/{name}"))[..16];

    public byte[] Seal(string collection, ReadOnlySpan<byte> id, ReadOnlySpan<byte> plaintext)
    {
        var output = new byte[Overhead + plaintext.Length];
        _entropy.Fill(output.AsSpan(0, NonceLength));
        Algorithm.Encrypt(_key, output.AsSpan(0, NonceLength), Place(collection, id), plaintext, output.AsSpan(NonceLength));
        return output;
    }

    /// <summary>The plaintext, or null where the document is not what was sealed here.</summary>
    public byte[]? Open(string collection, ReadOnlySpan<byte> id, ReadOnlySpan<byte> sealedBytes) =>
        sealedBytes.Length < Overhead
            ? null
            : Algorithm.Decrypt(_key, sealedBytes[..NonceLength], Place(collection, id), sealedBytes[NonceLength..]);

    public void Dispose()
    {
        _key.Dispose();
        CryptographicOperations.ZeroMemory(_nameKey);
    }

    private static byte[] Place(string collection, ReadOnlySpan<byte> id) => [.. Encoding.ASCII.GetBytes(collection), (byte)'/', .. id];
}
