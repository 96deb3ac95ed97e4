using System.Security.Cryptography;
using System.Text.Json;
using Gateway.Onboarding.Keys;
using Gateway.Onboarding.Store;
using NSec.Cryptography;

namespace Gateway.Onboarding.Audit;

/// <summary>
/// What the audit is sealed and signed with. Both are secrets of the store, so that whoever has the log alone can neither
/// read who belongs to the group nor write an entry.
/// </summary>
internal sealed class AuditKeys : IDisposable
{
    public const int SignatureLength = 64;

    private readonly Sealer _sealer;
    private readonly Key _signingKey;

    public AuditKeys(MasterKey sealing, ReadOnlySpan<byte> signing, Entropy entropy)
    {
        _sealer = new Sealer(sealing, entropy);
        _signingKey = Key.Import(SignatureAlgorithm.Ed25519, signing, KeyBlobFormat.RawPrivateKey);
        Genesis = SHA256.HashData([.. "gateway audit 1"u8, .. _signingKey.Export(KeyBlobFormat.RawPublicKey)]);
    }

    /// <summary>What the first entry is chained to: another gateway's log starts from another value.</summary>
    public byte[] Genesis { get; }

    public static AuditKeys Of(StoreFile store, Entropy entropy)
    {
        using var sealing = new MasterKey(Secret("audit-key"));
        return new(sealing, Secret("audit-signing-key"), entropy);

        byte[] Secret(string name) => store.Secret(name, () => entropy.Bytes(SecretKey.Length));
    }

    public byte[] Seal(AuditFrameKind kind, AuditEntry entry) =>
        _sealer.Seal("audit", Place(kind, entry.Number), JsonSerializer.SerializeToUtf8Bytes(entry, StoreJson.Options));

    public AuditEntry? Open(AuditFrame frame) =>
        _sealer.Open("audit", Place(frame.Kind, frame.Number), frame.Payload.Span) is { } json ? JsonSerializer.Deserialize<AuditEntry>(json, StoreJson.Options) : null;

    /// <summary><paramref name="purpose"/> keeps a signature for one thing from being shown as one for another.</summary>
    public byte[] Sign(string purpose, AuditPosition position, DateTimeOffset at) =>
        SignatureAlgorithm.Ed25519.Sign(_signingKey, Statement(purpose, position, at));

    public bool Verify(string purpose, AuditPosition position, DateTimeOffset at, ReadOnlySpan<byte> signature) =>
        SignatureAlgorithm.Ed25519.Verify(_signingKey.PublicKey, Statement(purpose, position, at), signature);

    public void Dispose()
    {
        _sealer.Dispose();
        _signingKey.Dispose();
    }

    private static byte[] Place(AuditFrameKind kind, long number) => [(byte)kind, .. BitConverter.GetBytes(number)];

    private static byte[] Statement(string purpose, AuditPosition position, DateTimeOffset at) =>
        [.. System.Text.Encoding.ASCII.GetBytes($"gateway audit 1 {purpose}\n"), .. BitConverter.GetBytes(position.Number), .. position.Hash.Span, .. BitConverter.GetBytes(at.ToUnixTimeSeconds())];
}

/// <summary>A point of the chain: the number of an entry, and the hash over it and all before it.</summary>
internal readonly record struct AuditPosition(long Number, ReadOnlyMemory<byte> Hash)
{
    public bool Is(AuditPosition other) => Number == other.Number && Hash.Span.SequenceEqual(other.Hash.Span);
}
