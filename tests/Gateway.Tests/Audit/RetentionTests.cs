using Gateway.Onboarding.Audit;
using Gateway.Onboarding.Store;

namespace Gateway.Tests.Audit;

/// <summary>Old entries go, a signed cut stands for them, and the chain still holds.</summary>
public sealed class RetentionTests : IDisposable
{
    private static readonly TimeSpan Year = TimeSpan.FromDays(365);

    private readonly Bench _bench = new();

    public void Dispose() => _bench.Dispose();

    [Fact]
    public void Entries_go_when_their_days_are_over_and_the_chain_still_verifies()
    {
        OnePerDay(5);
        _bench.Clock.Advance(Year - TimeSpan.FromDays(2));

        Assert.Equal(3, _bench.Log.Drop(Year));

        var check = _bench.Log.Verify(null);
        Assert.Null(check.Fault);
        Assert.Equal((2, 4L, 5L), (check.Entries, check.First, check.Last));
        Assert.Equal((3L, _bench.Clock.GetUtcNow()), (check.Dropped!.Number, check.Dropped.At));
        Assert.Equal(["older entries dropped", "locked", "locked"], _bench.Log.Read().Select(entry => entry.Action));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(_bench.File));
    }

    [Fact]
    public void After_a_cut_the_log_goes_on_also_across_a_restart_and_the_next_cut()
    {
        OnePerDay(5);
        _bench.Clock.Advance(Year - TimeSpan.FromDays(2));
        _bench.Log.Drop(Year);
        OnePerDay(1);
        _bench.Restart();
        OnePerDay(1);
        Assert.Null(_bench.Log.Verify(null).Fault);

        Assert.Equal(2, _bench.Log.Drop(Year));

        var check = _bench.Log.Verify(null);
        Assert.Null(check.Fault);
        Assert.Equal((5L, 6L, 7L), (check.Dropped!.Number, check.First, check.Last));
    }

    [Fact]
    public void When_all_is_old_all_may_go_and_the_numbers_go_on()
    {
        OnePerDay(2);
        _bench.Clock.Advance(Year * 2);
        Assert.Equal(2, _bench.Log.Drop(Year));

        _bench.Restart();
        OnePerDay(1);

        Assert.Null(_bench.Log.Fault);
        Assert.Null(_bench.Log.Verify(null).Fault);
        Assert.Equal(3, _bench.Log.Read()[^1].Number);
    }

    [Fact]
    public void The_cut_is_signed_and_cannot_be_changed_moved_or_taken_away()
    {
        OnePerDay(5);
        _bench.Clock.Advance(Year - TimeSpan.FromDays(2));
        _bench.Log.Drop(Year);
        var good = _bench.Bytes;
        var frames = _bench.Frames();
        for (var i = AuditFrame.Magic.Length; i < AuditFrame.Magic.Length + frames[0].Length; i++)
        {
            var bad = (byte[])good.Clone();
            bad[i] ^= 1;
            _bench.Bytes = bad;
            Assert.NotNull(_bench.Log.Verify(null).Fault);
        }

        _bench.WriteFrames(frames[1..]);
        Assert.NotNull(_bench.Log.Verify(null).Fault);
        _bench.WriteFrames([frames[1], frames[0], frames[2]]);
        Assert.NotNull(_bench.Log.Verify(null).Fault);
        _bench.WriteFrames([frames[0], frames[0], frames[1], frames[2]]);
        Assert.NotNull(_bench.Log.Verify(null).Fault);
    }

    [Fact]
    public void A_head_of_before_the_cut_proves_what_is_left_and_says_when_it_is_too_old()
    {
        OnePerDay(3);
        var tooOld = _bench.Log.Head().Line;
        OnePerDay(1);
        var last = _bench.Log.Head().Line;
        OnePerDay(1);
        var kept = _bench.Log.Head().Line;
        _bench.Clock.Advance(Year - TimeSpan.FromDays(1));

        Assert.Equal(4, _bench.Log.Drop(Year));

        Assert.Null(_bench.Log.Verify(kept).Fault);
        Assert.Null(_bench.Log.Verify(last).Fault);
        Assert.Contains("use a newer one", _bench.Log.Verify(tooOld).Fault?.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public void A_clock_that_jumps_ahead_takes_a_month_of_history_a_day_and_no_more()
    {
        OnePerDay(300);
        _bench.Clock.Advance(Year * 2);

        Assert.Equal(30, _bench.Log.Drop(Year));
        Assert.Equal(0, _bench.Log.Drop(Year));
        _bench.Restart();
        Assert.Equal(0, _bench.Log.Drop(Year));
        _bench.Clock.Advance(TimeSpan.FromDays(1));
        Assert.Equal(30, _bench.Log.Drop(Year));

        Assert.Equal(240, _bench.Log.Verify(null).Entries);
        Assert.Null(_bench.Log.Verify(null).Fault);
    }

    [Fact]
    public void A_clock_that_jumped_ahead_and_came_back_does_not_end_the_retention()
    {
        OnePerDay(10);
        var ahead = new Microsoft.Extensions.Time.Testing.FakeTimeProvider(_bench.Clock.GetUtcNow() + (Year * 3));
        _bench.Log.Dispose();
        using (var jumped = new AuditLog(new AuditFile(_bench.File), _bench.Keys(), ahead, Microsoft.Extensions.Logging.Abstractions.NullLogger<AuditLog>.Instance))
        {
            jumped.CatchUp(_bench.Intents, _bench.State);
            Assert.Equal(10, jumped.Drop(Year));
        }

        _bench.Restart();
        OnePerDay(3);
        _bench.Clock.Advance(Year - TimeSpan.FromDays(1));

        Assert.Equal(2, _bench.Log.Drop(Year));
        Assert.Null(_bench.Log.Verify(null).Fault);
    }

    [Fact]
    public void A_log_that_is_not_whole_is_left_as_it_is()
    {
        OnePerDay(5);
        var bad = _bench.Bytes;
        bad[^10] ^= 1;
        _bench.Bytes = bad;
        _bench.Clock.Advance(Year * 2);

        Assert.Equal(0, _bench.Log.Drop(Year));
        Assert.Equal(bad, _bench.Bytes);
    }

    [Fact]
    public void A_crash_before_the_new_file_has_its_name_is_harmless()
    {
        OnePerDay(5);
        _bench.Clock.Advance(Year - TimeSpan.FromDays(2));
        _bench.Disk.DiesBeforeSwap = true;
        Assert.Throws<IOException>(() => _bench.Log.Drop(Year));
        Assert.True(File.Exists(_bench.File + ".new"));

        _bench.Restart();

        Assert.Equal(5, _bench.Log.Verify(null).Entries);
        Assert.Equal(3, _bench.Log.Drop(Year));
        Assert.Null(_bench.Log.Verify(null).Fault);
        Assert.False(File.Exists(_bench.File + ".new"));
    }

    private void OnePerDay(int days)
    {
        for (var i = 0; i < days; i++)
        {
            _bench.Do(new Locked("admin") { At = _bench.Clock.GetUtcNow() });
            _bench.Clock.Advance(TimeSpan.FromDays(1));
        }
    }
}
