namespace Gateway.Tunnel;

/// <summary>From one whole pass over the interface to the next. It grows with what a pass takes, so that ten thousand peers leave the machine to others.</summary>
internal static class RestAfterPass
{
    public static readonly TimeSpan Least = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Most = TimeSpan.FromSeconds(4);
    private const int PerPass = 9;

    public static TimeSpan Of(TimeSpan pass) => TimeSpan.FromTicks(Math.Clamp(PerPass * pass.Ticks, Least.Ticks, Most.Ticks));
}
