namespace Gateway.Onboarding.Audit;

public sealed partial class AuditLog
{
    /// <summary>A cut a day is enough, and more would let a clock that jumps be a clock that wipes.</summary>
    private static readonly TimeSpan BetweenCuts = TimeSpan.FromDays(1);

    /// <summary>
    /// So much history goes at once, and no more: with a clock that jumped ahead by a year, most of the log is still there
    /// when somebody notices.
    /// </summary>
    private static readonly TimeSpan MostHistory = TimeSpan.FromDays(30);

    /// <summary>
    /// Drops the entries that are older than <paramref name="retention"/>, oldest first, and puts a signed cut in their place,
    /// so that the chain still verifies. Returns how many went. A log that is not whole is left as it is. Throws
    /// <see cref="IOException"/> where the disk does not let it; then nothing has changed.
    /// </summary>
    internal int Drop(TimeSpan retention)
    {
        lock (_whole)
        {
            var now = _time.GetUtcNow();
            var (open, _, length) = Here();
            var bytes = _file.Read();
            if (!open || bytes.Length < length)
            {
                return 0;
            }

            var chain = AuditChain.Read(bytes.AsMemory(0, (int)length), _keys);
            if (chain is not { Fault: null, IsTorn: false, Links: [var oldest, ..] } || (chain.Cut is { } last && (now - last.At).Duration() < BetweenCuts))
            {
                return 0;
            }

            // An entry from a clock that ran ahead holds back those behind it: in doubt, kept.
            var end = Min(now - retention, oldest.Entry.At + MostHistory);
            var dropped = chain.Links.TakeWhile(link => link.Entry.At < end).ToList();
            if (dropped.Count == 0)
            {
                return 0;
            }

            var cut = new AuditCut(dropped[^1].Frame.Position, now);
            var frame = AuditFrame.Chain(_keys.Genesis, AuditFrameKind.Cut, cut.Dropped.Number, cut.ToBytes(_keys));
            Rewrite([.. AuditFrame.Magic, .. frame.ToBytes(), .. bytes.AsSpan(dropped[^1].End..(int)length)], length);
            return dropped.Count;
        }
    }

    /// <summary>The long part is written beside the log; only the change of names, and what came in meanwhile, holds up the writer.</summary>
    private void Rewrite(byte[] content, long length)
    {
        _file.Prepare(content);
        lock (_lock)
        {
            var since = _file.Read(length).AsSpan(0, (int)(_length - length));
            _file.Swap(since);
            _length = content.Length + since.Length;
            _syncedLength = 0;
            Sync();
        }
    }

    private static DateTimeOffset Min(DateTimeOffset one, DateTimeOffset other) => one < other ? one : other;
}
