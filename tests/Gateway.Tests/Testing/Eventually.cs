using System.Runtime.CompilerServices;

namespace Gateway.Tests.Testing;

/// <summary>Waits for a condition with a deadline, and names the condition that never came.</summary>
internal static class Eventually
{
    public static Task Is(Func<bool> condition, TimeSpan deadline, [CallerArgumentExpression(nameof(condition))] string what = "") =>
        Is(() => Task.FromResult(condition()), deadline, what);

    public static async Task Is(Func<Task<bool>> condition, TimeSpan deadline, [CallerArgumentExpression(nameof(condition))] string what = "")
    {
        var started = TimeProvider.System.GetTimestamp();
        while (!await condition())
        {
            Assert.True(TimeProvider.System.GetElapsedTime(started) < deadline, $"Not within {deadline.TotalSeconds} s: {what}");
            await Task.Delay(20);
        }
    }
}
