using Gateway.Onboarding.Keys;

namespace Gateway.Onboarding.Store;

/// <summary>
/// The directory with the gateway's state: the store's files, the key that opens them (unless systemd hands it over as the
/// credential <c>store.key</c>), and the lock that keeps a second gateway away.
/// </summary>
public sealed class DataDirectory : IDisposable
{
    internal const string KeyFile = "store.key";

    private const string UnfinishedKey = KeyFile + ".new";

    private readonly FileStream _lock;

    private DataDirectory(FileStream lockFile, StoreFile store)
    {
        _lock = lockFile;
        Store = store;
    }

    public StoreFile Store { get; }

    /// <summary>Opens the directory, with a fresh key and store where there are none. Throws <see cref="StoreException"/>.</summary>
    public static DataDirectory Open(string path, Entropy entropy, TimeProvider time)
    {
        Directory.CreateDirectory(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        var lockFile = TakeLock(Path.Combine(path, "gateway.lock"));
        try
        {
            var disk = new DirectoryDisk(path);
            using var key = Credential() ?? ReadOrMakeKey(disk, path, entropy);
            var store = StoreFile.Open(disk, new Sealer(key, entropy), time);
            if (File.Exists(Path.Combine(path, UnfinishedKey)))
            {
                // Under its name only once there is something that it opens: a key without a store is a store that was lost.
                disk.Rename(UnfinishedKey, KeyFile);
                disk.SyncNames();
            }

            return new(lockFile, store);
        }
        catch
        {
            lockFile.Dispose();
            throw;
        }
    }

    /// <summary>
    /// The state as it lies there, while another process may have the directory. Throws <see cref="StoreException"/> where it
    /// cannot be read, and <see cref="UnauthorizedAccessException"/> where it may not.
    /// </summary>
    public static State Peek(string path)
    {
        try
        {
            using var key = Credential() ?? ReadKey(Path.Combine(path, KeyFile));
            using var sealer = new Sealer(key, new Entropy());
            return StoredFiles.Peek(new DirectoryDisk(path), sealer);
        }
        catch (IOException e)
        {
            throw new StoreException($"the store in {path} cannot be read: {e.Message}", "start the gateway", e);
        }
    }

    /// <summary>The key that opens the store in <paramref name="path"/>, for a copy of it that has to stand by itself.</summary>
    internal static void CopyKey(string path, IStoreDisk to)
    {
        try
        {
            using var key = Credential() ?? ReadKey(Path.Combine(path, KeyFile));
            StoredFiles.Write(to, KeyFile, key.Bytes.ToArray());
        }
        catch (FileNotFoundException e)
        {
            throw new StoreException(
                $"the key of the store is not in {path}", "where systemd keeps it as a credential, the command needs it too: LoadCredentialEncrypted=store.key", e);
        }
    }

    /// <summary>Keeps every gateway away from the directory until it is disposed of. Throws <see cref="StoreException"/> where one runs.</summary>
    public static IDisposable Hold(string path) => TakeLock(Path.Combine(path, "gateway.lock"));

    public void Dispose()
    {
        Store.Dispose();
        _lock.Dispose();
    }

    private static FileStream TakeLock(string path)
    {
        try
        {
            return new FileStream(path, new FileStreamOptions
            {
                Mode = FileMode.OpenOrCreate,
                Access = FileAccess.ReadWrite,
                Share = FileShare.None,
                UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
            });
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StoreException($"{path} cannot be locked: {e.Message}", "is another gateway running on this data directory?", e);
        }
    }

    /// <summary>systemd's LoadCredential= or LoadCredentialEncrypted= (systemd.exec(5)).</summary>
    private static MasterKey? Credential() =>
        Environment.GetEnvironmentVariable("CREDENTIALS_DIRECTORY") is { Length: > 0 } directory && Path.Combine(directory, KeyFile) is var file && File.Exists(file)
            ? ReadKey(file)
            : null;

    private static MasterKey ReadOrMakeKey(DirectoryDisk disk, string path, Entropy entropy)
    {
        var names = disk.Names();
        var hasStore = names.Contains(Snapshot.FileName, StringComparer.Ordinal) || StoredFiles.JournalsOf(disk).Count > 0;
        if (names.Contains(KeyFile, StringComparer.Ordinal))
        {
            return hasStore
                ? ReadKey(Path.Combine(path, KeyFile))
                : throw new StoreException(
                    $"the database is missing from {path}, and its key is there",
                    $"restore the whole directory from one backup; to start anew, with all members and devices lost, delete {Path.Combine(path, KeyFile)} as well");
        }

        if (names.Contains(UnfinishedKey, StringComparer.Ordinal) && hasStore)
        {
            return ReadKey(Path.Combine(path, UnfinishedKey));
        }

        if (hasStore)
        {
            throw new StoreException($"{Path.Combine(path, KeyFile)} is missing, and without it the database cannot be read", "restore it from the backup; nothing was changed");
        }

        var key = entropy.Bytes(SecretKey.Length);
        StoredFiles.Write(disk, UnfinishedKey, key);
        disk.SyncNames();
        return new MasterKey(key);
    }

    internal static MasterKey ReadKey(string file)
    {
        var bytes = File.ReadAllBytes(file);
        return bytes.Length == SecretKey.Length
            ? new MasterKey(bytes)
            : throw new StoreException($"{file} is not a key of 32 bytes", "restore it from the backup of the same day as the database; nothing was changed");
    }
}
