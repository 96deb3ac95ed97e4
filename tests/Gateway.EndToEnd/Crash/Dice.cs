namespace Gateway.EndToEnd.Crash;

/// <summary>
/// The chance of one crash run. The same seed makes the same choices; when exactly a kill hits is the machine's part, so a
/// seed repeats the course of a run and not its microseconds.
/// </summary>
#pragma warning disable RS0030, CA5394 // Not for secrets: a run that failed shall be repeated.
internal sealed class Dice(int seed)
{
    private readonly Random random = new(seed);

    /// <summary>Dice of their own for somebody who throws at the same time as others.</summary>
    public Dice Split() => new(random.Next());

    public bool Chance(double of) => random.NextDouble() < of;

    public int Below(int end) => random.Next(end);

    public T Pick<T>(IReadOnlyList<T> from) => from[random.Next(from.Count)];

    public TimeSpan Upto(TimeSpan most) => most * random.NextDouble();

    public TimeSpan Milliseconds(int from, int to) => TimeSpan.FromMilliseconds(from + (random.NextDouble() * (to - from)));
}
#pragma warning restore RS0030, CA5394
