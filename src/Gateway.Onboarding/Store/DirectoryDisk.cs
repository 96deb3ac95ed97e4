namespace Gateway.Onboarding.Store;

/// <summary>The store's files in a directory of a Linux file system.</summary>
internal sealed class DirectoryDisk(string path) : IStoreDisk
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    public IReadOnlyList<string> Names() => [.. Directory.GetFiles(path).Select(file => Path.GetFileName(file)).Order(StringComparer.Ordinal)];

    public byte[] Read(string name) => File.ReadAllBytes(PathOf(name));

    public Stream Create(string name)
    {
        // Not over an old file: its mode, and whoever has it open, would stay.
        File.Delete(PathOf(name));
        return new SyncedFile(PathOf(name), new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.ReadWrite,
            Share = FileShare.Read,
            BufferSize = 0,
            UnixCreateMode = OwnerOnly,
        });
    }

    public Stream Open(string name) => new SyncedFile(PathOf(name), new FileStreamOptions
    {
        Mode = FileMode.Open,
        Access = FileAccess.ReadWrite,
        Share = FileShare.Read,
        BufferSize = 0,
    });

    public void Rename(string from, string to) => File.Move(PathOf(from), PathOf(to), overwrite: true);

    public void Delete(string name) => File.Delete(PathOf(name));

    public void SyncNames() => DirectorySync.Sync(path);

    /// <summary>The inode and when it was made: a copy has others. Where the file system keeps no time, the inode alone.</summary>
    public ulong Identity(string name)
    {
        var status = FileStatus.Of(PathOf(name), followLink: true);
        return status.Inode ^ (ulong)status.Born;
    }

    private string PathOf(string name) => Path.Combine(path, name);

    private sealed class SyncedFile(string path, FileStreamOptions options) : FileStream(path, options)
    {
        public override void Flush() => Flush(flushToDisk: true);
    }
}
