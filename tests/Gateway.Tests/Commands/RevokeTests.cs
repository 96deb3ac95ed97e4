using Gateway.Admin;

namespace Gateway.Tests.Commands;

public sealed class RevokeTests : IAsyncLifetime
{
    private const string Post = "POST /v1/revocations";

    private static readonly DeviceView Quarantined = The.SignedIn with
    {
        State = "quarantined",
        Revocation = The.Revocation(
            The.Step("blocked", "done", 3),
            The.Step("requests-cut", "done", 4),
            The.Step("peer", "waiting", 5, "reaches only the gateway"),
            The.Step("matrix-sessions", "done", 41),
            The.Step("erase-order", "waiting", 41, "for the phone")),
    };

    private static readonly DeviceView Cut = The.SignedIn with
    {
        State = "revoked",
        Revocation = The.Revocation(
            The.Step("blocked", "done", 2),
            The.Step("requests-cut", "done", 2),
            The.Step("peer", "done", 1400),
            The.Step("matrix-sessions", "done", 61),
            The.Step("erase-order", "skipped", 61)),
    };

    private AdminSocket _socket = null!;

    public async ValueTask InitializeAsync() => _socket = await AdminSocket.StartAsync();

    public ValueTask DisposeAsync() => _socket.DisposeAsync();

    [Fact]
    public async Task Each_step_is_named_with_its_time_and_open_ones_are_warnings()
    {
        Answers(Quarantined);
        var shell = new Shell(_socket);

        Assert.Equal(0, await shell.RunAsync("revoke alice/phone"));

        Assert.Equal(
            "alice/phone is revoked (d-abcdefgh, 198.19.0.2).\n"
            + "  cut off: 3 ms · open requests ended: 4 ms · peer removed: waiting (reaches only the gateway) · "
            + "Matrix sessions deleted: 41 ms · erase order delivered: waiting (for the phone)\n",
            shell.Out);
        Assert.Equal(
            "warning: alice/phone: peer removed: waiting (reaches only the gateway)\n"
            + "warning: alice/phone: erase order delivered: waiting (for the phone)\n",
            shell.Error);
        Assert.Equal("""{"device":"alice/phone","member":null,"cut":false,"erase":false}""", SentBody());
    }

    [Fact]
    public async Task Cut_is_said_to_the_gateway_and_a_finished_revocation_warns_of_nothing()
    {
        Answers(Cut);
        var shell = new Shell(_socket);

        Assert.Equal(0, await shell.RunAsync("revoke d-abcdefgh --cut"));

        Assert.Contains("peer removed: 1 s · Matrix sessions deleted: 61 ms · erase order delivered: not needed\n", shell.Out, StringComparison.Ordinal);
        Assert.Empty(shell.Error);
        Assert.Equal("""{"device":"d-abcdefgh","member":null,"cut":true,"erase":false}""", SentBody());
    }

    [Fact]
    public async Task A_device_that_is_not_blocked_is_a_failure()
    {
        Answers(The.SignedIn with { Revocation = The.Revocation(The.Step("blocked", "retrying", 3)) });
        var shell = new Shell(_socket);

        Assert.Equal(1, await shell.RunAsync("revoke alice/phone"));

        Assert.Contains("error: not every device is blocked\n", shell.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Json_keeps_warnings_away_from_standard_output()
    {
        Answers(Quarantined);
        var shell = new Shell(_socket);

        Assert.Equal(0, await shell.RunAsync("revoke alice/phone --json"));

        Assert.Equal("quarantined", System.Text.Json.JsonDocument.Parse(shell.Out).RootElement[0].GetProperty("state").GetString());
        Assert.Contains("warning: ", shell.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("revoke --member alice --erase --yes", "", true)]
    [InlineData("revoke --member alice --keep-messages --yes", "", false)]
    [InlineData("revoke --member alice", "erase\nyes\n", true)]
    [InlineData("revoke --member alice", "keep\ny\n", false)]
    [InlineData("revoke --member alice --erase", "yes\n", true)]
    public async Task A_member_who_leaves_takes_an_answer_to_each_question(string line, string typed, bool erase)
    {
        Answers(Cut);
        var shell = new Shell(_socket) { Interactive = true, Input = typed };

        Assert.Equal(0, await shell.RunAsync(line));

        Assert.Equal($$"""{"device":null,"member":"alice","cut":false,"erase":{{(erase ? "true" : "false")}}}""", SentBody());
        Assert.EndsWith($"alice has left: 1 device ended, messages {(erase ? "erased" : "kept")}.\n", shell.Out, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("revoke --member alice", "")]
    [InlineData("revoke --member alice", "\n\n")]
    [InlineData("revoke --member alice", "erase\nno\n")]
    [InlineData("revoke --member alice --erase", "\n")]
    public async Task Anything_but_a_clear_answer_does_nothing(string line, string typed)
    {
        var shell = new Shell(_socket) { Interactive = true, Input = typed };

        Assert.Equal(1, await shell.RunAsync(line));

        Assert.EndsWith("error: nothing was done\n", shell.Error, StringComparison.Ordinal);
        Assert.Empty(_socket.Requests);
    }

    private void Answers(DeviceView device) => _socket.Answers<IReadOnlyList<DeviceView>>(Post, [device], AdminJson.Default.IReadOnlyListDeviceView);

    private string SentBody() => string.Concat(Assert.Single(_socket.Requests)[Post.Length..].Where(c => !char.IsWhiteSpace(c)));
}
