using System.Collections.Immutable;
using Gateway.Onboarding.Keys;
using JsonSerializer = System.Text.Json.JsonSerializer;

namespace Gateway.Onboarding.Store;

/// <summary>
/// Takes a store that lies still to a new key, for the day on which somebody else has the old one. What was a secret is made anew at
/// the next start, and what has to happen besides stands in the journal: applied, and told in the audit, like any other write.
/// </summary>
public static class StoreRenewal
{
    /// <summary>Throws <see cref="StoreException"/> where the store cannot be read; a crash in between leaves it unreadable, so only for a copy.</summary>
    public static State Renew(string path, Func<string, bool> keeps, Func<State, IReadOnlyList<Intent>> decide, Entropy entropy)
    {
        var disk = new DirectoryDisk(path);
        var (state, secrets) = Read(path, disk);
        var intents = decide(state);
        var bytes = entropy.Bytes(SecretKey.Length);
        using var key = new MasterKey(bytes);
        using var sealer = new Sealer(key, entropy);
        foreach (var old in StoredFiles.JournalsOf(disk))
        {
            disk.Delete(old);
        }

        StoredFiles.Write(disk, DataDirectory.KeyFile, key.Bytes.ToArray());
        StoredFiles.Write(disk, Snapshot.FileName, new Snapshot(state, secrets.Where(secret => keeps(secret.Key)).ToImmutableDictionary(StringComparer.Ordinal)).ToBytes(sealer));
        Journal.Create(disk, sealer, state.Generation + 1, JsonSerializer.SerializeToUtf8Bytes(intents, StoreJson.Options)).Dispose();
        return intents.Aggregate(state, Transition.Apply);
    }

    private static (State State, ImmutableDictionary<string, byte[]> Secrets) Read(string path, DirectoryDisk disk)
    {
        using var key = DataDirectory.ReadKey(Path.Combine(path, DataDirectory.KeyFile));
        using var sealer = new Sealer(key, new Entropy());
        return (StoredFiles.Peek(disk, sealer), Snapshot.Read(disk.Read(Snapshot.FileName), sealer).Secrets);
    }
}
