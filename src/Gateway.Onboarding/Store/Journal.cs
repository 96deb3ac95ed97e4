using System.Buffers.Binary;

namespace Gateway.Onboarding.Store;

/// <summary>One write as the journal has it: the intents, in JSON, and the number of the first.</summary>
internal readonly record struct JournalRecord(long Number, byte[] Intents);

/// <summary>
/// A file of writes, one after the other, each on the disk before it is acknowledged. What it needs is written over zeros that
/// were allocated before, and the last part of that space is kept for intents that shut something: a full disk holds up
/// no revocation.
/// <code>
/// header  "GATEJRN1" · number of its first intent (8) · the file's identity (8) · sealed proof of both
/// record  "GREC" · length of what is sealed (4) · number (8) · sealed intents
/// </code>
/// Numbers are little-endian. A write that a crash or a power loss tore is not authentic and ends the file; where an
/// authentic one follows, the file is damaged, and nothing is served from it.
/// </summary>
internal sealed class Journal : IDisposable
{
    public const string Prefix = "journal-";

    /// <summary>How much is allocated at a time.</summary>
    public const int Chunk = 1 << 20;

    /// <summary>For what shuts: more than 200 revocations with all their steps.</summary>
    public const int Reserve = Chunk / 2;

    private const string Place = "journal";
    private const int Digits = 19;
    private const int RecordHeader = 16;
    private const int FixedHeader = 24;

    private static readonly byte[] Zeros = new byte[Chunk];

    private readonly Stream _file;
    private long _end;
    private long _allocated;

    private Journal(Stream file, string name, long end, long allocated)
    {
        _file = file;
        Name = name;
        _end = end;
        _allocated = allocated;
    }

    private static ReadOnlySpan<byte> FileMark => "GATEJRN1"u8;

    private static ReadOnlySpan<byte> RecordMark => "GREC"u8;

    public string Name { get; }

    public long Used => _end;

    /// <summary>False after a write of which nobody knows whether it is on the disk: then this file takes no more.</summary>
    public bool IsSound { get; private set; } = true;

    /// <summary>What somebody put beside, a copy or the like, is no journal.</summary>
    public static bool IsName(string name) =>
        name.StartsWith(Prefix, StringComparison.Ordinal) && name.Length == Prefix.Length + Digits && name.AsSpan(Prefix.Length).IndexOfAnyExceptInRange('0', '9') < 0;

    /// <summary>The number of the first intent that the file of this name can have.</summary>
    public static long FirstOf(string name) => long.Parse(name[Prefix.Length..], System.Globalization.CultureInfo.InvariantCulture);

    /// <summary>
    /// A new file, complete under its name or not there at all. <paramref name="record"/>, where there is one, is in it from
    /// the beginning.
    /// </summary>
    public static Journal Create(IStoreDisk disk, Sealer sealer, long first, byte[]? record = null)
    {
        const string unfinished = "journal.new";
        var name = Prefix + first.ToString($"D{Digits}", System.Globalization.CultureInfo.InvariantCulture);
        var file = disk.Create(unfinished);
        try
        {
            var header = Header(sealer, first, disk.Identity(unfinished));
            file.Write(Zeros);
            file.Position = 0;
            file.Write(header);
            var journal = new Journal(file, name, header.Length, Chunk);
            if (record is not null)
            {
                journal.Put(sealer, first, record);
            }

            file.Flush();
            disk.Rename(unfinished, name);
            disk.SyncNames();
            return journal;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>An existing file, to go on after its last write; <paramref name="end"/> is from <see cref="Read"/>.</summary>
    public static Journal Continue(IStoreDisk disk, string name, long end)
    {
        var file = disk.Open(name);
        return new Journal(file, name, end, file.Length);
    }

    /// <summary>On the disk when it returns; else an <see cref="IOException"/> or the like, and the file takes no more.</summary>
    public void Append(Sealer sealer, long number, byte[] intents, bool shuts)
    {
        var length = RecordHeader + Sealer.Overhead + intents.Length;
        if (!HasRoom(length, keep: Reserve) && !TryGrow(length) && !(shuts && HasRoom(length, keep: 0)))
        {
            throw new IOException("no space left on the disk; the rest is kept for revocations and the lock");
        }

        try
        {
            Put(sealer, number, intents);
            _file.Flush();
        }
        catch
        {
            IsSound = false;
            throw;
        }
    }

    public void Dispose() => _file.Dispose();

    /// <summary>All writes of a file before the intent <paramref name="before"/>, and where the last ends. Throws where the file is damaged.</summary>
    public static (List<JournalRecord> Records, long End, bool IsTorn) Read(byte[] bytes, string name, long before, Sealer sealer)
    {
        var end = CheckHeader(bytes, name, sealer, out _);
        var records = new List<JournalRecord>();
        while (RecordAt(bytes, end, sealer) is { } record && record.Number < before)
        {
            records.Add(record);
            end += RecordHeader + Sealer.Overhead + record.Intents.Length;
        }

        var rest = bytes.AsSpan(end);
        var isTorn = rest.ContainsAnyExcept((byte)0);
        if (isTorn && before == long.MaxValue && HasRecord(bytes, end + 1, sealer))
        {
            throw Damaged(name);
        }

        return (records, end, isTorn);
    }

    /// <summary>The identity that the file had when it was made.</summary>
    public static ulong IdentityOf(byte[] bytes, string name, Sealer sealer)
    {
        CheckHeader(bytes, name, sealer, out var identity);
        return identity;
    }

    public static StoreException Damaged(string name) => new(
        $"{name} is damaged", "look at the disk and restore a backup; nothing was changed, and nothing is served");

    private static byte[] Header(Sealer sealer, long first, ulong identity)
    {
        var start = new byte[FixedHeader];
        FileMark.CopyTo(start);
        BinaryPrimitives.WriteInt64LittleEndian(start.AsSpan(8), first);
        BinaryPrimitives.WriteUInt64LittleEndian(start.AsSpan(16), identity);
        return [.. start, .. sealer.Seal(Place, start, [])];
    }

    private static int CheckHeader(byte[] bytes, string name, Sealer sealer, out ulong identity)
    {
        const int length = FixedHeader + Sealer.Overhead;
        if (bytes.Length < length || !bytes.AsSpan(0, 8).SequenceEqual(FileMark) || BinaryPrimitives.ReadInt64LittleEndian(bytes.AsSpan(8)) != FirstOf(name)
            || sealer.Open(Place, bytes.AsSpan(0, FixedHeader), bytes.AsSpan(FixedHeader, Sealer.Overhead)) is null)
        {
            throw Damaged(name);
        }

        identity = BinaryPrimitives.ReadUInt64LittleEndian(bytes.AsSpan(16));
        return length;
    }

    private static JournalRecord? RecordAt(byte[] bytes, int at, Sealer sealer)
    {
        var record = bytes.AsSpan(at);
        if (record.Length < RecordHeader || !record[..4].SequenceEqual(RecordMark))
        {
            return null;
        }

        var length = BinaryPrimitives.ReadInt32LittleEndian(record[4..]);
        return length >= Sealer.Overhead && length <= record.Length - RecordHeader
            && sealer.Open(Place, record[8..16], record.Slice(RecordHeader, length)) is { } intents
            ? new JournalRecord(BinaryPrimitives.ReadInt64LittleEndian(record[8..]), intents)
            : null;
    }

    private static bool HasRecord(byte[] bytes, int from, Sealer sealer)
    {
        while (bytes.AsSpan(from).IndexOf(RecordMark) is >= 0 and var next)
        {
            if (RecordAt(bytes, from + next, sealer) is not null)
            {
                return true;
            }

            from += next + 1;
        }

        return false;
    }

    private bool HasRoom(int length, int keep) => _end + length + keep <= _allocated;

    private bool TryGrow(int length)
    {
        try
        {
            while (!HasRoom(length, Reserve))
            {
                _file.Position = _allocated;
                _file.Write(Zeros);
                _file.Flush();
                _allocated += Chunk;
            }

            return true;
        }
        catch (IOException)
        {
            // Give back what was half allocated: others need the disk too.
            _file.SetLength(_allocated);
            return false;
        }
    }

    private void Put(Sealer sealer, long number, byte[] intents)
    {
        Span<byte> place = stackalloc byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(place, number);
        var record = new byte[RecordHeader + Sealer.Overhead + intents.Length];
        RecordMark.CopyTo(record);
        BinaryPrimitives.WriteInt32LittleEndian(record.AsSpan(4), Sealer.Overhead + intents.Length);
        place.CopyTo(record.AsSpan(8));
        sealer.Seal(Place, place, intents).CopyTo(record, RecordHeader);
        _file.Position = _end;
        _file.Write(record);
        _end += record.Length;
    }
}
