using Gateway.Tunnel;

namespace Gateway.Tests.Tunnel;

public sealed class ToolTests
{
    [Fact]
    public async Task Input_goes_through_standard_input() =>
        Assert.Equal("secret", await Tool.RunAsync("cat", [], CancellationToken.None, "secret"));

    [Fact]
    public async Task A_failure_names_the_command_and_what_it_answered()
    {
        var fault = await Assert.ThrowsAsync<TunnelException>(() => Tool.RunAsync("ls", ["/nowhere at all"], CancellationToken.None, "secret"));

        Assert.Contains("`ls /nowhere at all` failed: ls: ", fault.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_missing_tool_is_named_with_its_package()
    {
        var fault = await Assert.ThrowsAsync<TunnelException>(() => Tool.RunAsync("no-such-tool", [], CancellationToken.None));

        Assert.Contains("apt install no-such-tool", fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("RTNETLINK answers: Operation not permitted\n")]
    [InlineData("Failed to create TUN device: permission denied")]
    public void A_lack_of_permission_comes_with_the_way_out(string errors) =>
        Assert.Contains("CAP_NET_ADMIN", Tool.Failure("ip", ["link"], errors).Message, StringComparison.Ordinal);

    [Fact]
    public async Task A_hanging_tool_and_its_children_are_killed()
    {
        var started = TimeProvider.System.GetTimestamp();
        var marker = $"{60_000 + (Environment.ProcessId % 10_000)}";

        // A child that holds the pipes open, as a daemon that forgot to let go of them would.
        var fault = await Assert.ThrowsAsync<TunnelException>(() =>
            Tool.TryRunAsync("sh", ["-c", $"sleep {marker} & wait"], input: null, TimeSpan.FromMilliseconds(300), CancellationToken.None));

        Assert.Contains("did not finish within 0.3 s", fault.Message, StringComparison.Ordinal);
        Assert.True(TimeProvider.System.GetElapsedTime(started) < TimeSpan.FromSeconds(10));
        await Testing.Eventually.Is(() => !IsRunning($"sleep\0{marker}\0"), TimeSpan.FromSeconds(10));
    }

    [Fact]
    public async Task Cancellation_kills_the_tool_and_is_no_fault_of_it()
    {
        using var stop = new CancellationTokenSource(TimeSpan.FromMilliseconds(100));

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Tool.RunAsync("sleep", ["60"], stop.Token));
    }

    [Fact]
    public async Task A_tool_that_ends_without_reading_is_judged_by_its_exit_code() =>
        Assert.Equal("", await Tool.RunAsync("true", [], CancellationToken.None, new string('x', 1_000_000)));

    private static bool IsRunning(string commandLine) =>
        Directory.GetDirectories("/proc").Any(process => CommandLine(process) == commandLine);

    private static string CommandLine(string process)
    {
        try
        {
            return File.ReadAllText(Path.Combine(process, "cmdline"));
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }
}
