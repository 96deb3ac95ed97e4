using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Gateway.Onboarding.Audit;

internal enum AuditFrameKind : byte
{
    /// <summary>An intent, sealed.</summary>
    Entry = 1,

    /// <summary>A mark in the place of entries that are missing, sealed: what comes next has the number after its own.</summary>
    Gap = 2,

    /// <summary>The first frame of a log whose older entries were dropped in time, signed; see <see cref="AuditCut"/>.</summary>
    Cut = 3,
}

/// <summary>
/// One frame of the file: length of the payload (4 bytes), kind (1), number (8), payload, and the hash of the chain (32):
/// SHA-256 over the hash before, the kind, the number and the payload.
/// </summary>
internal readonly record struct AuditFrame(AuditFrameKind Kind, long Number, ReadOnlyMemory<byte> Payload, ReadOnlyMemory<byte> Hash)
{
    private const int HeadLength = sizeof(int) + 1 + sizeof(long);

    /// <summary>An entry has at most a few hundred bytes: a greater length was never written here.</summary>
    private const int MaxPayload = 64 * 1024;

    /// <summary>The first bytes of the file: whose it is, and the version of this layout.</summary>
    public static ReadOnlySpan<byte> Magic => "gateway audit 1\n"u8;

    public AuditPosition Position => new(Number, Hash);

    private int Length => HeadLength + Payload.Length + SHA256.HashSizeInBytes;

    public static AuditFrame Chain(ReadOnlyMemory<byte> previousHash, AuditFrameKind kind, long number, byte[] payload) =>
        new(kind, number, payload, HashOf(previousHash, kind, number, payload));

    public bool Follows(ReadOnlyMemory<byte> previousHash) => Hash.Span.SequenceEqual(HashOf(previousHash, Kind, Number, Payload));

    public byte[] ToBytes()
    {
        var bytes = new byte[Length];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, Payload.Length);
        bytes[sizeof(int)] = (byte)Kind;
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(sizeof(int) + 1), Number);
        Payload.CopyTo(bytes.AsMemory(HeadLength));
        Hash.CopyTo(bytes.AsMemory(HeadLength + Payload.Length));
        return bytes;
    }

    /// <summary>
    /// The frame at <paramref name="offset"/>, which is moved behind it. Null where none is whole; then
    /// <paramref name="torn"/> says that the rest is what a crash leaves: the beginning of a frame, or nothing but zeros.
    /// </summary>
    public static AuditFrame? Read(ReadOnlyMemory<byte> file, ref int offset, out bool torn)
    {
        var rest = file[offset..];
        torn = rest.Span.IndexOfAnyExcept((byte)0) < 0 || rest.Length < HeadLength;
        if (torn)
        {
            return null;
        }

        var length = BinaryPrimitives.ReadInt32LittleEndian(rest.Span);
        if (length is < 0 or > MaxPayload)
        {
            return null;
        }

        torn = rest.Length < HeadLength + length + SHA256.HashSizeInBytes;
        if (torn)
        {
            return null;
        }

        var frame = new AuditFrame(
            (AuditFrameKind)rest.Span[sizeof(int)],
            BinaryPrimitives.ReadInt64LittleEndian(rest.Span[(sizeof(int) + 1)..]),
            rest.Slice(HeadLength, length),
            rest.Slice(HeadLength + length, SHA256.HashSizeInBytes));
        offset += frame.Length;
        return frame;
    }

    private static byte[] HashOf(ReadOnlyMemory<byte> previousHash, AuditFrameKind kind, long number, ReadOnlyMemory<byte> payload)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(previousHash.Span);
        hash.AppendData([(byte)kind, .. BitConverter.GetBytes(number)]);
        hash.AppendData(payload.Span);
        return hash.GetHashAndReset();
    }
}

/// <summary>
/// What stands in the place of the entries that were dropped after their days: the position of the last of them, to which
/// the next entry is chained, and when; signed.
/// </summary>
internal readonly record struct AuditCut(AuditPosition Dropped, DateTimeOffset At)
{
    private const string Purpose = "cut";

    public byte[] ToBytes(AuditKeys keys) =>
        [.. Dropped.Hash.Span, .. BitConverter.GetBytes(At.ToUnixTimeSeconds()), .. keys.Sign(Purpose, Dropped, At)];

    public static AuditCut? Read(AuditFrame frame, AuditKeys keys)
    {
        const int timeAt = SHA256.HashSizeInBytes;
        const int signatureAt = timeAt + sizeof(long);
        var bytes = frame.Payload;
        if (bytes.Length != signatureAt + AuditKeys.SignatureLength)
        {
            return null;
        }

        var seconds = BinaryPrimitives.ReadInt64LittleEndian(bytes.Span[timeAt..]);
        if (seconds < 0 || seconds > DateTimeOffset.MaxValue.ToUnixTimeSeconds())
        {
            return null;
        }

        var cut = new AuditCut(new AuditPosition(frame.Number, bytes[..timeAt]), DateTimeOffset.FromUnixTimeSeconds(seconds));
        return keys.Verify(Purpose, cut.Dropped, cut.At, bytes.Span[signatureAt..]) ? cut : null;
    }
}
