using Gateway.Onboarding.Audit;
using Gateway.Onboarding.Keys;
using Gateway.Onboarding.Store;
using Gateway.Tests.Store;
using Microsoft.Extensions.Logging.Abstractions;

namespace Gateway.Tests.Audit;

/// <summary>The log against kills, failing disks and many writers: nothing that the store has is lost, nothing is repaired unseen.</summary>
public sealed class CrashTests
{
    private static Intent Something => new Locked("admin") { At = Bench.Start };

    [Fact]
    public void What_a_kill_left_out_between_store_and_log_is_caught_up()
    {
        using var bench = Bench.With(3);
        bench.Store(Something, Something);

        bench.Restart();

        Assert.Equal([1, 2, 3, 4, 5], Numbers(bench));
        Whole(bench);
    }

    [Fact]
    public void A_device_that_is_gone_by_then_still_has_its_name()
    {
        using var bench = new Bench();
        var device = Bench.SomeDevice();
        bench.Store(new DeviceEnrolled(device, "admin") { At = Bench.Start }, new EnrolmentEnded("no handshake in time") { At = Bench.Start, Device = device.Id });

        bench.Restart();

        Assert.All(bench.Log.Read(), entry => Assert.Equal(("alice/phone", device.Id.ToString()), (entry.Device, entry.DeviceId)));
    }

    [Fact]
    public void A_tail_torn_at_any_byte_is_cut_where_the_store_still_has_it()
    {
        using var bench = Bench.With(3);
        var before = bench.Bytes.Length;
        bench.Do(Something);
        var whole = bench.Bytes;
        for (var length = before; length <= whole.Length; length++)
        {
            bench.Bytes = whole[..length];
            bench.Restart();

            Assert.Equal([1, 2, 3, 4], Numbers(bench));
            Assert.Null(bench.Log.Fault);
            Whole(bench);
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    [InlineData(13)]
    [InlineData(100)]
    [InlineData(-1)]
    public void A_torn_tail_is_kept_aside_where_the_store_has_it_no_more(int bytes)
    {
        using var bench = Bench.With(3);
        var before = bench.Bytes.Length;
        bench.Do(Something);
        bench.ForgetIntents();
        var torn = bench.Bytes[..(bytes < 0 ? ^-bytes : before + bytes)];
        bench.Bytes = torn;

        bench.Restart();

        Assert.Contains("torn", bench.Log.Fault, StringComparison.Ordinal);
        Assert.NotNull(bench.Log.Verify(null).Fault);
        Assert.Equal([1, 2, 3, 4], Numbers(bench));
        Assert.Equal(torn, File.ReadAllBytes(Assert.Single(Directory.GetFiles(bench.Folder, "audit.log.damaged-*"))));
    }

    [Fact]
    public void Zeros_that_a_power_loss_left_behind_are_a_torn_tail()
    {
        using var bench = Bench.With(3);
        var before = bench.Bytes;
        bench.Store(Something);
        bench.Bytes = [.. before, .. new byte[4096]];

        bench.Restart();

        Assert.Equal([1, 2, 3, 4], Numbers(bench));
        Whole(bench);
    }

    [Fact]
    public void A_failing_disk_stops_nothing_and_is_told_and_made_up_for()
    {
        using var bench = Bench.With(2);
        bench.Disk.Failing = true;

        bench.Do(Something);
        bench.Do(Something);
        Assert.Contains("2 entries wait", bench.Log.Fault, StringComparison.Ordinal);
        Assert.Throws<StoreException>(() => bench.Log.Head());

        bench.Disk.Failing = false;
        Assert.True(bench.Log.Retry());
        Assert.Null(bench.Log.Fault);
        Assert.Equal([1, 2, 3, 4], Numbers(bench));
        Whole(bench);
    }

    [Fact]
    public void A_kill_while_the_disk_fails_loses_nothing_that_the_store_has()
    {
        using var bench = Bench.With(2);
        bench.Disk.Failing = true;
        bench.Do(Something);

        bench.Restart();

        Assert.Equal([1, 2, 3], Numbers(bench));
        Whole(bench);
    }

    [Fact]
    public void A_log_that_cannot_be_opened_at_the_start_is_opened_later()
    {
        using var bench = Bench.With(2);
        bench.Store(Something);
        bench.Restart(failing: true);
        bench.Do(Something);
        Assert.NotNull(bench.Log.Fault);
        Assert.False(bench.Log.Retry());

        bench.Disk.Failing = false;
        bench.Log.CatchUp(bench.Intents, bench.State);

        Assert.Null(bench.Log.Fault);
        Assert.Equal([1, 2, 3, 4], Numbers(bench));
        Whole(bench);
    }

    [Fact]
    public void The_store_may_forget_only_what_is_on_the_disk()
    {
        using var bench = Bench.With(2);
        Assert.Equal(2, bench.Log.Sync());

        bench.Disk.SyncFailing = true;
        bench.Do(Something);
        Assert.Equal(2, bench.Log.Sync());

        // A sync that succeeds after one that failed proves nothing: only a file written anew does.
        bench.Disk.SyncFailing = false;
        Assert.Equal(2, bench.Log.Sync());
        Assert.False(bench.Log.Retry());
        bench.Log.CatchUp(bench.Intents, bench.State);
        Assert.Equal(3, bench.Log.Sync());
        Whole(bench);
    }

    [Fact]
    public async Task Many_writers_readers_and_cuts_at_once_leave_a_whole_log()
    {
        using var bench = new Bench();
        using var key = new MasterKey(new Entropy().Bytes(32));
        using var store = StoreFile.Open(new PowerLossDisk(), new Sealer(key, new Entropy()), bench.Clock);
        using var log = AuditLog.In(Directory.CreateDirectory(Path.Combine(bench.Folder, "other")).FullName, store, new Entropy(), bench.Clock, NullLogger<AuditLog>.Instance);
        var writer = new StateWriter(store);
        log.CatchUp(store.ReadIntents(), writer.Current);
        writer.Watch(log.Follow);
        var writers = Enumerable.Range(0, 4).Select(_ => Task.Run(() =>
        {
            for (var i = 0; i < 25; i++)
            {
                writer.Write(new Locked("admin") { At = Bench.Start.AddDays(-400) });
            }
        })).ToList();
        var done = Task.WhenAll(writers);

        do
        {
            Assert.Null(log.Verify(null).Fault);
            bench.Clock.Advance(TimeSpan.FromDays(2));
            log.Drop(TimeSpan.FromDays(365));
            Assert.Null(log.Verify(log.Head().Line).Fault);
        }
        while (!done.IsCompleted);

        await done;
        Assert.Equal(100, log.LastNumber);
        Assert.Equal(100, log.Sync());
        Assert.Null(log.Verify(null).Fault);
    }

    [Fact]
    public void Ten_thousand_entries_are_caught_up_and_verified()
    {
        using var bench = new Bench();
        bench.Store([.. Enumerable.Range(0, 10_000).Select(_ => Something)]);

        bench.Restart();

        Assert.Equal(10_000, bench.Log.Verify(bench.Log.Head().Line).Entries);
        Whole(bench);
    }

    private static IEnumerable<int> Numbers(Bench bench) => bench.Log.Read().Select(entry => (int)entry.Number);

    private static void Whole(Bench bench) => Assert.Null(bench.Log.Verify(null).Fault);
}
