using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using Gateway.Tests.Testing;

namespace Gateway.Tests.Monitoring;

/// <summary>The sample of alerts, judged by Prometheus's own tool, and held against a real scrape.</summary>
public sealed partial class AlertTests
{
    private static readonly string Rules = Path.GetFullPath(Path.Combine(Folder(), "../../../deploy/monitoring/alerts.yml"));

    [Fact]
    public async Task They_fire_on_what_they_are_for_and_not_on_what_happens_every_day()
    {
        var folder = Directory.CreateTempSubdirectory("gateway-alerts-");
        try
        {
            File.Copy(Rules, Path.Combine(folder.FullName, "alerts.yml"));
            File.Copy(Path.Combine(Folder(), "alerts.test.yml"), Path.Combine(folder.FullName, "alerts.test.yml"));
            var (exitCode, said) = await PromtoolAsync("", "test", "rules", Path.Combine(folder.FullName, "alerts.test.yml"));
            Assert.True(exitCode == 0, said);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    /// <summary>A rule on a metric that is not there is silent for ever.</summary>
    [Fact]
    public async Task Each_metric_and_label_that_they_use_is_in_a_real_scrape()
    {
        await using var gateway = await TestGateway.StartAsync();
        await File.WriteAllTextAsync(Path.Combine(gateway.DataDirectory, "backup.json"), """{"at": "2026-11-22T08:00:00Z"}""");

        var seen = await gateway.ScrapeAsync();

        var rules = (await File.ReadAllLinesAsync(Rules)).Where(line => line.TrimStart().StartsWith("expr:", StringComparison.Ordinal)).ToList();
        var selectors = rules.SelectMany(rule => Selector().Matches(rule)).ToList();
        Assert.Equal(8, rules.Count);
        Assert.All(rules.Where(rule => !rule.Contains("up{job=", StringComparison.Ordinal)), rule => Assert.Matches(Selector(), rule));
        Assert.All(selectors, selector => Assert.Contains(selector.Groups["name"].Value, seen.Names));
        Assert.All(selectors.Where(selector => selector.Groups["label"].Success), selector => Assert.Contains(seen.Series, series =>
            series.StartsWith(selector.Groups["name"].Value + "{", StringComparison.Ordinal)
            && selector.Groups["value"].Value.Split('|').Any(value => series.Contains($"{selector.Groups["label"].Value}=\"{value}\"", StringComparison.Ordinal))));
    }

    [Fact]
    public async Task A_scrape_is_as_Prometheus_wants_it()
    {
        await using var gateway = await TestGateway.StartAsync();
        using var alice = await gateway.SignInAsync(await gateway.EnrolAsync("alice"));

        var (exitCode, said) = await PromtoolAsync((await gateway.ScrapeAsync()).Text, "check", "metrics");

        Assert.True(exitCode == 0 && said.Trim().Length == 0, said);
    }

    private static string Folder([CallerFilePath] string file = "") => Path.GetDirectoryName(file)!;

    private static async Task<(int ExitCode, string Said)> PromtoolAsync(string input, params string[] arguments)
    {
        var promtool = Environment.GetEnvironmentVariable("GATEWAY_PROMTOOL");
        Assert.False(string.IsNullOrEmpty(promtool), "GATEWAY_PROMTOOL is not set: tests/prepare, then . artifacts/tests.env");
        using var process = Process.Start(new ProcessStartInfo(promtool!, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false })!;
        var errors = process.StandardError.ReadToEndAsync();
        await process.StandardInput.WriteAsync(input);
        process.StandardInput.Close();
        var said = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return (process.ExitCode, said + await errors);
    }

    [GeneratedRegex("(?<name>gateway_[a-z_]+)(\\{(?<label>[a-z_]+)(=|!=|!~|=~)\"(?<value>[^\"]+)\"\\})?", RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking)]
    private static partial Regex Selector();
}
