using System.Globalization;
using Gateway.Onboarding.Keys;
using LiteDB;
using LiteDB.Engine;

namespace Gateway.Onboarding.Store;

/// <summary>
/// The directory with the gateway's state: <c>gateway.db</c>, the key that opens it, and the lock that keeps a second
/// gateway away (LiteDB's own locking does not, on Linux).
/// </summary>
public sealed class DataDirectory : IDisposable
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private readonly FileStream _lock;

    private DataDirectory(FileStream lockFile, StoreFile store)
    {
        _lock = lockFile;
        Store = store;
    }

    public StoreFile Store { get; }

    /// <summary>Opens the directory, with a fresh key and database where there are none. Throws <see cref="StoreException"/>.</summary>
    public static DataDirectory Open(string path, Entropy entropy)
    {
        Directory.CreateDirectory(path, OwnerOnly | UnixFileMode.UserExecute);
        var lockFile = TakeLock(Path.Combine(path, "gateway.lock"));
        try
        {
            var database = Path.Combine(path, "gateway.db");
            using var key = ReadOrMakeKey(Path.Combine(path, "store.key"), File.Exists(database), entropy);
            return new(lockFile, StoreFile.Open(() => FileSettings(database), new Sealer(key, entropy)));
        }
        catch
        {
            lockFile.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        Store.Dispose();
        _lock.Dispose();
    }

    /// <summary>LiteDB syncs files that it opened itself, and no others: so it gets a name, not a stream.</summary>
    private static EngineSettings FileSettings(string database) => new()
    {
        Filename = database,
        Collation = new Collation(CultureInfo.InvariantCulture.LCID, CompareOptions.Ordinal),
    };

    private static FileStream TakeLock(string path)
    {
        try
        {
            return new FileStream(path, new FileStreamOptions
            {
                Mode = FileMode.OpenOrCreate,
                Access = FileAccess.ReadWrite,
                Share = FileShare.None,
                UnixCreateMode = OwnerOnly,
            });
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StoreException($"{path} cannot be locked: {e.Message}", "is another gateway running on this data directory?", e);
        }
    }

    private static MasterKey ReadOrMakeKey(string path, bool databaseExists, Entropy entropy)
    {
        if (File.Exists(path))
        {
            var bytes = File.ReadAllBytes(path);
            return bytes.Length == SecretKey.Length
                ? new MasterKey(bytes)
                : throw new StoreException($"{path} is not a key of 32 bytes", "restore it from the backup of the same day as the database; nothing was changed");
        }

        if (databaseExists)
        {
            throw new StoreException($"{path} is missing, and without it the database cannot be read", "restore it from the backup; nothing was changed");
        }

        var key = entropy.Bytes(SecretKey.Length);
        using var file = new FileStream(path, new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.Write,
            UnixCreateMode = OwnerOnly,
        });
        file.Write(key);
        file.Flush(flushToDisk: true);
        return new MasterKey(key);
    }
}
