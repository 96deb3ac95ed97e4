using System.Collections.Immutable;
using JsonSerializer = System.Text.Json.JsonSerializer;

namespace Gateway.Onboarding.Store;

/// <summary>
/// The state on the disk (docs/decisions/0007): a snapshot, replaced as a whole now and then, and the journal of all
/// writes since, each on the disk before it is acknowledged. One at a time: every call is under one lock, which is held
/// for one synced write, never for a snapshot.
/// </summary>
public sealed class StoreFile : IDisposable
{
    private const string Unfinished = Snapshot.FileName + ".new";

    private readonly Lock _lock = new();

    /// <summary>Taken before <see cref="_lock"/>: from a snapshot's state to its place, so that an older one never follows a newer.</summary>
    private readonly Lock _snapshotLock = new();
    private readonly IStoreDisk _disk;
    private readonly Sealer _sealer;
    private ImmutableDictionary<string, byte[]> _secrets;
    private ImmutableList<(long Number, Intent Intent)> _journalled;
    private State _state;
    private Journal _journal;
    private long _snapshotSize;
    private Task _snapshotting = Task.CompletedTask;

    private StoreFile(IStoreDisk disk, Sealer sealer, StoredFiles found)
    {
        _disk = disk;
        _sealer = sealer;
        _secrets = found.Secrets;
        _state = found.State;
        _journalled = found.Journalled;
        _journal = found.Journal;
        _snapshotSize = found.SnapshotSize;
        WasRestored = found.WasRestored;
    }

    /// <summary>The files are a copy of those that were written last: what was revoked since they were copied is not in them.</summary>
    public bool WasRestored { get; }

    /// <summary>Up to which intent the audit has the history on the disk: what it has not, the journal keeps.</summary>
    public Func<long> Audited { get; set; } = () => long.MaxValue;

    /// <summary>Why the last snapshot could not be made; null where it could. The journal grows meanwhile, and nothing is lost.</summary>
    public string? SnapshotFault { get; private set; }

    /// <summary>Opens the store, or makes it where there is none. Throws <see cref="StoreException"/> with what is wrong and the way out.</summary>
    internal static StoreFile Open(IStoreDisk disk, Sealer sealer, TimeProvider time)
    {
        try
        {
            return new StoreFile(disk, sealer, StoredFiles.Open(disk, sealer, time));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StoreException($"the store cannot be opened: {e.Message}", "look at the disk; nothing was changed", e);
        }
    }

    /// <summary>The state as the last acknowledged write left it.</summary>
    public State Load() => Now().State;

    /// <summary>The intents that the journals have, oldest first, with their numbers: at the least those since the last snapshot.</summary>
    public IReadOnlyList<(long Number, Intent Intent)> ReadIntents()
    {
        lock (_lock)
        {
            return _journalled;
        }
    }

    /// <summary>
    /// Stores the intents, all or nothing, on the disk when it returns. The state <paramref name="after"/> has the number
    /// of the last intent.
    /// </summary>
    public void Save(IReadOnlyList<Intent> intents, State after)
    {
        lock (_lock)
        {
            var first = after.Generation - intents.Count + 1;
            try
            {
                if (!_journal.IsSound)
                {
                    // What the last write left behind ends where the new file begins: it cannot come to life again.
                    StartJournal(first);
                }

                _journal.Append(_sealer, first, JsonSerializer.SerializeToUtf8Bytes(intents, StoreJson.Options), intents.All(intent => intent.Shuts));
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                throw new StoreException($"the change could not be stored: {e.Message}", "look at the disk: is it full or failing? Nothing was changed", e);
            }

            _journalled = _journalled.AddRange(intents.Select((intent, index) => (first + index, intent)));
            _state = after;
            SnapshotIfDue();
        }
    }

    /// <summary>The secret of this name; where there is none yet, <paramref name="make"/> is stored first.</summary>
    public byte[] Secret(string name, Func<byte[]> make)
    {
        lock (_snapshotLock)
        {
            if (Now().Secrets.TryGetValue(name, out var known))
            {
                return known;
            }

            var secret = make();
            var (state, secrets) = Now();
            try
            {
                WriteSnapshot(new Snapshot(state, secrets.Add(name, secret)));
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                throw new StoreException($"a new secret could not be stored: {e.Message}", "look at the disk: is it full or failing?", e);
            }

            lock (_lock)
            {
                _secrets = secrets.Add(name, secret);
            }

            return secret;
        }
    }

    public void Dispose()
    {
        Task snapshotting;
        lock (_lock)
        {
            snapshotting = _snapshotting;
        }

        snapshotting.GetAwaiter().GetResult();
        lock (_lock)
        {
            _journal.Dispose();
            _sealer.Dispose();
        }
    }

    /// <summary>Once the journal is as long as what replaces it: so that its cost per write stays the same however much there is.</summary>
    private void SnapshotIfDue()
    {
        if (_journal.Used < Math.Max(Journal.Chunk, _snapshotSize) || !_snapshotting.IsCompleted)
        {
            return;
        }

        try
        {
            StartJournal(_state.Generation + 1);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            SnapshotFault = e.Message;
            return;
        }

        _snapshotting = Task.Run(MakeSnapshot);
    }

    private void MakeSnapshot()
    {
        try
        {
            lock (_snapshotLock)
            {
                var (state, secrets) = Now();
                WriteSnapshot(new Snapshot(state, secrets));
                var audited = Audited();
                lock (_lock)
                {
                    Forget(Math.Min(state.Generation, audited));
                    SnapshotFault = null;
                }
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            SnapshotFault = e.Message;
        }
    }

    private (State State, ImmutableDictionary<string, byte[]> Secrets) Now()
    {
        lock (_lock)
        {
            return (_state, _secrets);
        }
    }

    private void WriteSnapshot(Snapshot snapshot)
    {
        var bytes = snapshot.ToBytes(_sealer);
        StoredFiles.Replace(_disk, Unfinished, Snapshot.FileName, bytes);
        _snapshotSize = bytes.Length;
    }

    /// <summary>The journals that the snapshot of this generation has made superfluous.</summary>
    private void Forget(long generation)
    {
        var journals = StoredFiles.JournalsOf(_disk);
        foreach (var (old, next) in journals.Zip(journals.Skip(1)))
        {
            if (Journal.FirstOf(next) <= generation + 1)
            {
                _disk.Delete(old);
            }
        }

        _journalled = _journalled.RemoveAll(entry => entry.Number <= generation);
    }

    private void StartJournal(long first)
    {
        var next = Journal.Create(_disk, _sealer, first);
        _journal.Dispose();
        _journal = next;
    }
}
