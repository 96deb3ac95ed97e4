using System.Diagnostics;
using System.Net;
using System.Text.RegularExpressions;

namespace Gateway.EndToEnd.Lab;

/// <summary>
/// Measures the console with 500 members on this machine: no test, as times prove nothing on a machine that others use. Run by
/// <c>tests/measure-console</c>; the figures stand in the README with the day and the machine.
/// </summary>
public sealed partial class ConsoleMeasurements(ITestOutputHelper output)
{
    private const int Members = 500;
    private static readonly TimeSpan Quiet = TimeSpan.FromSeconds(30);

    [Fact(Explicit = true)]
    public async Task Five_hundred_members()
    {
        await using var lab = await SmallLab.MakeAsync();
        await lab.Gateway.StartAsync();
        for (var number = 0; number < Members; number++)
        {
            await lab.Gateway.TellAsync(HttpMethod.Post, "v1/enrolments", new() { ["member"] = $"member-{number:000}", ["device"] = null, ["displayName"] = $"Member {number}", ["os"] = null, ["adopt"] = false });
        }

        using var browser = NamespaceHttp.Client(lab.Server, IPAddress.Loopback, new Uri(ConsoleBrowser.Console));
        browser.DefaultRequestHeaders.Add("Cookie", await SignInAsync(lab, browser));
        await MeasureLoadsAsync(browser);
        var idle = await CpuAsync(lab, Quiet);
        var watched = await WatchAsync(lab, browser);

        output.WriteLine($"CPU of the gateway in {Quiet.TotalSeconds} s: {idle.TotalMilliseconds:0} ms with no page open, {watched.Cpu.TotalMilliseconds:0} ms with the list open; {watched.Bytes} bytes on its stream");
    }

    private async Task MeasureLoadsAsync(HttpClient browser)
    {
        var times = new List<double>();
        var bytes = 0;
        for (var load = 0; load < 30; load++)
        {
            var started = Stopwatch.GetTimestamp();
            bytes = (await browser.GetByteArrayAsync(new Uri("/", UriKind.Relative))).Length;
            times.Add(Stopwatch.GetElapsedTime(started).TotalMilliseconds);
        }

        output.WriteLine($"{Members} members, {bytes / 1024} KiB: first {times[0]:0} ms, median {times.Order().ElementAt(times.Count / 2):0} ms, slowest of the others {times.Skip(1).Max():0} ms");
    }

    private static async Task<(TimeSpan Cpu, long Bytes)> WatchAsync(SmallLab lab, HttpClient browser)
    {
        var page = await browser.GetStringAsync(new Uri("/", UriKind.Relative));
        using var reply = await browser.GetAsync(new Uri(LiveOf().Match(page).Groups["it"].Value, UriKind.Relative), HttpCompletionOption.ResponseHeadersRead);
        await using var stream = await reply.Content.ReadAsStreamAsync();
        long bytes = 0;
        using var over = new CancellationTokenSource();
        var reading = ReadAsync();
        var cpu = await CpuAsync(lab, Quiet);
        await over.CancelAsync();
        await reading;
        return (cpu, bytes);

        async Task ReadAsync()
        {
            var buffer = new byte[4096];
            try
            {
                while (await stream.ReadAsync(buffer, over.Token) is > 0 and var read)
                {
                    bytes += read;
                }
            }
            catch (OperationCanceledException)
            {
                // The page is closed.
            }
        }
    }

    private static async Task<TimeSpan> CpuAsync(SmallLab lab, TimeSpan span)
    {
        using var process = Process.GetProcessById(lab.Gateway.ProcessId);
        var before = process.TotalProcessorTime;
        await Task.Delay(span);
        process.Refresh();
        return process.TotalProcessorTime - before;
    }

    private static async Task<string> SignInAsync(SmallLab lab, HttpClient browser)
    {
        var link = (await lab.Gateway.JsonAsync("console-link")).GetProperty("local").GetString()!;
        using var form = new FormUrlEncodedContent([KeyValuePair.Create("secret", link.Split('/')[^1])]);
        using var request = new HttpRequestMessage(HttpMethod.Post, "/link") { Content = form };
        request.Headers.Add("Origin", ConsoleBrowser.Console);
        using var reply = await browser.SendAsync(request);
        return reply.Headers.GetValues("Set-Cookie").Single().Split(';')[0];
    }

    [GeneratedRegex("data-live=\"(?<it>[^\"]+)\"", RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking)]
    private static partial Regex LiveOf();
}
