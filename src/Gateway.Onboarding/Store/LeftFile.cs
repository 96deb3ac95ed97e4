namespace Gateway.Onboarding.Store;

/// <summary>
/// A small file in a data directory that a command of root's leaves and the gateway's own user reads. Under its name it is whole, and on
/// the disk when <see cref="Write"/> returns. Nobody else gets into the directory (0700).
/// </summary>
public static class LeftFile
{
    private const UnixFileMode Readable = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    /// <summary>Throws <see cref="IOException"/> or <see cref="UnauthorizedAccessException"/>; the file is then as it was.</summary>
    public static void Write(string directory, string name, byte[] content)
    {
        var disk = new DirectoryDisk(directory);
        StoredFiles.Write(disk, name + ".new", content);
        File.SetUnixFileMode(Path.Combine(directory, name + ".new"), Readable);
        disk.Rename(name + ".new", name);
        disk.SyncNames();
    }
}
