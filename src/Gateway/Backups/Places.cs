using Gateway.Onboarding.Store;

namespace Gateway.Backups;

/// <summary>Something that goes into a backup. <see cref="Content"/>: where its bytes are, which may be a copy of one moment; null: a folder or a link.</summary>
internal sealed record Found(string Path, string Name, string? Content, string? LinkTarget, long Length)
{
    /// <summary>A file that was removed since it was found, as homeservers do with old media, is no failure.</summary>
    public async Task AddToAsync(ArchiveWriter archive, CancellationToken cancellationToken)
    {
        try
        {
            await (LinkTarget is not null ? archive.AddLinkAsync(Path, LinkTarget, Name, cancellationToken)
                : Content is not null ? archive.AddFileAsync(Content, Path, Name, cancellationToken)
                : archive.AddFolderAsync(Path, Name, cancellationToken));
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException && Content == Path)
        {
        }
    }
}

/// <summary>The files and folders of a backup: those that the configuration names, each once, with copies in the place of what changes.</summary>
internal sealed class Places
{
    private readonly BackupSource _source;
    private readonly string _staging;
    private readonly string? _sqlite;

    public Places(BackupSource source, string staging)
    {
        _source = source;
        _staging = staging;
        _sqlite = source.Options.HomeserverDatabase is { } database && !HomeserverDatabase.IsPostgres(database) ? database : null;
        string?[] named = [source.Configuration, source.DataDirectory, source.CertificatePath, source.CertificateKeyPath, _sqlite, .. source.Options.Files];
        var paths = named.OfType<string>().Select(path => Path.TrimEndingDirectorySeparator(Path.GetFullPath(path))).Distinct(StringComparer.Ordinal).ToList();
        All = [.. paths.Where(path => !paths.Exists(other => path.StartsWith(other + "/", StringComparison.Ordinal))).Order(StringComparer.Ordinal)];
    }

    /// <summary>None lies in another.</summary>
    public IReadOnlyList<string> All { get; }

    /// <summary>A folder before what is in it. Sockets, pipes and devices are left out: a program makes them anew.</summary>
    public IEnumerable<Found> Walk()
    {
        foreach (var place in All)
        {
            if (!Path.Exists(place))
            {
                throw new BackupException($"{place} is not there", "it is named in the configuration (Backup:Files, Certificate): mend it, so that nothing is missing when it is needed");
            }

            foreach (var found in Walk(new FileInfo(place)))
            {
                yield return found;
            }
        }
    }

    private IEnumerable<Found> Walk(FileSystemInfo item)
    {
        var (path, name) = (item.FullName, $"{Manifest.Files}{item.FullName}");
        if (item.LinkTarget is { } target)
        {
            return [new(path, name, null, target, 0)];
        }

        return path == _source.DataDirectory ? OfStore(path, name)
            : path == _sqlite ? [new(path, name, Path.Combine(_staging, Manifest.Database), null, new FileInfo(Path.Combine(_staging, Manifest.Database)).Length)]
            : Directory.Exists(path) ? OfFolder(path, name)
            : IsLeftOut(item) ? []
            : [new(path, name, path, null, ((FileInfo)item).Length)];
    }

    private IEnumerable<Found> OfFolder(string path, string name) =>
        new DirectoryInfo(path).EnumerateFileSystemInfos().OrderBy(item => item.Name, StringComparer.Ordinal).SelectMany(Walk).Prepend(new(path, name, null, null, 0));

    /// <summary>From the copy, with the owner of the directory: root, who copies, is not who reads it later.</summary>
    private IEnumerable<Found> OfStore(string path, string name) =>
        new DirectoryInfo(Path.Combine(_staging, "store")).GetFiles().OrderBy(file => file.Name, StringComparer.Ordinal)
            .Select(file => new Found(path, $"{name}/{file.Name}", file.FullName, null, file.Length))
            .Prepend(new(path, name, null, null, 0));

    /// <summary>SQLite's log of what is in the copy already; backups themselves; what is no file.</summary>
    private bool IsLeftOut(FileSystemInfo item) =>
        (_sqlite is not null && (item.FullName == _sqlite + "-wal" || item.FullName == _sqlite + "-shm" || item.FullName == _sqlite + "-journal"))
        || item.Name.EndsWith(".tar.gz.age", StringComparison.Ordinal) || item.Name.EndsWith(".tar.gz.age.partial", StringComparison.Ordinal)
        || !FileStatus.Of(item.FullName).IsRegular;
}
