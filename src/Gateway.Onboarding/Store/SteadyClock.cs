using Microsoft.Extensions.Logging;

namespace Gateway.Onboarding.Store;

/// <summary>
/// The time that everything is judged by. It never goes back, not behind what is stored either: a clock that is set back
/// makes nothing valid again. It follows the machine's clock ahead at once, so that what opens doors ends in time; but a
/// leap that no running time explains does not count for what cannot be taken back (<see cref="HasPassed"/>), until the
/// clock has stood by it for an hour (docs/decisions/0009).
/// </summary>
public sealed partial class SteadyClock : TimeProvider
{
    /// <summary>What a time service may correct without anybody noticing.</summary>
    private static readonly TimeSpan Tolerance = TimeSpan.FromMinutes(1);

    /// <summary>So long nothing may have been stored; after more than that, a start asks whether the clock is right.</summary>
    private static readonly TimeSpan Quiet = TimeSpan.FromDays(1);

    /// <summary>After a wrong start a time service corrects the clock within minutes, and an admin sees the alarm.</summary>
    private static readonly TimeSpan Doubt = TimeSpan.FromHours(1);

    private readonly TimeProvider _machine;
    private readonly ILogger<SteadyClock> _log;
    private readonly Lock _lock = new();
    private readonly DateTimeOffset _startedAt;
    private readonly long _startStamp;
    private DateTimeOffset _last;
    private long _lastStamp;
    private Leap? _leap;
    private bool _behind;

    /// <summary><paramref name="stored"/> is the newest time in the store, null where it is empty.</summary>
    public SteadyClock(TimeProvider machine, DateTimeOffset? stored, ILogger<SteadyClock> log)
    {
        _machine = machine;
        _log = log;
        _lastStamp = machine.GetTimestamp();
        _last = machine.GetUtcNow();
        if (stored > _last)
        {
            // Ours goes on from there. What the wrong one of the two clocks added to older times is not believed.
            _leap = new Leap(_last, stored.Value - _last, _lastStamp, AtStart: true);
            _last = stored.Value;
        }
        else if (stored is { } newest && _last - newest > Quiet)
        {
            _leap = new Leap(newest, _last - newest, _lastStamp, AtStart: true);
        }

        (_startedAt, _startStamp) = (_last, _lastStamp);
    }

    public override TimeZoneInfo LocalTimeZone => _machine.LocalTimeZone;

    public override long TimestampFrequency => _machine.TimestampFrequency;

    /// <summary>What is wrong with the machine's clock, in words for the admin; null where nothing is.</summary>
    public string? Fault
    {
        get
        {
            lock (_lock)
            {
                var now = Read();
                return Behind(now) is { } behind
                    ? $"this machine's clock is {Words(behind)} behind what was seen before; times run on from there, and what it jumped by ends no quarantine. Set the clock right, then restart the gateway"
                    : DoubtedLeap(now) is { AtStart: false } leap
                        ? $"the clock jumped ahead by {Words(leap.By)}; for an hour that ends no quarantine. Is it right?"
                        : null;
            }
        }
    }

    public override DateTimeOffset GetUtcNow()
    {
        lock (_lock)
        {
            return Read();
        }
    }

    public override long GetTimestamp() => _machine.GetTimestamp();

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
        _machine.CreateTimer(callback, state, dueTime, period);

    /// <summary>Whether so much time has certainly passed: for what cannot be taken back.</summary>
    public bool HasPassed(DateTimeOffset since, TimeSpan span)
    {
        lock (_lock)
        {
            var now = Read();
            var doubted = DoubtedLeap(now) is { } leap && since <= leap.From ? leap.By : TimeSpan.Zero;
            return now - since - doubted > span;
        }
    }

    /// <summary>
    /// Whether what was begun then has certainly come to its end, whoever set the clock meanwhile. What an earlier run began
    /// counts from the start of this one: nobody knows how far the clock leapt before.
    /// </summary>
    public bool IsOver(DateTimeOffset begun, TimeSpan takes) =>
        HasPassed(begun, takes) && (begun > _startedAt || _machine.GetElapsedTime(_startStamp) > takes);

    /// <summary>What the machine's clock, of which another program read <paramref name="at"/>, means on ours.</summary>
    public DateTimeOffset OfMachine(DateTimeOffset at)
    {
        lock (_lock)
        {
            var now = Read();
            var ours = at + (Behind(now) ?? TimeSpan.Zero);
            return ours < now ? ours : now;
        }
    }

    private DateTimeOffset Read()
    {
        var stamp = _machine.GetTimestamp();
        var steady = _last + _machine.GetElapsedTime(_lastStamp, stamp);
        var wall = _machine.GetUtcNow();
        if (wall - steady > Tolerance)
        {
            // One after the other they count together: too much rather than too little.
            var earlier = DoubtedLeap(steady);
            _leap = new Leap(steady, wall - steady + (earlier?.By ?? TimeSpan.Zero), stamp, AtStart: false);
            Leapt(Words(wall - steady));
        }

        _last = wall > steady ? wall : steady;
        _lastStamp = stamp;
        var behind = Behind(_last);
        if (behind is not null != _behind)
        {
            _behind = !_behind;
            Stands(_behind ? LogLevel.Warning : LogLevel.Information, behind is { } by ? $"{Words(by)} behind what was seen before" : "right again");
        }

        return _last;
    }

    private TimeSpan? Behind(DateTimeOffset now) => now - _machine.GetUtcNow() is var behind && behind > Tolerance ? behind : null;

    /// <summary>For an hour; and longer where the clock went back, because then the leap was wrong.</summary>
    private Leap? DoubtedLeap(DateTimeOffset now) =>
        _leap is { } leap && (_machine.GetElapsedTime(leap.Stamp) < Doubt || Behind(now) is not null) ? leap : null;

    private static string Words(TimeSpan span) =>
        span.TotalDays >= 1 ? $"{span.TotalDays:0} d" : span.TotalHours >= 1 ? $"{span.TotalHours:0.#} h" : $"{span.TotalMinutes:0} min";

    [LoggerMessage(Level = LogLevel.Warning, Message = "The clock jumped ahead by {By}, which no running time explains")]
    private partial void Leapt(string by);

    [LoggerMessage("This machine's clock is {How}")]
    private partial void Stands(LogLevel level, string how);

    /// <summary>Times up to <paramref name="From"/> look older by <paramref name="By"/> than running time says.</summary>
    private sealed record Leap(DateTimeOffset From, TimeSpan By, long Stamp, bool AtStart);
}
