using System.Collections.Immutable;
using JsonSerializer = System.Text.Json.JsonSerializer;

namespace Gateway.Onboarding.Store;

/// <summary>What was found on the disk, put together: the snapshot, and the writes since.</summary>
internal sealed record StoredFiles
{
    public required State State { get; init; }

    public required ImmutableDictionary<string, byte[]> Secrets { get; init; }

    public required ImmutableList<(long Number, Intent Intent)> Journalled { get; init; }

    /// <summary>The one to go on with.</summary>
    public required Journal Journal { get; init; }

    public required long SnapshotSize { get; init; }

    public required bool WasRestored { get; init; }

    /// <summary>
    /// 1. the snapshot; 2. the journals, which must follow it and each other without a gap; 3. is this the original or a
    /// copy?; 4. the journal to go on with. Nothing is changed before all of it was found good.
    /// </summary>
    public static StoredFiles Open(IStoreDisk disk, Sealer sealer, TimeProvider time)
    {
        // 1.
        var journals = JournalsOf(disk);
        if (!disk.Names().Contains(Snapshot.FileName, StringComparer.Ordinal))
        {
            return IsUnused(disk, sealer, journals) ? Make(disk, sealer) : throw Missing(Snapshot.FileName);
        }

        if (journals.Count == 0)
        {
            throw Missing("the journal");
        }

        var bytes = disk.Read(Snapshot.FileName);
        var snapshot = Snapshot.Read(bytes, sealer);

        // 2.
        var replay = new Replay(snapshot.State);
        replay.Follow(disk, sealer, journals);

        // 3.
        var wasRestored = replay.Identity != disk.Identity(journals[^1]);

        // 4.
        var journal = wasRestored ? StartAsCopy(disk, sealer, replay, time)
            : replay.IsTorn ? Journal.Create(disk, sealer, replay.State.Generation + 1)
            : Journal.Continue(disk, journals[^1], replay.End);
        return new StoredFiles
        {
            State = replay.State,
            Secrets = snapshot.Secrets,
            Journalled = replay.Journalled.ToImmutable(),
            Journal = journal,
            SnapshotSize = bytes.Length,
            WasRestored = wasRestored,
        };
    }

    /// <summary>The state as it lies there, with nothing changed and nothing locked: for looking only.</summary>
    public static State Peek(IStoreDisk disk, Sealer sealer)
    {
        var journals = JournalsOf(disk);
        if (journals.Count == 0 || !disk.Names().Contains(Snapshot.FileName, StringComparer.Ordinal))
        {
            throw Missing("the store");
        }

        var replay = new Replay(Snapshot.Read(disk.Read(Snapshot.FileName), sealer).State);
        replay.Follow(disk, sealer, journals);
        return replay.State;
    }

    public static List<string> JournalsOf(IStoreDisk disk) =>
        [.. disk.Names().Where(Journal.IsName)];

    /// <summary>A file whole and new, or the old one: never between.</summary>
    public static void Replace(IStoreDisk disk, string unfinished, string name, byte[] bytes)
    {
        Write(disk, unfinished, bytes);
        disk.Rename(unfinished, name);
        disk.SyncNames();
    }

    public static void Write(IStoreDisk disk, string name, byte[] bytes)
    {
        using var file = disk.Create(name);
        file.Write(bytes);
        file.Flush();
    }

    /// <summary>Nothing was ever stored: a first start, or one that was cut short before its snapshot.</summary>
    private static bool IsUnused(IStoreDisk disk, Sealer sealer, List<string> journals) =>
        journals is [] || (journals is [var only] && Journal.FirstOf(only) == 1 && Journal.Read(disk.Read(only), only, long.MaxValue, sealer) is { Records: [], IsTorn: false });

    /// <summary>The journal first: where there is a snapshot, there was one.</summary>
    private static StoredFiles Make(IStoreDisk disk, Sealer sealer)
    {
        var journal = Journal.Create(disk, sealer, 1);
        var snapshot = new Snapshot(State.Empty, ImmutableDictionary<string, byte[]>.Empty.WithComparers(StringComparer.Ordinal));
        var bytes = snapshot.ToBytes(sealer);
        Replace(disk, Snapshot.FileName + ".new", Snapshot.FileName, bytes);
        return new StoredFiles
        {
            State = snapshot.State,
            Secrets = snapshot.Secrets,
            Journalled = [],
            Journal = journal,
            SnapshotSize = bytes.Length,
            WasRestored = false,
        };
    }

    /// <summary>The new journal and the fact that this is a copy get to the disk together: the next start finds an original.</summary>
    private static Journal StartAsCopy(IStoreDisk disk, Sealer sealer, Replay replay, TimeProvider time)
    {
        IReadOnlyList<Intent> restored = [new StoreRestored { At = time.GetUtcNow() }];
        var journal = Journal.Create(disk, sealer, replay.State.Generation + 1, JsonSerializer.SerializeToUtf8Bytes(restored, StoreJson.Options));
        replay.Apply(restored[0]);
        return journal;
    }

    private static StoreException Missing(string what) => new(
        $"{what} is missing from the data directory, and without it acknowledged changes would be lost",
        "restore the whole directory from one backup; nothing was changed, and nothing is served");

    /// <summary>The writes since the snapshot, applied to its state one after the other.</summary>
    private sealed class Replay(State state)
    {
        private long _next;

        public State State { get; private set; } = state;

        public ImmutableList<(long Number, Intent Intent)>.Builder Journalled { get; } = ImmutableList.CreateBuilder<(long, Intent)>();

        /// <summary>Of the last file: where its writes end, whether something half follows, and which file it was made as.</summary>
        public long End { get; private set; }

        public bool IsTorn { get; private set; }

        public ulong Identity { get; private set; }

        public void Follow(IStoreDisk disk, Sealer sealer, List<string> journals)
        {
            _next = Journal.FirstOf(journals[0]);
            if (_next > State.Generation + 1)
            {
                throw Missing($"the journal before {journals[0]}");
            }

            for (var index = 0; index < journals.Count; index++)
            {
                if (Journal.FirstOf(journals[index]) != _next)
                {
                    throw Journal.Damaged(journals[index - 1]);
                }

                Follow(disk.Read(journals[index]), journals[index], index + 1 < journals.Count ? Journal.FirstOf(journals[index + 1]) : long.MaxValue, sealer);
            }

            if (State.Generation != _next - 1)
            {
                throw Missing($"the journal up to change {State.Generation}");
            }
        }

        public void Apply(Intent intent)
        {
            State = Transition.Apply(State, intent);
            Journalled.Add((State.Generation, intent));
        }

        private void Follow(byte[] bytes, string name, long before, Sealer sealer)
        {
            (var records, End, IsTorn) = Journal.Read(bytes, name, before, sealer);
            Identity = Journal.IdentityOf(bytes, name, sealer);
            foreach (var record in records)
            {
                if (record.Number != _next)
                {
                    throw Journal.Damaged(name);
                }

                foreach (var intent in JsonSerializer.Deserialize<IReadOnlyList<Intent>>(record.Intents, StoreJson.Options)!)
                {
                    // What the snapshot has already is not applied again; the audit may still want it.
                    if (_next > State.Generation)
                    {
                        Apply(intent);
                    }
                    else
                    {
                        Journalled.Add((_next, intent));
                    }

                    _next++;
                }
            }
        }
    }
}
