using System.Collections.Concurrent;
using System.Globalization;

namespace Gateway.EndToEnd.Crash;

/// <summary>What a crash run did and saw, for its report.</summary>
internal sealed class Tally
{
    private readonly ConcurrentDictionary<string, int> counts = new(StringComparer.Ordinal);
    private readonly List<double> starts = [];
    private int answers;

    public ConcurrentQueue<string> Faults { get; } = [];

    public int this[string what] => counts.GetValueOrDefault(what);

    public void Count(string what, int by = 1) => counts.AddOrUpdate(what, by, (_, before) => before + by);

    public TimeSpan LastStart { get; private set; } = TimeSpan.FromSeconds(1);

    /// <summary>How many acts were answered.</summary>
    public int Answers => Volatile.Read(ref answers);

    public void Answered(string act)
    {
        Interlocked.Increment(ref answers);
        Count($"acknowledged: {act}");
    }

    public void Started(TimeSpan after)
    {
        starts.Add(after.TotalMilliseconds);
        LastStart = after;
    }

    public override string ToString()
    {
        starts.Sort();
        var start = starts.Count == 0 ? "none" : string.Create(CultureInfo.InvariantCulture, $"{starts[starts.Count / 2]:0} ms, {starts[^1]:0} ms at most");
        var lines = counts.OrderBy(one => one.Key, StringComparer.Ordinal).Select(one => string.Create(CultureInfo.InvariantCulture, $"  {one.Value,7} {one.Key}"));
        return string.Join('\n', [.. lines, $"  start until the first answer: {start} (median)", $"  {Faults.Count} faults", .. Faults.Select(fault => $"    {fault}")]);
    }
}
