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
        var unfinished = Path.Combine(directory, name + ".new");
        File.Delete(unfinished);

        // By the handle, and new: root writes where another user may put a link.
        using (var file = new FileStream(unfinished, FileMode.CreateNew, FileAccess.Write))
        {
            File.SetUnixFileMode(file.SafeFileHandle, Readable);
            file.Write(content);
            file.Flush(flushToDisk: true);
        }

        File.Move(unfinished, Path.Combine(directory, name), overwrite: true);
        DirectorySync.Sync(directory);
    }

    /// <summary>
    /// Keeps a second command from the same work as long as it is held. Throws <see cref="IOException"/> where another one has it, or
    /// <see cref="UnauthorizedAccessException"/>.
    /// </summary>
    public static FileStream Hold(string directory, string name)
    {
        var path = Path.Combine(directory, name);
        if (!File.Exists(path))
        {
            try
            {
                // Where it is no file but a link to nothing, this makes none elsewhere.
                new FileStream(path, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite }).Dispose();
            }
            catch (IOException) when (File.Exists(path))
            {
                // Somebody was faster.
            }
        }

        return new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.None);
    }
}
