using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace Gateway.Benchmarks.Beside;

/// <summary>What was measured, on its way to a Markdown table in the README.</summary>
internal sealed class Report
{
    private const string Begin = "<!-- tests/bench writes this -->";
    private const string End = "<!-- as far as here -->";

    private readonly Stopwatch _since = Stopwatch.StartNew();
    private readonly List<string> _rows = [];

    public void Progress(string line) => Console.WriteLine($"{_since.Elapsed.TotalSeconds,6:0} s  {line}");

    /// <summary>One line of the table. <paramref name="checks"/>: by what it is judged, the figure, and the most that it may be; null: only told.</summary>
    public void Row(string number, string what, string ours, string beside, params (string Of, double Is, double? Most)[] checks)
    {
        var judged = string.Join("; ", checks.Select(check => check.Most is { } most
            ? string.Create(CultureInfo.InvariantCulture, $"{Of(check)} ≤ {most:0.##} {(check.Is <= most ? "✓" : "**missed**")}")
            : Of(check)));
        _rows.Add($"| {number} | {what} | {ours} | {beside} | {judged} |");
        Progress($"{what}: {ours} | {beside} | {judged}");
    }

    /// <summary>The table, put in the place of the last one; rows that were not measured now are not in it.</summary>
    public void Write(string readme)
    {
        var text = new StringBuilder(Begin).Append('\n')
            .Append(CultureInfo.InvariantCulture, $"Measured {TimeProvider.System.GetUtcNow():yyyy-MM-dd} by `tests/bench` in {_since.Elapsed.TotalMinutes:0} minutes on {Environment.ProcessorCount} cores ({Processor()}), .NET {Environment.Version}, Debian's nginx, HAProxy and Caddy,\n")
            .Append("all on one machine with the load generator; medians of at least five rounds, with the lowest and the highest.\n\n")
            .Append("| | What | The gateway | Beside | Judged by |\n|---|---|---|---|---|\n");
        _rows.ForEach(row => text.Append(row).Append('\n'));
        text.Append(End);

        var old = File.ReadAllText(readme);
        var (from, to) = (old.IndexOf(Begin, StringComparison.Ordinal), old.IndexOf(End, StringComparison.Ordinal));
        File.WriteAllText(readme, from < 0 || to < from ? throw new InvalidOperationException($"{readme} has no place for the table") : old[..from] + text + old[(to + End.Length)..]);
    }

    private static string Of((string Of, double Is, double? Most) check) => string.Create(CultureInfo.InvariantCulture, $"{check.Is:0.##} {check.Of}");

    private static string Processor() =>
        File.ReadLines("/proc/cpuinfo").FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal))?.Split(':', 2)[1].Trim() ?? "unknown";
}
