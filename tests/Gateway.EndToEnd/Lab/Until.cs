using System.Diagnostics;

namespace Gateway.EndToEnd.Lab;

/// <summary>Waits for a condition, with a deadline; the only way in which these tests wait.</summary>
public static class Until
{
    private static readonly TimeSpan Between = TimeSpan.FromMilliseconds(50);

    public static Task TrueAsync(string what, TimeSpan within, Func<Task<bool>> probe) => ValueAsync(what, within, probe, isThere => isThere);

    /// <summary>The first value that is good enough; the failure says what was seen last.</summary>
    public static async Task<T> ValueAsync<T>(string what, TimeSpan within, Func<Task<T>> probe, Func<T, bool> isEnough)
    {
        var clock = Stopwatch.StartNew();
        while (true)
        {
            var seen = await probe();
            if (isEnough(seen))
            {
                return seen;
            }

            if (clock.Elapsed > within)
            {
                throw new TimeoutException($"{what}: not within {within.TotalSeconds} s, last seen: {seen}");
            }

            await Task.Delay(Between);
        }
    }
}
