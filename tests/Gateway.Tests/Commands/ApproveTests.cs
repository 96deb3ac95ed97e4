using Gateway.Admin;

namespace Gateway.Tests.Commands;

public sealed class ApproveTests : IAsyncLifetime
{
    private const string Get = "GET /v1/sign-ins";
    private const string Post = "POST /v1/sign-ins";

    private static readonly DeviceView Waiting = The.Connected with { SignIn = new(47, "Element X", The.Now) };

    private AdminSocket _socket = null!;

    public async ValueTask InitializeAsync() => _socket = await AdminSocket.StartAsync();

    public ValueTask DisposeAsync() => _socket.DisposeAsync();

    [Fact]
    public async Task A_script_names_the_device_and_reads_the_number()
    {
        _socket.Answers(Post, Waiting, AdminJson.Default.DeviceView);
        var shell = new Shell(_socket);

        Assert.Equal(0, await shell.RunAsync("approve alice/phone"));

        Assert.Equal("approved: alice/phone, number 47, Element X\n", shell.Out);
        Assert.Contains("\"number\": null", Assert.Single(_socket.Requests), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_number_is_passed_on_and_its_refusal_told()
    {
        _socket.Refuses(Post, "alice/phone shows 47, not 12", "do not approve", 409);
        var shell = new Shell(_socket) { Interactive = true };

        Assert.Equal(1, await shell.RunAsync("approve alice/phone --number 12"));

        Assert.Equal("error: alice/phone shows 47, not 12\nhint: do not approve\n", shell.Error);
        Assert.Contains("\"number\": 12", Assert.Single(_socket.Requests), StringComparison.Ordinal);
    }

    /// <summary>Otherwise all that wait would be asked about, whatever the number.</summary>
    [Fact]
    public async Task A_number_alone_names_no_device()
    {
        var shell = new Shell(_socket) { Interactive = true };

        Assert.Equal(2, await shell.RunAsync("approve --number 47"));

        Assert.Equal("error: --number belongs to a device\nhint: gateway approve <device> --number 47; gateway approve alone asks about each\n", shell.Error);
        Assert.Empty(_socket.Requests);
    }

    [Theory]
    [InlineData("approve", "yes", "true", 0)]
    [InlineData("approve alice/phone", "y", "true", 0)]
    [InlineData("approve alice/phone", "no", "false", 1)]
    [InlineData("approve 198.19.0.2", "", "false", 1)]
    public async Task On_a_terminal_it_asks_and_only_yes_approves(string line, string answer, string approve, int exitCode)
    {
        _socket.Answers<IReadOnlyList<DeviceView>>(Get, [Waiting], AdminJson.Default.IReadOnlyListDeviceView);
        _socket.Answers(Post, Waiting, AdminJson.Default.DeviceView);
        var shell = new Shell(_socket) { Interactive = true, Input = answer + "\n" };

        Assert.Equal(exitCode, await shell.RunAsync(line));

        Assert.Contains("Does its screen show 47?", shell.Error, StringComparison.Ordinal);
        Assert.Contains($"\"approve\": {approve}", _socket.Requests.Last(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task One_that_ended_while_the_question_stood_does_not_keep_the_others_waiting()
    {
        _socket.Answers<IReadOnlyList<DeviceView>>(Get, [Waiting, Waiting], AdminJson.Default.IReadOnlyListDeviceView);
        _socket.Refuses(Post, "no sign-in waits on alice/phone", "the member starts it", 409);
        var shell = new Shell(_socket) { Interactive = true, Input = "yes\nyes\n" };

        Assert.Equal(0, await shell.RunAsync("approve"));

        Assert.Equal(2, _socket.Requests.Count(request => request.StartsWith(Post, StringComparison.Ordinal)));
        Assert.Contains("warning: no sign-in waits on alice/phone (the member starts it)", shell.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("approved", shell.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Where_nothing_waits_it_says_so()
    {
        _socket.Answers<IReadOnlyList<DeviceView>>(Get, [], AdminJson.Default.IReadOnlyListDeviceView);
        var shell = new Shell(_socket);

        Assert.Equal(0, await shell.RunAsync("approve"));

        Assert.Equal("No sign-in is waiting.\n", shell.Out);
    }

    [Fact]
    public async Task Without_a_terminal_the_device_must_be_named()
    {
        _socket.Answers<IReadOnlyList<DeviceView>>(Get, [Waiting], AdminJson.Default.IReadOnlyListDeviceView);
        var shell = new Shell(_socket);

        Assert.Equal(2, await shell.RunAsync("approve"));

        Assert.Equal("error: there is no terminal to ask on\nhint: name the device: gateway approve alice/phone --number 47\n", shell.Error);
    }
}
