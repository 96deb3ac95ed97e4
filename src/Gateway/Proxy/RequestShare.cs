namespace Gateway.Proxy;

/// <summary>
/// How much one device may ask for: so many requests at once, and so many in a row (generic cell rate algorithm, ITU-T
/// I.371). A phone never comes near: Element X holds two long polls, and opens a room full of pictures with some
/// hundred requests. One that does takes nothing from the others.
/// </summary>
internal sealed class RequestShare(RequestLimits limits, TimeProvider time)
{
    private readonly long _interval = time.TimestampFrequency / limits.PerSecond;
    private long _paidUntil;
    private int _open;

    /// <summary>Null where the request may go on, and must <see cref="Leave"/>; else how long to wait.</summary>
    public TimeSpan? Enter()
    {
        if (Interlocked.Increment(ref _open) > limits.MostAtOnce)
        {
            Leave();
            return TimeSpan.FromSeconds(1);
        }

        while (true)
        {
            var now = time.GetTimestamp();
            var before = Volatile.Read(ref _paidUntil);
            var after = Math.Max(now, before) + _interval;
            var excess = after - now - (limits.Burst * _interval);
            if (excess > 0)
            {
                Leave();
                return TimeSpan.FromSeconds((double)excess / time.TimestampFrequency);
            }

            if (Interlocked.CompareExchange(ref _paidUntil, after, before) == before)
            {
                return null;
            }
        }
    }

    public void Leave() => Interlocked.Decrement(ref _open);
}

/// <summary>How many requests one device may make: at once, in a row, and in each second in the long run.</summary>
internal sealed record RequestLimits(int MostAtOnce, int Burst, int PerSecond)
{
    /// <summary>
    /// At once: two browsers' worth of HTTP/2 streams, an upstream connection each. In a row: the first sync of an account with
    /// hundreds of rooms, with its pictures. In the long run: Synapse itself does less for everybody together.
    /// </summary>
    public static RequestLimits OfOneDevice { get; } = new(MostAtOnce: 200, Burst: 600, PerSecond: 50);
}
