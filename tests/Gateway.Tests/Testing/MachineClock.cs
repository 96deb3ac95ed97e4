namespace Gateway.Tests.Testing;

/// <summary>A machine whose clock can be set, while its running time goes on as it was.</summary>
internal sealed class MachineClock(TimeProvider running) : TimeProvider
{
    private TimeSpan _set;

    public override TimeZoneInfo LocalTimeZone => running.LocalTimeZone;

    public override long TimestampFrequency => running.TimestampFrequency;

    public override DateTimeOffset GetUtcNow() => running.GetUtcNow() + _set;

    public override long GetTimestamp() => running.GetTimestamp();

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
        running.CreateTimer(callback, state, dueTime, period);

    public void Set(TimeSpan by) => _set += by;
}
