using Gateway.Onboarding.Store;
using Microsoft.Extensions.Logging;

namespace Gateway.Onboarding.Audit;

/// <summary>
/// The audit: a file that is only ever added to, each entry sealed and chained to the last by hash. It follows the writer
/// of the state with one small write per change, which need not be on the disk before the change is acknowledged: the
/// store has the intents until <see cref="Sync"/> says that the log has them. Where the disk fails, entries wait here.
/// </summary>
public sealed partial class AuditLog : IDisposable
{
    private readonly AuditFile _file;
    private readonly AuditKeys _keys;
    private readonly TimeProvider _time;
    private readonly ILogger<AuditLog> _log;

    /// <summary>Held while the file is read as a whole or replaced; always taken before <see cref="_lock"/>.</summary>
    private readonly Lock _whole = new();

    /// <summary>Held for one small write: a revocation may be waiting for it.</summary>
    private readonly Lock _lock = new();

    private readonly List<(AuditFrameKind Kind, AuditEntry Entry)> _waiting = [];
    private State? _seen;
    private bool _open;
    private long _length;
    private AuditPosition _last;
    private long _synced;
    private long _syncedLength;
    private bool _syncFailed;
    private string? _diskFault;
    private string? _found;
    private string? _unmarkedDamage;

    internal AuditLog(AuditFile file, AuditKeys keys, TimeProvider time, ILogger<AuditLog> log)
    {
        _file = file;
        _keys = keys;
        _time = time;
        _log = log;
    }

    /// <summary>What is wrong now, for <c>gateway status</c>: the disk, or what was found when the log was opened.</summary>
    public string? Fault
    {
        get
        {
            lock (_lock)
            {
                return _diskFault is null && (_open || _waiting.Count == 0) ? _found : $"{_waiting.Count} entries wait to be written: {_diskFault ?? "the log is closed"}";
            }
        }
    }

    /// <summary>The number of the last entry.</summary>
    public long LastNumber
    {
        get
        {
            lock (_lock)
            {
                return _last.Number;
            }
        }
    }

    /// <summary>The log in <paramref name="directory"/>, with keys that are secrets of <paramref name="store"/>. Touches nothing until <see cref="CatchUp"/>.</summary>
    public static AuditLog In(string directory, StoreFile store, Keys.Entropy entropy, TimeProvider time, ILogger<AuditLog> log) =>
        new(new AuditFile(Path.Combine(directory, "audit.log")), AuditKeys.Of(store, entropy), time, log);

    /// <summary>Appends what a change did. For <see cref="StateWriter.Watch"/>: in order, one change after the other.</summary>
    public void Follow(StateChange change)
    {
        lock (_lock)
        {
            var number = change.State.Generation - change.Intents.Length;
            var before = _seen ?? change.State;
            _waiting.AddRange(change.Intents.Select(intent => (AuditFrameKind.Entry, AuditWords.Entry(++number, intent, before, change.State))));
            _seen = change.State;
            if (_diskFault is null)
            {
                Flush();
            }
        }
    }

    /// <summary>
    /// The number of the last intent that is in the log and on the disk: the store may forget it and those before. Stays
    /// where it is as long as the disk fails.
    /// </summary>
    public long Sync()
    {
        lock (_lock)
        {
            Flush();
            try
            {
                if (_open && _syncedLength < _length)
                {
                    _file.Sync();
                    (_synced, _syncedLength) = (_last.Number, _length);
                }
            }
            catch (Exception e) when (IsDisk(e))
            {
                // The kernel may now call pages clean that never reached the disk: the next opening writes the file anew.
                _open = false;
                _syncFailed = true;
                DiskFailed(e);
            }

            return _synced;
        }
    }

    public void Dispose()
    {
        lock (_lock)
        {
            _open = false;
            _file.Dispose();
            _keys.Dispose();
        }
    }

    /// <summary>Tries again what the disk refused. False where the log is not open: then <see cref="CatchUp"/> is due.</summary>
    internal bool Retry()
    {
        lock (_lock)
        {
            Flush();
            return _open;
        }
    }

    /// <summary>One write of all that waits. Where it fails, it goes to the same place again later, and whole.</summary>
    private void Flush()
    {
        if (!_open || _waiting.Count == 0)
        {
            return;
        }

        var position = _last;
        using var bytes = new MemoryStream();
        foreach (var (kind, entry) in _waiting)
        {
            var frame = AuditFrame.Chain(position.Hash, kind, entry.Number, _keys.Seal(kind, entry));
            position = frame.Position;
            bytes.Write(frame.ToBytes());
        }

        try
        {
            _file.Write(bytes.GetBuffer().AsSpan(0, (int)bytes.Length), _length);
            _length += bytes.Length;
            _last = position;
            _waiting.Clear();
            _diskFault = _unmarkedDamage = null;
        }
        catch (Exception e) when (IsDisk(e))
        {
            DiskFailed(e);
        }
    }

    private void DiskFailed(Exception e)
    {
        if (_diskFault is null)
        {
            CannotWrite(e.Message);
        }

        _diskFault = e.Message;
    }

    private static bool IsDisk(Exception e) => e is IOException or UnauthorizedAccessException or ObjectDisposedException;

    [LoggerMessage(Level = LogLevel.Error, Message = "The audit log cannot be written, its entries wait: {Why}")]
    private partial void CannotWrite(string why);
}
