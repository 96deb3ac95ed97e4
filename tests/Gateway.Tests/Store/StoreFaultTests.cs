using Gateway.Onboarding.Store;
using Gateway.Tests.Testing;

namespace Gateway.Tests.Store;

/// <summary>Disks that are full, fail, lie damaged, or were put back from a copy.</summary>
public sealed class StoreFaultTests : IDisposable
{
    private readonly SomeHistory _history = new(7);

    public void Dispose() => _history.Dispose();

    [Fact]
    public void A_full_disk_refuses_what_opens_and_stores_what_shuts()
    {
        using var store = _history.Open();
        var writer = new StateWriter(store);
        var devices = Enumerable.Range(1, 200).Select(_history.SomeDevice).ToList();
        devices.ForEach(device => writer.Write(new DeviceEnrolled(device, "admin") { At = SomeHistory.At }));
        _history.Disk.Free = 0;
        var refusal = Fill(writer);

        Assert.Contains("no space left", refusal.Message, StringComparison.Ordinal);
        devices.ForEach(device => writer.Write(SomeHistory.Revocation(device.Id)));
        writer.Write(new Locked("admin") { At = SomeHistory.At });
        Assert.Throws<StoreException>(() => writer.Write(new Unlocked("admin") { At = SomeHistory.At }));

        using var again = _history.Open(_history.Disk.AfterKill());
        Assert.Equal(SomeHistory.Text(writer.Current), SomeHistory.Text(again.Load()));
        Assert.All(again.Load().Devices.Values, device => Assert.NotNull(device.Revocation));
    }

    [Fact]
    public void Room_on_the_disk_again_is_taken_up_without_a_restart()
    {
        using var store = _history.Open();
        var writer = new StateWriter(store);
        _history.Disk.Free = 0;
        Fill(writer);

        _history.Disk.Free = 100_000_000;
        writer.Write(new Locked("admin") { At = SomeHistory.At }, new Unlocked("admin") { At = SomeHistory.At });

        using var again = _history.Open(_history.Disk.AfterKill());
        Assert.Equal(SomeHistory.Text(writer.Current), SomeHistory.Text(again.Load()));
    }

    /// <summary>Nobody can say of it whether it is on the disk: what comes after it decides that it is not.</summary>
    [Fact]
    public void A_write_that_was_reported_as_failed_does_not_come_to_life_after_the_next_one()
    {
        using var store = _history.Open();
        var writer = new StateWriter(store);
        writer.Write(_history.Next());
        _history.Disk.Before = what => Fail(what.StartsWith("sync journal", StringComparison.Ordinal));
        Assert.Throws<StoreException>(() => writer.Write(new Locked("nobody") { At = SomeHistory.At }));
        _history.Disk.Before = _ => { };

        writer.Write(_history.Next());

        using var again = _history.Open(_history.Disk.AfterKill());
        Assert.Null(again.Load().LockedSince);
        Assert.Equal(SomeHistory.Text(writer.Current), SomeHistory.Text(again.Load()));
    }

    [Fact]
    public void A_snapshot_that_cannot_be_made_costs_nothing_but_room()
    {
        using var store = _history.Open();
        var writer = new StateWriter(store);
        _history.Disk.Before = what => Fail(what.Contains(Snapshot.FileName, StringComparison.Ordinal));
        for (var write = 0; write < 200; write++)
        {
            writer.Write(_history.Next());
        }

        using var again = _history.Open(_history.Disk.AfterKill());
        Assert.Equal(SomeHistory.Text(writer.Current), SomeHistory.Text(again.Load()));
    }

    /// <summary>A snapshot that was begun before a secret was made must not replace the one that has it.</summary>
    [Fact]
    public void A_secret_that_is_made_while_a_snapshot_is_made_stays()
    {
        using var made = new ManualResetEventSlim();
        var disk = new SlowSnapshot(_history.Disk);
        using (var store = _history.Open(disk))
        {
            // The snapshot waits before it is written until the secret is stored; or until it is clear that the secret waits for it.
            disk.BeforeSnapshot = () => made.Wait(TimeSpan.FromSeconds(1));
            var writer = new StateWriter(store);
            while (!disk.IsWaiting)
            {
                writer.Write(_history.Next());
            }

            store.Secret("late", () => [1, 2, 3]);
            made.Set();
        }

        using var again = _history.Open(_history.Disk.AfterKill());
        Assert.Equal([1, 2, 3], again.Secret("late", () => throw new InvalidOperationException("the secret is gone")));
    }

    [Fact]
    public void A_journal_torn_at_any_byte_of_its_last_write_is_what_was_acknowledged_before_it()
    {
        using (var store = _history.Open())
        {
            var writer = new StateWriter(store);
            writer.Write(new Locked("admin") { At = SomeHistory.At });
            writer.Write(new Unlocked("admin") { At = SomeHistory.At });
        }

        var journal = Assert.Single(_history.Disk.Names(), name => name.StartsWith(Journal.Prefix, StringComparison.Ordinal));
        var bytes = _history.Disk.Read(journal);
        var end = bytes.AsSpan().LastIndexOfAnyExcept((byte)0) + 1;
        var start = bytes.AsSpan().LastIndexOf("GREC"u8);
        for (var cut = start; cut < end; cut++)
        {
            var disk = _history.Disk.AfterKill();
            disk.Change(journal, whole => [.. whole[..cut], .. new byte[whole.Length - cut]]);
            using var torn = _history.Open(disk);
            Assert.Equal(1, torn.Load().Generation);
            new StateWriter(torn).Write(new Unlocked("admin") { At = SomeHistory.At });
            using var again = _history.Open(disk.AfterKill());
            Assert.Equal(2, again.Load().Generation);
        }
    }

    [Fact]
    public void Damage_is_refused_and_nothing_is_changed()
    {
        using (var store = _history.Open())
        {
            store.Secret("as-token", () => [1, 2, 3]);
            var writer = new StateWriter(store);
            for (var write = 0; write < 10; write++)
            {
                writer.Write(_history.Next());
            }
        }

        var journal = Assert.Single(_history.Disk.Names(), name => name.StartsWith(Journal.Prefix, StringComparison.Ordinal));
        var second = _history.Disk.Read(journal).AsSpan().IndexOf("GREC"u8) + 40;
        Refused(journal, bytes => Flip(bytes, 3));
        Refused(journal, bytes => Flip(bytes, 20));
        Refused(journal, bytes => Flip(bytes, second));
        Refused(journal, bytes => bytes[..20]);
        Refused(Snapshot.FileName, bytes => bytes[..(bytes.Length / 2)]);
        Refused(Snapshot.FileName, _ => []);
        Refused(Snapshot.FileName, bytes => [.. bytes.Select(b => (byte)(b ^ 1))]);
        Missing(journal);
        Missing(Snapshot.FileName);
    }

    [Theory]
    [InlineData("journal-0000000000000000001.away")]
    [InlineData("journal-1")]
    [InlineData("gateway.db.bak")]
    public void What_somebody_put_beside_the_files_is_in_nobodys_way(string name)
    {
        using (var store = _history.Open())
        {
            new StateWriter(store).Write(_history.Next());
        }

        using (var stray = _history.Disk.Create(name))
        {
            stray.Write("whatever"u8);
        }

        using var again = _history.Open();
        Assert.NotEqual(0, again.Load().Generation);
        Assert.Contains(name, _history.Disk.Names());
    }

    [Fact]
    public void A_database_of_a_newer_version_is_left_alone()
    {
        _history.Open().Dispose();
        Refused(Snapshot.FileName, bytes =>
        {
            bytes[bytes.AsSpan().LastIndexOf("GATESNAP"u8) + 8] = 99;
            return bytes;
        }, "format 99");
    }

    [Fact]
    public void A_copy_put_back_starts_locked_and_keeps_each_device_shut_until_it_is_confirmed()
    {
        var device = _history.SomeDevice(1);
        using (var store = _history.Open())
        {
            new StateWriter(store).Write(new DeviceEnrolled(device, "admin") { At = SomeHistory.At });
        }

        var copy = _history.Disk.Copy();
        using (var store = _history.Open(copy))
        {
            Assert.True(store.WasRestored);
            Assert.NotNull(store.Load().LockedSince);
            Assert.True(store.Load().Devices[device.Id].AwaitsConfirmation);
            new StateWriter(store).Write(new DeviceConfirmed("admin") { At = SomeHistory.At, Device = device.Id }, new Unlocked("admin") { At = SomeHistory.At });
        }

        using var again = _history.Open(copy.AfterKill());
        Assert.False(again.WasRestored);
        Assert.Null(again.Load().LockedSince);
        Assert.False(again.Load().Devices[device.Id].AwaitsConfirmation);
    }

    /// <summary>From whatever moment of the taking up: it stays known as a copy until that is stored.</summary>
    [Fact]
    public void A_power_loss_while_a_copy_is_taken_up_does_not_make_it_an_original()
    {
        using (var store = _history.Open())
        {
            new StateWriter(store).Write(_history.Next());
        }

        var random = new SeededEntropy(7);
        var copy = _history.Disk.Copy();
        var moments = new List<PowerLossDisk>();
        copy.Before = _ => moments.Add(copy.AfterPowerLoss(random));
        _history.Open(copy).Dispose();
        Assert.NotEmpty(moments);
        foreach (var moment in moments)
        {
            using var store = _history.Open(moment);
            Assert.NotNull(store.Load().LockedSince);
        }
    }

    private static StoreException Fill(StateWriter writer)
    {
        for (var write = 0; write < 100_000; write++)
        {
            try
            {
                writer.Write(new Unlocked("admin") { At = SomeHistory.At });
            }
            catch (StoreException e)
            {
                return e;
            }
        }

        throw new InvalidOperationException("the disk does not get full");
    }

    private void Refused(string name, Func<byte[], byte[]> damage, string says = "")
    {
        var disk = _history.Disk.AfterKill();
        disk.Change(name, damage);
        Refused(disk, says);
    }

    private void Missing(string name)
    {
        var disk = _history.Disk.AfterKill();
        disk.Delete(name);
        Refused(disk, "missing");
    }

    private void Refused(PowerLossDisk disk, string says)
    {
        var before = disk.Names().Select(one => (one, Convert.ToHexString(disk.Read(one)))).ToList();
        var refusal = Assert.Throws<StoreException>(() => _history.Open(disk));
        Assert.Contains(says, refusal.Message, StringComparison.Ordinal);
        Assert.NotEmpty(refusal.Hint);
        Assert.Equal(before, disk.Names().Select(one => (one, Convert.ToHexString(disk.Read(one)))));
    }

    private static byte[] Flip(byte[] bytes, int at)
    {
        bytes[at] ^= 0x10;
        return bytes;
    }

    private static void Fail(bool now)
    {
        if (now)
        {
            throw new IOException("Input/output error");
        }
    }

    private sealed class SlowSnapshot(IStoreDisk disk) : IStoreDisk
    {
        public Action? BeforeSnapshot { get; set; }

        public bool IsWaiting { get; private set; }

        public IReadOnlyList<string> Names() => disk.Names();

        public byte[] Read(string name) => disk.Read(name);

        public Stream Create(string name)
        {
            if (name.StartsWith(Snapshot.FileName, StringComparison.Ordinal) && BeforeSnapshot is { } wait && !IsWaiting)
            {
                IsWaiting = true;
                wait();
            }

            return disk.Create(name);
        }

        public Stream Open(string name) => disk.Open(name);

        public void Rename(string from, string to) => disk.Rename(from, to);

        public void Delete(string name) => disk.Delete(name);

        public void SyncNames() => disk.SyncNames();

        public ulong Identity(string name) => disk.Identity(name);
    }
}
