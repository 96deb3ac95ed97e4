using Gateway.Onboarding.Keys;
using Gateway.Onboarding.Store;

namespace Gateway.Tests.Store;

/// <summary>
/// A disk in memory that can lose power, fill up and fail. What was written but not synced is there after a power loss or
/// not, sector by sector; a name that was given or taken but not synced likewise, and in order, as journalling file
/// systems keep it.
/// </summary>
internal sealed class PowerLossDisk : IStoreDisk
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, DiskFile> _names = new(StringComparer.Ordinal);
    private readonly Dictionary<string, DiskFile> _durableNames = new(StringComparer.Ordinal);
    private readonly List<(string Name, DiskFile? File)> _unsyncedNames = [];
    private ulong _inodes;

    /// <summary>Bytes that can still be allocated; writing over what was written before needs none.</summary>
    public long Free { get; set; } = long.MaxValue / 2;

    /// <summary>Looked at before every write, sync and naming: the place for a test to throw, or to take the power away.</summary>
    public Action<string> Before { get; set; } = _ => { };

    public IReadOnlyList<string> Names() => Do("", () => _names.Keys.Order(StringComparer.Ordinal).ToList());

    public byte[] Read(string name) => Do("", () => File(name).Content.ToArray());

    public Stream Create(string name) => Do($"create {name}", () =>
    {
        var file = new DiskFile(++_inodes);
        SetName(name, file);
        return new OpenFile(this, name, file);
    });

    public Stream Open(string name) => Do("", () => new OpenFile(this, name, File(name)));

    public void Rename(string from, string to) => Do($"rename {from}", () =>
    {
        var file = File(from);
        SetName(to, file);
        SetName(from, null);
        return true;
    });

    public void Delete(string name) => Do($"delete {name}", () =>
    {
        Free += File(name).Content.Length;
        SetName(name, null);
        return true;
    });

    public void SyncNames() => Do("sync names", () =>
    {
        foreach (var (name, file) in _unsyncedNames)
        {
            Set(_durableNames, name, file);
        }

        _unsyncedNames.Clear();
        return true;
    });

    public ulong Identity(string name) => Do("", () => File(name).Inode);

    /// <summary>The disk as it would be found if the power went now; this one goes on.</summary>
    public PowerLossDisk AfterPowerLoss(Entropy random) => Do("", () =>
    {
        var names = new Dictionary<string, DiskFile>(_durableNames, StringComparer.Ordinal);
        foreach (var (name, file) in _unsyncedNames.Take(random.Below(_unsyncedNames.Count + 1)))
        {
            Set(names, name, file);
        }

        return new PowerLossDisk { _inodes = _inodes }.With(names, file => file.AfterPowerLoss(random));
    });

    /// <summary>The disk after the process died: what was written is there, synced or not.</summary>
    public PowerLossDisk AfterKill() => Do("", () => new PowerLossDisk { _inodes = _inodes }.With(_names, file => file.Copy(file.Inode)));

    /// <summary>As an admin copies a directory back: the same bytes in other files.</summary>
    public PowerLossDisk Copy() => Do("", () => new PowerLossDisk { _inodes = _inodes + 1000 }.With(_names, file => file.Copy(file.Inode + 1000)));

    /// <summary>Changes a file behind everybody's back.</summary>
    public void Change(string name, Func<byte[], byte[]> change) => Do("", () => File(name).Content = change(File(name).Content));

    private PowerLossDisk With(Dictionary<string, DiskFile> names, Func<DiskFile, DiskFile> copy)
    {
        var copies = names.Values.Distinct().ToDictionary(file => file, copy);
        foreach (var (name, file) in names)
        {
            _names[name] = _durableNames[name] = copies[file];
        }

        return this;
    }

    private T Do<T>(string what, Func<T> act)
    {
        lock (_lock)
        {
            if (what.Length > 0)
            {
                Before(what);
            }

            return act();
        }
    }

    private DiskFile File(string name) => _names.TryGetValue(name, out var file) ? file : throw new FileNotFoundException(name);

    private void SetName(string name, DiskFile? file)
    {
        Set(_names, name, file);
        _unsyncedNames.Add((name, file));
    }

    private static void Set(Dictionary<string, DiskFile> names, string name, DiskFile? file)
    {
        if (file is null)
        {
            names.Remove(name);
        }
        else
        {
            names[name] = file;
        }
    }

    private sealed class DiskFile(ulong inode)
    {
        private const int Sector = 512;

        private readonly List<(long Start, byte[] Bytes)> _unsynced = [];
        private byte[] _content = [];
        private byte[] _durable = [];

        // Cut, grown or changed as a whole: its writes alone do not tell how it differs from what is durable.
        private bool _reshaped;

        public ulong Inode => inode;

        public byte[] Content
        {
            get => _content;
            set => (_content, _reshaped) = (value, true);
        }

        public void Write(long at, ReadOnlySpan<byte> bytes)
        {
            if (at + bytes.Length > Content.Length)
            {
                SetLength(at + bytes.Length);
            }

            bytes.CopyTo(Content.AsSpan((int)at));
            for (var start = at / Sector * Sector; start < at + bytes.Length; start += Sector)
            {
                _unsynced.Add((start, Content[(int)start..(int)Math.Min(start + Sector, Content.Length)]));
            }
        }

        public void SetLength(long length)
        {
            var content = Content;
            Array.Resize(ref content, (int)length);
            Content = content;
        }

        public void Sync()
        {
            if (_reshaped)
            {
                _durable = [.. Content];
                _reshaped = false;
            }
            else
            {
                foreach (var (start, bytes) in _unsynced)
                {
                    bytes.CopyTo(_durable, start);
                }
            }

            _unsynced.Clear();
        }

        public DiskFile Copy(ulong as_)
        {
            var copy = new DiskFile(as_) { Content = [.. Content] };
            copy.Sync();
            return copy;
        }

        public DiskFile AfterPowerLoss(Entropy random)
        {
            byte[] content = [.. _durable];
            foreach (var (start, bytes) in _unsynced.Where(_ => random.Below(2) == 0))
            {
                if (content.Length < start + bytes.Length)
                {
                    Array.Resize(ref content, (int)start + bytes.Length);
                }

                bytes.CopyTo(content, start);
            }

            var found = new DiskFile(inode) { Content = content };
            found.Sync();
            return found;
        }
    }

    private sealed class OpenFile(PowerLossDisk disk, string name, DiskFile file) : Stream
    {
        public override bool CanRead => true;

        public override bool CanSeek => true;

        public override bool CanWrite => true;

        public override long Length => file.Content.Length;

        public override long Position { get; set; }

        public override void Flush() => disk.Do($"sync {name}", () =>
        {
            file.Sync();
            return true;
        });

        public override int Read(byte[] buffer, int offset, int count)
        {
            var read = (int)Math.Clamp(file.Content.Length - Position, 0, count);
            Array.Copy(file.Content, Position, buffer, offset, read);
            Position += read;
            return read;
        }

        public override long Seek(long offset, SeekOrigin origin) => Position = origin switch
        {
            SeekOrigin.Begin => offset,
            SeekOrigin.Current => Position + offset,
            _ => Length + offset,
        };

        public override void SetLength(long value) => file.SetLength(value);

        public override void Write(byte[] buffer, int offset, int count) => disk.Do($"write {name}", () =>
        {
            var more = Math.Max(0, Position + count - file.Content.Length);
            if (more > disk.Free)
            {
                throw new IOException("No space left on device");
            }

            disk.Free -= more;
            file.Write(Position, buffer.AsSpan(offset, count));
            Position += count;
            return true;
        });
    }
}
