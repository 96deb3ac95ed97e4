using Gateway.Onboarding.Store;
using Microsoft.Win32.SafeHandles;

namespace Gateway.Onboarding.Audit;

/// <summary>
/// The file under the log, and the only place that touches the disk for it; a test can let it fail. Readable for the
/// gateway alone.
/// </summary>
internal class AuditFile(string path) : IDisposable
{
    private FileStream? _file;
    private FileStream? _next;
    private bool _directoryUnsynced;

    private SafeFileHandle Handle => _file?.SafeFileHandle ?? throw new IOException($"{path} is not open");

    /// <summary>What lies there under its name, which may be nothing.</summary>
    public virtual byte[] Read(long from = 0)
    {
        if (!File.Exists(path))
        {
            return [];
        }

        using var file = File.OpenHandle(path, options: FileOptions.SequentialScan, share: FileShare.ReadWrite | FileShare.Delete);
        var bytes = new byte[Math.Max(0, RandomAccess.GetLength(file) - from)];
        var read = 0;
        while (read < bytes.Length && RandomAccess.Read(file, bytes.AsSpan(read), from + read) is > 0 and var count)
        {
            read += count;
        }

        return read == bytes.Length ? bytes : bytes[..read];
    }

    /// <summary>Opens it for writing, made if missing, and takes off what lies behind <paramref name="length"/>.</summary>
    public virtual void Open(long length)
    {
        _file?.Dispose();
        _directoryUnsynced |= !File.Exists(path);
        _file = OpenForWriting(path, FileMode.OpenOrCreate);
        if (RandomAccess.GetLength(Handle) > length)
        {
            RandomAccess.SetLength(Handle, length);
        }
    }

    public virtual void Write(ReadOnlySpan<byte> bytes, long offset) => RandomAccess.Write(Handle, bytes, offset);

    /// <summary>All that was written is on the disk when it returns.</summary>
    public virtual void Sync()
    {
        RandomAccess.FlushToDisk(Handle);
        if (_directoryUnsynced)
        {
            // Without this a new name may be gone after a power loss.
            new DirectoryDisk(Path.GetDirectoryName(path)!).SyncNames();
            _directoryUnsynced = false;
        }
    }

    /// <summary>Writes the file that shall take this one's place beside it, on the disk when it returns.</summary>
    public virtual void Prepare(ReadOnlySpan<byte> content)
    {
        _next?.Dispose();
        _next = OpenForWriting(path + ".new", FileMode.Create);
        RandomAccess.Write(_next.SafeFileHandle, content, 0);
        RandomAccess.FlushToDisk(_next.SafeFileHandle);
    }

    /// <summary>Lets the prepared file take this one's place, with what was written here since: whole or not at all.</summary>
    public virtual void Swap(ReadOnlySpan<byte> tail)
    {
        var next = _next ?? throw new IOException($"{path}.new is not open");
        if (!tail.IsEmpty)
        {
            RandomAccess.Write(next.SafeFileHandle, tail, next.Length);
            RandomAccess.FlushToDisk(next.SafeFileHandle);
        }

        File.Move(path + ".new", path, overwrite: true);
        _file?.Dispose();
        (_file, _next) = (next, null);
        _directoryUnsynced = true;
    }

    /// <summary>Keeps what is there, as it is, under another name: a damaged log is evidence. Returns that name.</summary>
    public virtual string KeepAside(ReadOnlySpan<byte> content, DateTimeOffset at)
    {
        var aside = FormattableString.Invariant($"{path}.damaged-{at.ToUniversalTime():yyyyMMdd'T'HHmmssfff'Z'}");
        using var copy = OpenForWriting(aside, FileMode.CreateNew);
        RandomAccess.Write(copy.SafeFileHandle, content, 0);
        RandomAccess.FlushToDisk(copy.SafeFileHandle);
        _directoryUnsynced = true;
        return Path.GetFileName(aside);
    }

    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    protected virtual void Dispose(bool disposing)
    {
        _file?.Dispose();
        _next?.Dispose();
    }

    /// <summary>The mode is given at its making: there is no moment at which others could open it.</summary>
    private static FileStream OpenForWriting(string path, FileMode mode) => new(path, new FileStreamOptions
    {
        Mode = mode,
        Access = FileAccess.Write,
        Share = FileShare.ReadWrite | FileShare.Delete,
        UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        BufferSize = 0,
    });
}
