using System.Formats.Tar;
using Gateway.Onboarding.Store;

namespace Gateway.Backups;

/// <summary>
/// The places of a backup while they fill: each beside its name, or inside it where it is an empty folder (which may be a disk of
/// its own). Nothing outside of them is written, whatever the archive says; owners come last, since only a whole backup makes users.
/// </summary>
internal sealed class RestoredPlaces
{
    private const string Suffix = ".restoring";
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    private readonly Dictionary<string, string> _staging = new(StringComparer.Ordinal);
    private readonly List<(string Path, TarEntry Entry)> _entries = [];
    private readonly List<string> _parents = [];

    private readonly string _root;

    private RestoredPlaces(string root, string dump) => (_root, Dump) = (root, dump);

    /// <summary>Where the dump of a PostgreSQL database lies meanwhile.</summary>
    public string Dump { get; }

    /// <summary><paramref name="root"/>: the folder that all places are in; empty for this machine itself.</summary>
    public static RestoredPlaces Prepare(Manifest manifest, string root)
    {
        var taken = manifest.Places.Select(place => root + place).Where(place => File.Exists(place) || (Directory.Exists(place) && HasContent(place))).ToList();
        if (taken.Count > 0)
        {
            throw new BackupException(
                $"there is something already: {string.Join(", ", taken)}", "nothing is overwritten and nothing was changed: restore to an empty machine, or move these away first");
        }

        if (manifest.Places.Any(place => !Path.IsPathRooted(place) || Path.GetFullPath(place) != place || place == "/") || !manifest.Places.Contains(manifest.DataDirectory, StringComparer.Ordinal))
        {
            throw new BackupException("the backup names places that no gateway would", "is it yours? Nothing was changed");
        }

        var places = new RestoredPlaces(root, root.Length == 0 ? manifest.DataDirectory + ".database" + Suffix : $"{root}/{Manifest.Database}");
        foreach (var place in manifest.Places)
        {
            places.Prepare(place);
        }

        File.Delete(places.Dump);
        return places;
    }

    /// <summary>Where a path of the backup lies until it has its place.</summary>
    public string Staged(string path) =>
        _staging.Where(place => path == place.Key || path.StartsWith(place.Key + "/", StringComparison.Ordinal)).Select(place => place.Value + path[place.Key.Length..]).FirstOrDefault()
        ?? throw new BackupException($"the backup has something outside of its places: {path}", "is it yours? Nothing was changed");

    /// <summary>Where a file's content is to be written; its folder is there.</summary>
    public string FileFor(TarEntry entry)
    {
        if (entry.Name == Manifest.Database)
        {
            return Dump;
        }

        var path = PathOf(entry);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!, OwnerOnly);
        _entries.Add((path, entry));
        return path;
    }

    public void Add(TarEntry entry)
    {
        if (entry.EntryType is not (TarEntryType.Directory or TarEntryType.SymbolicLink))
        {
            throw new BackupException($"the backup has something that is no file: {entry.Name}", "is it yours? Nothing was changed");
        }

        var path = PathOf(entry);
        if (entry.EntryType is TarEntryType.Directory)
        {
            Directory.CreateDirectory(path, OwnerOnly);
        }

        _entries.Add((path, entry));
    }

    /// <summary>What was written anew in a folder, straight below it, belongs to whom the folder does.</summary>
    public void Claim(string folder)
    {
        var staged = Staged(folder);
        var owner = (PaxTarEntry)_entries.First(entry => entry.Path == staged).Entry;
        _entries.RemoveAll(entry => Path.GetDirectoryName(entry.Path) == staged);
        _entries.AddRange(Directory.GetFiles(staged).Select(file => (file, (TarEntry)new PaxTarEntry(TarEntryType.RegularFile, Path.GetFileName(file))
        {
            Uid = owner.Uid,
            Gid = owner.Gid,
            UserName = owner.UserName,
            GroupName = owner.GroupName,
            Mode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        })));
    }

    /// <summary>Takes files out again that shall not come back.</summary>
    public void Forget(IEnumerable<string> paths)
    {
        foreach (var path in paths.Where(path => _staging.Keys.Any(place => path == place || path.StartsWith(place + "/", StringComparison.Ordinal))).Select(Staged))
        {
            File.Delete(path);
            _entries.RemoveAll(entry => entry.Path == path);
        }
    }

    /// <summary>Gives everything its owner, its mode and its name. Returns the users and groups that it had to make.</summary>
    public async Task<IReadOnlyList<string>> TakePlacesAsync(CancellationToken cancellationToken)
    {
        // Who only looks needs no users.
        IReadOnlyList<string> made = _root.Length > 0 ? [] : await Accounts.MakeMissingAsync(_entries.Select(entry => entry.Entry), cancellationToken);
        foreach (var (path, entry) in _entries.AsEnumerable().Reverse())
        {
            // Links last of all, so that nothing was ever written through one; what is in a folder before the folder.
            if (entry.EntryType is TarEntryType.SymbolicLink)
            {
                File.CreateSymbolicLink(path, entry.LinkName);
            }

            var (user, group) = FileOwner.Here(entry.UserNameOrEmpty(), entry.Uid, entry.GroupNameOrEmpty(), entry.Gid) ?? (entry.Uid, entry.Gid);
            FileOwner.Set(path, user, group);
            if (entry.EntryType is not TarEntryType.SymbolicLink)
            {
                // No set-user-ID: nothing of ours has it.
                File.SetUnixFileMode(path, entry.Mode & (UnixFileMode)0b111_111_111);
            }
        }

        foreach (var (place, staged) in _staging.Where(place => Path.Exists(place.Value)))
        {
            Move(staged, _root + place);
            DirectorySync.Sync(Path.GetDirectoryName(_root + place)!);
        }

        _parents.Clear();
        return made;
    }

    /// <summary>Leaves nothing that has not taken its place.</summary>
    public void Discard()
    {
        foreach (var staged in _staging.Values)
        {
            Delete(staged);
        }

        if (_root.Length == 0)
        {
            File.Delete(Dump);
        }

        foreach (var parent in _parents.OrderByDescending(parent => parent.Length).Where(parent => Directory.Exists(parent) && !HasContent(parent)))
        {
            Directory.Delete(parent);
        }
    }

    private static bool HasContent(string folder) =>
        Directory.EnumerateFileSystemEntries(folder).Any(entry => Path.GetFileName(entry) is not (Suffix or "lost+found"));

    private static void Delete(string path)
    {
        if (Directory.Exists(path))
        {
            Directory.Delete(path, recursive: true);
        }
        else
        {
            File.Delete(path);
        }
    }

    private static void Move(string staged, string place)
    {
        if (Path.GetDirectoryName(staged) != place)
        {
            (File.Exists(staged) ? (Action<string, string>)File.Move : Directory.Move)(staged, place);
            return;
        }

        foreach (var entry in Directory.GetFileSystemEntries(staged))
        {
            var name = Path.Combine(place, Path.GetFileName(entry));
            (File.Exists(entry) || new FileInfo(entry).LinkTarget is not null ? (Action<string, string>)File.Move : Directory.Move)(entry, name);
        }

        var owner = FileOwner.Of(staged);
        FileOwner.Set(place, owner.UserId, owner.GroupId);
        File.SetUnixFileMode(place, File.GetUnixFileMode(staged));
        Directory.Delete(staged);
    }

    private void Prepare(string name)
    {
        var place = _root + name;
        for (var parent = Path.GetDirectoryName(place); parent is not null && !Directory.Exists(parent); parent = Path.GetDirectoryName(parent))
        {
            _parents.Add(parent);
        }

        Directory.CreateDirectory(Path.GetDirectoryName(place)!);
        _staging[name] = Directory.Exists(place) ? Path.Combine(place, Suffix) : place + Suffix;
        Delete(_staging[name]);
    }

    private string PathOf(TarEntry entry)
    {
        var name = entry.Name.TrimEnd('/');
        return name.StartsWith(Manifest.Files + "/", StringComparison.Ordinal) && Path.GetFullPath(name[Manifest.Files.Length..]) == name[Manifest.Files.Length..]
            ? Staged(name[Manifest.Files.Length..])
            : throw new BackupException($"the backup has something outside of its places: {entry.Name}", "is it yours? Nothing was changed");
    }
}
