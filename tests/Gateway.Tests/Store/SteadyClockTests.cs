using Gateway.Onboarding.Store;
using Gateway.Tests.Testing;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;
using Microsoft.Extensions.Time.Testing;

namespace Gateway.Tests.Store;

public sealed class SteadyClockTests
{
    private static readonly DateTimeOffset Noon = new(2026, 11, 22, 12, 0, 0, TimeSpan.Zero);

    private readonly FakeTimeProvider _running = new(Noon);
    private readonly MachineClock _machine;
    private readonly FakeLogger<SteadyClock> _log = new();

    public SteadyClockTests() => _machine = new MachineClock(_running);

    [Theory]
    [InlineData(-1)]
    [InlineData(-24)]
    [InlineData(-24 * 365 * 56)]
    public void A_clock_that_is_set_back_goes_on_from_where_it_was(double hours)
    {
        var clock = Start(stored: null);
        _running.Advance(TimeSpan.FromMinutes(10));
        Assert.Equal(Noon.AddMinutes(10), clock.GetUtcNow());

        _machine.Set(TimeSpan.FromHours(hours));
        Assert.Equal(Noon.AddMinutes(10), clock.GetUtcNow());
        _running.Advance(TimeSpan.FromMinutes(5));

        Assert.Equal(Noon.AddMinutes(15), clock.GetUtcNow());
        Assert.Contains("behind", clock.Fault, StringComparison.Ordinal);
        Assert.Single(_log.Collector.GetSnapshot(), line => line.Level == LogLevel.Warning);
    }

    [Theory]
    [InlineData(24)]
    [InlineData(24 * 365)]
    public void A_leap_ahead_is_followed_but_does_not_count_for_what_cannot_be_taken_back(double hours)
    {
        var clock = Start(stored: null);
        var begun = clock.GetUtcNow();

        _machine.Set(TimeSpan.FromHours(hours));

        Assert.Equal(Noon.AddHours(hours), clock.GetUtcNow());
        Assert.False(clock.HasPassed(begun, TimeSpan.FromMinutes(2)));
        Assert.Contains("jumped ahead", clock.Fault, StringComparison.Ordinal);
        _running.Advance(TimeSpan.FromMinutes(3));
        Assert.True(clock.HasPassed(begun, TimeSpan.FromMinutes(2)));
        Assert.False(clock.HasPassed(begun, TimeSpan.FromMinutes(4)));
        _running.Advance(TimeSpan.FromHours(1));
        Assert.True(clock.HasPassed(begun, TimeSpan.FromHours(hours)), "after an hour the clock is believed");
        Assert.Null(clock.Fault);
    }

    [Fact]
    public void A_leap_that_was_taken_back_never_counts()
    {
        var clock = Start(stored: null);
        var begun = clock.GetUtcNow();
        _machine.Set(TimeSpan.FromDays(365));
        clock.GetUtcNow();
        _running.Advance(TimeSpan.FromMinutes(5));
        _machine.Set(TimeSpan.FromDays(-365));
        _running.Advance(TimeSpan.FromDays(3));

        Assert.True(clock.GetUtcNow() > Noon.AddDays(365), "it does not go back");
        Assert.True(clock.HasPassed(begun, TimeSpan.FromDays(2)));
        Assert.False(clock.HasPassed(begun, TimeSpan.FromDays(7)));
    }

    [Fact]
    public void Two_leaps_count_together()
    {
        var clock = Start(stored: null);
        var begun = clock.GetUtcNow();
        _machine.Set(TimeSpan.FromDays(5));
        clock.GetUtcNow();
        _running.Advance(TimeSpan.FromMinutes(5));
        _machine.Set(TimeSpan.FromDays(5));

        Assert.False(clock.HasPassed(begun, TimeSpan.FromDays(1)));
    }

    [Fact]
    public void After_a_start_with_the_clock_of_1970_time_goes_on_from_what_is_stored()
    {
        var stored = Noon.AddDays(-1);
        _machine.Set(DateTimeOffset.UnixEpoch - Noon);
        var clock = Start(stored);

        Assert.Equal(stored, clock.GetUtcNow());
        _running.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(stored.AddMinutes(1), clock.GetUtcNow());
        Assert.False(clock.HasPassed(stored, TimeSpan.FromMinutes(2)));
        Assert.NotNull(clock.Fault);

        // The time service comes late.
        _machine.Set(Noon.AddMinutes(1) - DateTimeOffset.UnixEpoch.AddMinutes(1));
        Assert.Equal(Noon.AddMinutes(1), clock.GetUtcNow());
        Assert.False(clock.HasPassed(stored, TimeSpan.FromHours(1)));
    }

    [Fact]
    public void After_a_start_a_year_ahead_nothing_is_over_that_cannot_be_taken_back()
    {
        var stored = Noon.AddMinutes(-1);
        _machine.Set(TimeSpan.FromDays(365));
        var clock = Start(stored);
        Assert.False(clock.HasPassed(stored, TimeSpan.FromDays(7)));
        _running.Advance(TimeSpan.FromMinutes(10));

        _machine.Set(TimeSpan.FromDays(-365));
        _running.Advance(TimeSpan.FromDays(2));

        Assert.False(clock.HasPassed(stored, TimeSpan.FromDays(7)));
    }

    [Fact]
    public void A_start_after_a_poisoned_store_counts_older_times_by_the_right_clock()
    {
        // While the clock was a year ahead something was stored; now it is right again.
        var clock = Start(stored: Noon.AddDays(365));

        Assert.False(clock.HasPassed(Noon.AddDays(-3), TimeSpan.FromDays(7)));
        Assert.True(clock.HasPassed(Noon.AddDays(-8), TimeSpan.FromDays(7)));
    }

    [Fact]
    public void What_a_time_service_corrects_is_no_leap()
    {
        var clock = Start(stored: Noon.AddSeconds(-30));
        foreach (var seconds in new[] { 20, -40, 50, -3 })
        {
            _machine.Set(TimeSpan.FromSeconds(seconds));
            _running.Advance(TimeSpan.FromMinutes(1));
            clock.GetUtcNow();
        }

        Assert.Null(clock.Fault);
        Assert.Empty(_log.Collector.GetSnapshot());
    }

    [Fact]
    public void A_time_of_another_program_is_read_by_the_clock_that_it_used()
    {
        var clock = Start(stored: Noon.AddDays(1));

        Assert.Equal(Noon.AddDays(1).AddSeconds(-5), clock.OfMachine(Noon.AddSeconds(-5)));
        Assert.Equal(Noon.AddDays(1), clock.OfMachine(Noon.AddDays(300)));
    }

    /// <summary>The clock leapt and the gateway was restarted: what it had asked for just before may still come.</summary>
    [Fact]
    public void What_an_earlier_run_began_is_over_only_once_this_one_has_waited_for_it()
    {
        var clock = Start(stored: Noon.AddMinutes(-40));
        Assert.True(clock.HasPassed(Noon.AddMinutes(-40), TimeSpan.FromMinutes(2)));
        Assert.False(clock.IsOver(Noon.AddMinutes(-40), TimeSpan.FromMinutes(2)));

        _running.Advance(TimeSpan.FromMinutes(2.1));

        Assert.True(clock.IsOver(Noon.AddMinutes(-40), TimeSpan.FromMinutes(2)));
    }

    private SteadyClock Start(DateTimeOffset? stored) => new(_machine, stored, _log);
}
