namespace Gateway.Onboarding.Store;

/// <summary>
/// A copy of a data directory that is whole, also while a gateway works in it: what its store says is one moment, and the
/// key that opens it lies beside it, wherever it came from. A start from the copy finds that it is one, and begins locked.
/// </summary>
public static class DataCopy
{
    /// <summary>What is known of this machine, and not of the group: it has no place in a copy.</summary>
    public static readonly IReadOnlyList<string> NotCopied = ["gateway.lock", "backup.json", "backup.lock", "drill.json", "drill.lock", "moved.json"];

    /// <summary>Snapshots are rare: one that comes between is seldom, two are a wonder.</summary>
    private const int Tries = 10;

    /// <summary>
    /// Fills the empty directory <paramref name="to"/> and returns the state that it holds. Throws <see cref="StoreException"/>
    /// where the original cannot be read as a whole; what is in <paramref name="to"/> then means nothing.
    /// </summary>
    public static State Make(string from, string to)
    {
        var (source, target) = (new DirectoryDisk(from), new DirectoryDisk(to));
        for (var tries = 0; tries < Tries; tries++)
        {
            if (TryMake(source, target))
            {
                DataDirectory.CopyKey(from, target);
                target.SyncNames();
                return DataDirectory.Peek(to);
            }

            foreach (var name in target.Names())
            {
                target.Delete(name);
            }
        }

        throw new StoreException($"the store in {from} changed whenever it was copied", "try again");
    }

    /// <summary>
    /// False where a snapshot came between: then journals may be gone that the copy would need. The audit first, so that it never
    /// knows more than the store.
    /// </summary>
    private static bool TryMake(DirectoryDisk source, DirectoryDisk target)
    {
        try
        {
            var before = Files(source);
            if (!before.Exists(file => file.Name == Snapshot.FileName))
            {
                throw new StoreException("there is no store to copy", "is Gateway:DataDirectory the right one?");
            }

            foreach (var (name, _) in before.OrderBy(file => IsOfStore(file.Name)).ThenBy(file => file.Name, StringComparer.Ordinal))
            {
                StoredFiles.Write(target, name, source.Read(name));
            }

            return Files(source).Where(file => IsOfStore(file.Name)).SequenceEqual(before.Where(file => IsOfStore(file.Name)));
        }
        catch (FileNotFoundException)
        {
            return false;
        }
    }

    private static bool IsOfStore(string name) => name == Snapshot.FileName || Journal.IsName(name);

    private static List<(string Name, ulong Identity)> Files(DirectoryDisk disk) =>
        [.. from name in disk.Names()
            where !NotCopied.Contains(name, StringComparer.Ordinal) && name != DataDirectory.KeyFile && !name.EndsWith(".new", StringComparison.Ordinal)
            select (name, disk.Identity(name))];
}
