namespace Gateway.Onboarding.Audit;

/// <summary>What is wrong with a log, and from which entry on: changed, missing, reordered or cut.</summary>
public sealed record AuditFault(long Number, string What, string Detail);

/// <summary>A frame whose place in the chain is proven, what it says, and where it ends in the file.</summary>
internal readonly record struct AuditLink(AuditFrame Frame, AuditEntry Entry, int End)
{
    public bool IsGap => Frame.Kind == AuditFrameKind.Gap;
}

/// <summary>
/// A log as far as it is whole, read and checked in one go: each frame follows by hash and by number on the one before,
/// and opens under our key. <see cref="Fault"/> is where that ends before the file does.
/// </summary>
internal sealed class AuditChain
{
    private readonly List<AuditLink> _links = [];

    private AuditChain(AuditKeys keys) => Last = new AuditPosition(0, keys.Genesis);

    /// <summary>Entries and marks, oldest first. What was dropped in time is not among them.</summary>
    public IReadOnlyList<AuditLink> Links => _links;

    public AuditCut? Cut { get; private set; }

    public AuditPosition Last { get; private set; }

    public AuditFault? Fault { get; private set; }

    /// <summary>The file ends as a crash ends one: in the beginning of a frame, or in zeros.</summary>
    public bool IsTorn { get; private set; }

    /// <summary>Up to here the file is whole.</summary>
    public int WholeLength { get; private set; }

    /// <summary>What is no entry of the file, in words: the cut in front. Null where nothing was dropped.</summary>
    public AuditEntry? CutEntry => Cut is { } cut
        ? new(cut.Dropped.Number, cut.At, "older entries dropped", Member: null, Device: null, DeviceId: null, $"up to {cut.Dropped.Number}, their days were over")
        : null;

    public static AuditChain Read(ReadOnlyMemory<byte> file, AuditKeys keys)
    {
        var chain = new AuditChain(keys);
        var magic = AuditFrame.Magic;
        if (!file.Span.StartsWith(magic))
        {
            chain.IsTorn = magic.StartsWith(file.Span) || file.Span.IndexOfAnyExcept((byte)0) < 0;
            chain.Fault = chain.IsTorn ? null : new AuditFault(1, "changed", "the file does not begin as an audit log of this version does");
            return chain;
        }

        var offset = chain.WholeLength = magic.Length;
        while (offset < file.Length && chain.Fault is null && !chain.IsTorn)
        {
            if (AuditFrame.Read(file, ref offset, out var torn) is { } frame)
            {
                chain.Add(frame, offset, file, keys);
            }
            else
            {
                chain.IsTorn = torn;
                chain.Fault = torn ? null : chain.Changed(chain.Last.Number + 1);
            }
        }

        return chain;
    }

    private void Add(AuditFrame frame, int end, ReadOnlyMemory<byte> file, AuditKeys keys)
    {
        if (frame.Kind == AuditFrameKind.Cut && WholeLength == AuditFrame.Magic.Length)
        {
            Cut = frame.Follows(keys.Genesis) ? AuditCut.Read(frame, keys) : null;
            Fault = Cut is null ? Changed(frame.Number) : null;
            Last = Cut?.Dropped ?? Last;
            WholeLength = Cut is null ? WholeLength : end;
            return;
        }

        var inOrder = frame.Kind switch
        {
            AuditFrameKind.Entry => frame.Number == Last.Number + 1,
            AuditFrameKind.Gap => true,
            _ => false,
        };
        if (inOrder && frame.Follows(Last.Hash) && keys.Open(frame) is { } entry)
        {
            _links.Add(new AuditLink(frame, entry, end));
            Last = frame.Position;
            WholeLength = end;
        }
        else
        {
            Fault = inOrder || frame.Kind != AuditFrameKind.Entry ? Changed(Last.Number + 1) : OutOfOrder(frame, end, file);
        }
    }

    /// <summary>Another number than the next: what should stand here comes later, or comes not at all.</summary>
    private AuditFault OutOfOrder(AuditFrame frame, int end, ReadOnlyMemory<byte> file)
    {
        var expected = Last.Number + 1;
        if (frame.Number < expected)
        {
            return new(expected, "reordered", $"entry {frame.Number} stands where {expected} belongs");
        }

        while (AuditFrame.Read(file, ref end, out _) is { } later)
        {
            if (later.Number == expected)
            {
                return new(expected, "reordered", $"entry {expected} stands behind entry {frame.Number}");
            }
        }

        return new(expected, "missing", frame.Number == expected + 1 ? $"entry {expected} is not there" : $"entries {expected} to {frame.Number - 1} are not there");
    }

    private AuditFault Changed(long number) => new(number, "changed", $"entry {number} is not what was written, or does not follow on entry {Last.Number}");
}
