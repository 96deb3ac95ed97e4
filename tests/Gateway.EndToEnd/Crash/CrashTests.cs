using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using Gateway.EndToEnd.Lab;

namespace Gateway.EndToEnd.Crash;

/// <summary>
/// What was acknowledged survives <c>kill -9</c>, and what was not is there as a whole or not at all. A minute of it with
/// each run of the tests; <c>tests/crash</c> runs it for longer, or again with the seed of a run that failed.
/// </summary>
public sealed class CrashTests(ITestOutputHelper output)
{
    private static readonly int? Rounds = Setting("GATEWAY_CRASH_ROUNDS");
    private static readonly TimeSpan Time = TimeSpan.FromSeconds(Setting("GATEWAY_CRASH_SECONDS") ?? 60);
    private static readonly int Seed = Setting("GATEWAY_CRASH_SEED") ?? RandomNumberGenerator.GetInt32(int.MaxValue);

    private const string OpenDoor = "proved by a phone: OK";

    [Fact]
    public async Task Nothing_acknowledged_is_lost_and_nothing_is_half_done_when_it_is_killed()
    {
        var clock = Stopwatch.StartNew();
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"seed {Seed}"));
        await using var lab = await SmallLab.MakeAsync();
        var run = await CrashRun.MakeAsync(lab, Seed);
        try
        {
            await run.RunAsync(kills => Rounds is { } rounds ? kills >= rounds : IsOver(clock.Elapsed, run.Tally), TestContext.Current.CancellationToken);
        }
        finally
        {
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{clock.Elapsed.TotalSeconds:0} s\n{run.Tally}"));
        }

        Assert.Empty(run.Tally.Faults);
        // There was load, and the phones did look: else the zero above would say little. A slow machine kills seldom.
        Assert.True(run.Tally["kills under load"] > 0 && run.Tally.Answers > 0, "there was load");
        Assert.True(run.Tally["kills under load"] < 20 || run.Tally[OpenDoor] > 0, "the phones looked");
    }

    /// <summary>The dice let a phone prove an open door about twice a minute: a run in which none did yet goes on, for a while.</summary>
    private static bool IsOver(TimeSpan elapsed, Tally tally) => elapsed >= Time && (tally[OpenDoor] > 0 || elapsed >= 3 * Time);

    private static int? Setting(string name) =>
        int.TryParse(Environment.GetEnvironmentVariable(name), NumberStyles.None, CultureInfo.InvariantCulture, out var value) ? value : null;
}
