using Gateway.Onboarding.Store;
using Microsoft.Extensions.Logging;

namespace Gateway.Onboarding.Audit;

public sealed partial class AuditLog
{
    /// <summary>
    /// Opens the log and appends the intents it lacks, of those that the store still has. A tail that a crash tore is cut
    /// off only where they are among them; whatever else is wrong is kept aside, marked in the log and told. Does not
    /// throw: without its log the gateway still revokes, and this is tried again.
    /// </summary>
    public void CatchUp(IReadOnlyList<(long Number, Intent Intent)> intents, State state)
    {
        lock (_whole)
        {
            try
            {
                // Read outside the inner lock: nothing is written before the log is open.
                var bytes = _file.Read();
                var chain = AuditChain.Read(bytes, _keys);
                lock (_lock)
                {
                    _seen ??= state;
                    var known = WithEnrolled(_seen, intents);
                    var missing = intents
                        .Where(one => one.Number > chain.Last.Number && (_waiting.Count == 0 || one.Number < _waiting[0].Entry.Number))
                        .OrderBy(one => one.Number)
                        .Select(one => AuditWords.Entry(one.Number, one.Intent, known, known));
                    Open(bytes, chain, [.. missing, .. _waiting.Where(one => one.Kind == AuditFrameKind.Entry).Select(one => one.Entry)]);
                }
            }
            catch (Exception e) when (IsDisk(e))
            {
                lock (_lock)
                {
                    DiskFailed(e);
                }
            }
        }
    }

    /// <summary>Goes on behind what is whole of the file. Everything unusual leaves a mark in the log, and the damaged file stays beside it.</summary>
    private void Open(byte[] bytes, AuditChain chain, List<AuditEntry> entries)
    {
        var canGoOn = entries.Count > 0 ? entries[0].Number == chain.Last.Number + 1 : chain.Last.Number == _seen!.Generation;
        var damage = chain.Fault?.Detail
            ?? (chain is { IsTorn: true, WholeLength: > 0 } && (entries.Count == 0 || !canGoOn) ? "its end is torn, and the store does not have what stood there" : null);
        if (damage is not null)
        {
            _unmarkedDamage = $"the log was damaged and is kept as {_file.KeepAside(bytes, _time.GetUtcNow())}: {damage}";
        }

        if (damage is not null || _syncFailed)
        {
            _file.Prepare(chain.WholeLength == 0 ? AuditFrame.Magic : bytes.AsSpan(0, chain.WholeLength));
            _file.Swap([]);
        }

        _length = Math.Max(chain.WholeLength, AuditFrame.Magic.Length);
        _file.Open(chain.WholeLength);
        _file.Write(AuditFrame.Magic, 0);
        (_last, _syncedLength, _syncFailed, _diskFault, _open) = (chain.Last, 0, false, null, true);
        List<AuditEntry> marks = [];
        if (_unmarkedDamage is not null)
        {
            marks.Add(Mark(entries.Count > 0 ? entries[0].Number - 1 : _seen!.Generation, _unmarkedDamage));
        }

        Queue(marks, entries);
        Flush();
    }

    /// <summary>Puts what is to be written in line, with a mark wherever a number does not follow on the one before.</summary>
    private void Queue(List<AuditEntry> marks, List<AuditEntry> entries)
    {
        _waiting.Clear();
        _waiting.AddRange(marks.Select(mark => (AuditFrameKind.Gap, mark)));
        var last = marks is [.., var latest] ? latest.Number : _last.Number;
        foreach (var entry in entries)
        {
            Bridge(entry.Number - 1);
            _waiting.Add((AuditFrameKind.Entry, entry));
            last = entry.Number;
        }

        Bridge(_seen!.Generation);
        var found = _waiting.Where(one => one.Kind == AuditFrameKind.Gap).Select(one => one.Entry.Detail!).ToList();
        if (found.Count > 0)
        {
            _found = string.Join("; ", found);
            Damaged(_found);
        }

        void Bridge(long to)
        {
            if (to != last)
            {
                _waiting.Add((AuditFrameKind.Gap, Mark(to, to > last
                    ? $"entries {last + 1} to {to} are missing, and the store has them no more"
                    : $"the store was put back to entry {to}: it is older than this log, which had reached {last}")));
                last = to;
            }
        }
    }

    private AuditEntry Mark(long number, string detail) =>
        new(number, _time.GetUtcNow(), "entries missing", Member: null, Device: null, DeviceId: null, detail);

    /// <summary>Devices that were enrolled and are gone again still have their names in the intents.</summary>
    private static State WithEnrolled(State state, IReadOnlyList<(long Number, Intent Intent)> intents) =>
        state with
        {
            Devices = intents.Select(one => one.Intent).OfType<DeviceEnrolled>()
                .Where(one => !state.Devices.ContainsKey(one.Enrolled.Id))
                .Aggregate(state.Devices, (devices, one) => devices.Set(one.Enrolled)),
        };

    [LoggerMessage(Level = LogLevel.Error, Message = "The audit log is not whole: {What}")]
    private partial void Damaged(string what);
}
