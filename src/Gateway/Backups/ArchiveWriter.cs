using System.Formats.Tar;
using System.Text.Json;

namespace Gateway.Backups;

/// <summary>The inside of a backup: a tar archive (pax) of files under their absolute paths, its list of contents at the end.</summary>
internal sealed class ArchiveWriter(Stream output) : IAsyncDisposable
{
    private readonly TarWriter _tar = new(output, TarEntryFormat.Pax, leaveOpen: true);
    private readonly List<ManifestEntry> _entries = [];

    public IReadOnlyList<ManifestEntry> Entries => _entries;

    /// <summary>The content of <paramref name="source"/> as <paramref name="name"/>, with owner and mode of the <paramref name="original"/>; of a folder's, the owner.</summary>
    public async Task AddFileAsync(string source, string original, string name, CancellationToken cancellationToken)
    {
#pragma warning disable CA2000 // The measured stream closes it.
        var file = new FileStream(source, new FileStreamOptions { Share = FileShare.ReadWrite | FileShare.Delete, Options = FileOptions.Asynchronous | FileOptions.SequentialScan });
#pragma warning restore CA2000
        await using var content = new MeasuredStream(file, file.Length);
        var entry = Owned(new PaxTarEntry(TarEntryType.RegularFile, name), original);
        entry.DataStream = content;
        entry.Mode = File.GetUnixFileMode(Directory.Exists(original) ? source : original);
        await _tar.WriteEntryAsync(entry, cancellationToken);
        _entries.Add(new(name, content.Length, content.Sha256()));
    }

    public Task AddFolderAsync(string path, string name, CancellationToken cancellationToken) =>
        _tar.WriteEntryAsync(Owned(new PaxTarEntry(TarEntryType.Directory, name + "/"), path), cancellationToken);

    public Task AddLinkAsync(string path, string target, string name, CancellationToken cancellationToken) =>
        _tar.WriteEntryAsync(Owned(new PaxTarEntry(TarEntryType.SymbolicLink, name) { LinkName = target }, path), cancellationToken);

    public Task BeginAsync(Manifest manifest, CancellationToken cancellationToken) => AddAsync(Manifest.Name, manifest.ToBytes(), cancellationToken);

    public Task EndAsync(CancellationToken cancellationToken) =>
        AddAsync(Manifest.EntriesName, JsonSerializer.SerializeToUtf8Bytes(_entries, BackupJson.Default.IReadOnlyListManifestEntry), cancellationToken);

    public ValueTask DisposeAsync() => _tar.DisposeAsync();

    private static PaxTarEntry Owned(PaxTarEntry entry, string path)
    {
        var owner = FileOwner.Of(path);
        (entry.Uid, entry.Gid, entry.UserName, entry.GroupName) = (owner.UserId, owner.GroupId, owner.User, owner.Group);
        if (entry.EntryType != TarEntryType.SymbolicLink)
        {
            entry.Mode = File.GetUnixFileMode(path);
        }

        return entry;
    }

    private async Task AddAsync(string name, byte[] content, CancellationToken cancellationToken)
    {
        using var stream = new MemoryStream(content);
        await _tar.WriteEntryAsync(new PaxTarEntry(TarEntryType.RegularFile, name) { DataStream = stream, Mode = UnixFileMode.UserRead | UnixFileMode.UserWrite }, cancellationToken);
    }
}
