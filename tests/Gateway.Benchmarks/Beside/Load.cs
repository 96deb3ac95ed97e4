using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;

namespace Gateway.Benchmarks.Beside;

/// <summary>How requests arrive.</summary>
internal enum Wire
{
    Plain = 0,
    Tls,
    Http2,
}

/// <summary>What a load generator counted: requests that were answered with 2xx, and how many in a second.</summary>
internal sealed record Counted(long Requests, double PerSecond);

/// <summary>The load generators: <c>wrk</c> for HTTP/1.1, <c>h2load</c> for HTTP/2 and for a fixed rate. A request that is not answered with 2xx ends the comparison.</summary>
internal static partial class Load
{
    private const int Connections = 32;

    /// <summary>As many requests as the other side takes, for some seconds.</summary>
    public static async Task<Counted> SaturateAsync(Contestant contestant, Wire wire, int seconds)
    {
        if (wire == Wire.Http2)
        {
            var count = await H2LoadAsync(contestant, ["-c", $"{Connections}", "-m", "1", "-D", $"{seconds}"]);
            return new Counted(count, (double)count / seconds);
        }

        var url = wire == Wire.Plain ? $"http://{Place.ServerName}:{contestant.Plain}{Place.Target}" : $"https://{Place.ServerName}:{contestant.Tls}{Place.Target}";
        var said = await RunAsync("wrk", ["-t1", $"-c{Connections}", $"-d{seconds}s", "-H", $"Authorization: Bearer {Place.Token(0)}", url]);
        return Refused().IsMatch(said)
            ? throw new InvalidOperationException($"{contestant.Name} refused requests:\n{said}")
            : new Counted(long.Parse(WrkRequests().Match(said).Groups["n"].Value, CultureInfo.InvariantCulture), double.Parse(WrkRate().Match(said).Groups["n"].Value, CultureInfo.InvariantCulture));
    }

    /// <summary>The latency that 99 % of the requests stay under, at a fixed rate over TLS with HTTP/1.1, in milliseconds.</summary>
    public static async Task<double> LatencyAsync(Contestant contestant, int perSecond, int seconds, string folder)
    {
        var log = Path.Combine(folder, "latencies");
        File.Delete(log);
        await H2LoadAsync(contestant, ["--h1", "-c", $"{Connections}", "-m", "1", "-n", $"{perSecond * seconds}", "--rps", $"{perSecond / Connections}", "--log-file", log]);

        // start in µs since the epoch, status, duration in µs.
        var times = File.ReadLines(log).Select(line => long.Parse(line.Split('\t')[2], CultureInfo.InvariantCulture)).Order().ToList();
        return times[times.Count * 99 / 100] / 1000.0;
    }

    private static async Task<long> H2LoadAsync(Contestant contestant, string[] how)
    {
        var said = await RunAsync("h2load", [.. how, "-t1", "-H", $"authorization: Bearer {Place.Token(0)}", $"https://{Place.ServerName}:{contestant.Tls}{Place.Target}"]);
        var match = H2LoadStatus().Match(said);
        return match.Success && match.Groups["failed"].Value == "0" && match.Groups["other"].Value == "0 3xx, 0 4xx, 0 5xx"
            ? long.Parse(match.Groups["ok"].Value, CultureInfo.InvariantCulture)
            : throw new InvalidOperationException($"{contestant.Name} refused requests:\n{said}");
    }

    internal static async Task<string> RunAsync(string program, IEnumerable<string> arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false })!;
        var errors = process.StandardError.ReadToEndAsync();
        var said = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return process.ExitCode == 0 ? said : throw new InvalidOperationException($"{program} ended with {process.ExitCode}: {said}{await errors}");
    }

    [GeneratedRegex("Non-2xx|Socket errors", RegexOptions.NonBacktracking)]
    private static partial Regex Refused();

    [GeneratedRegex("(?<n>[0-9]+) requests in", RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking)]
    private static partial Regex WrkRequests();

    [GeneratedRegex("Requests/sec: +(?<n>[0-9.]+)", RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking)]
    private static partial Regex WrkRate();

    [GeneratedRegex("(?<failed>[0-9]+) failed, [0-9]+ errored.*\nstatus codes: (?<ok>[0-9]+) 2xx, (?<other>[0-9]+ 3xx, [0-9]+ 4xx, [0-9]+ 5xx)", RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking)]
    private static partial Regex H2LoadStatus();
}
