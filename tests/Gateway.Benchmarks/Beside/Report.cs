using System.Diagnostics;

namespace Gateway.Benchmarks.Beside;

/// <summary>What was measured, on its way to a Markdown table.</summary>
internal sealed class Report
{
    private readonly Stopwatch _since = Stopwatch.StartNew();

    public void Progress(string line) => Console.WriteLine($"{_since.Elapsed.TotalSeconds,6:0} s  {line}");
}
