using System.Text.Json;
using Gateway.Admin;

namespace Gateway.Tests.Commands;

public sealed class ListTests : IAsyncLifetime
{
    private static readonly DeviceView Lost = The.SignedIn with
    {
        Id = "d-zzzzzzzz",
        Member = "bob",
        TunnelAddress = "198.19.0.17",
        State = "quarantined",
        Online = false,
        LastHandshake = The.Now.AddHours(-50),
        Revocation = The.Revocation(The.Step("blocked", "done", 3), The.Step("matrix-sessions", "retrying", 4, "the homeserver does not answer")),
    };

    private AdminSocket _socket = null!;

    public async ValueTask InitializeAsync()
    {
        _socket = await AdminSocket.StartAsync();
        _socket.Answers<IReadOnlyList<DeviceView>>(
            "GET /v1/devices",
            [The.SignedIn with { LastHandshake = The.Now.AddSeconds(-130) }, The.Phone with { Name = "phone-2", TunnelAddress = "198.19.0.3" }, Lost],
            AdminJson.Default.IReadOnlyListDeviceView);
    }

    public ValueTask DisposeAsync() => _socket.DisposeAsync();

    [Fact]
    public async Task Devices_are_a_table_with_the_open_steps_below_theirs()
    {
        var shell = new Shell(_socket);

        Assert.Equal(0, await shell.RunAsync("devices"));

        Assert.Equal(
            """
            DEVICE         ID          ADDRESS      STATE        ONLINE  LAST HANDSHAKE  SIGNED IN WITH
            alice/phone    d-abcdefgh  198.19.0.2   signed-in    yes     2 min ago       Element X
            alice/phone-2  d-abcdefgh  198.19.0.3   pending      no      never
            bob/phone      d-zzzzzzzz  198.19.0.17  quarantined  no      2 days ago      Element X
              cut off: 3 ms
              Matrix sessions deleted: retrying (the homeserver does not answer)

            """,
            shell.Out);
    }

    [Fact]
    public async Task Devices_of_one_member_are_asked_for_by_name()
    {
        Assert.Equal(0, await new Shell(_socket).RunAsync("devices --member a&b --json"));

        Assert.Equal("GET /v1/devices?member=a%26b", Assert.Single(_socket.Requests));
    }

    [Fact]
    public async Task No_devices_say_how_to_get_one()
    {
        _socket.Answers<IReadOnlyList<DeviceView>>("GET /v1/devices", [], AdminJson.Default.IReadOnlyListDeviceView);
        var shell = new Shell(_socket);

        Assert.Equal(0, await shell.RunAsync("devices"));

        Assert.Equal("No devices. To enrol one: gateway enrol <localpart>\n", shell.Out);
    }

    [Fact]
    public async Task An_apps_name_cannot_repaint_the_screen()
    {
        _socket.Answers<IReadOnlyList<DeviceView>>(
            "GET /v1/devices",
            [The.SignedIn with { Sessions = [new("X", "Evil\e[2J\u202Etxt\nbob/phone  revoked", The.Now)] }],
            AdminJson.Default.IReadOnlyListDeviceView);
        var shell = new Shell(_socket);

        Assert.Equal(0, await shell.RunAsync("devices"));

        Assert.EndsWith("Evil\uFFFD[2J\uFFFDtxt\uFFFDbob/phone  revoked\n", shell.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Members_are_a_table_with_their_devices()
    {
        _socket.Answers<IReadOnlyList<MemberView>>(
            "GET /v1/members",
            [new("alice", "@alice:chat.example", "Alice É.", "active", [The.SignedIn]), new("bob", "@bob:chat.example", DisplayName: null, "left", [])],
            AdminJson.Default.IReadOnlyListMemberView);
        var shell = new Shell(_socket);

        Assert.Equal(0, await shell.RunAsync("members"));

        Assert.Equal(
            """
            MEMBER  NAME      STATE   DEVICES
            alice   Alice É.  active  phone (signed-in)
            bob     -         left

            """,
            shell.Out);
    }

    [Fact]
    public async Task Status_names_the_part_that_is_at_fault_and_still_has_answered()
    {
        _socket.Answers("GET /v1/status", Status(homeserver: new(Ok: false, "does not answer since 3 min")), AdminJson.Default.StatusView);
        var shell = new Shell(_socket);

        Assert.Equal(0, await shell.RunAsync("status"));

        Assert.Equal(
            """
            chat.example is NOT healthy; gateway 0.1.0, started 3 h ago

              ok      tunnel       wg0, 2 peers
              FAULT   homeserver   does not answer since 3 min
              ok      store        fine
              ok      certificate  valid until 2026-08-01
              ok      clock        runs steadily
              TO DO   account      made; the homeserver still has the shared secret
              ok      audit        written up to entry 12
              ok      lock         open

            1 member, 3 devices: 1 online, 1 signed in, 1 quarantined

            """,
            shell.Out);
        Assert.Equal(
            """
            warning: 1 device whose key two phones use at once: gateway devices names them; revoke, and enrol anew
            warning: 1 revocation not finished: gateway devices names the steps

            """,
            shell.Error);
    }

    [Fact]
    public async Task Status_as_json_is_one_document()
    {
        _socket.Answers("GET /v1/status", Status(homeserver: new(Ok: true, "1.160.0")), AdminJson.Default.StatusView);
        var shell = new Shell(_socket);

        Assert.Equal(0, await shell.RunAsync("status --json"));

        Assert.True(JsonDocument.Parse(shell.Out).RootElement.GetProperty("healthy").GetBoolean());
    }

    [Fact]
    public async Task Allow_login_prints_a_fresh_code_and_how_long_it_lasts()
    {
        _socket.Answers("POST /v1/login-grants", new LoginGrantView(The.Connected, "ABCD-EFGH", The.Now.AddMinutes(15)), AdminJson.Default.LoginGrantView);
        var shell = new Shell(_socket);

        Assert.Equal(0, await shell.RunAsync("allow-login alice/phone"));

        Assert.Equal("login code  ABCD-EFGH\n            signs in once as alice, from phone alone, until 12:15\n", shell.Out);
    }

    [Fact]
    public async Task No_command_but_enrol_ever_prints_a_private_key()
    {
        foreach (var line in new[] { "devices", "devices --json" })
        {
            var shell = new Shell(_socket);
            Assert.Equal(0, await shell.RunAsync(line));
            Assert.DoesNotContain("PrivateKey", shell.Out + shell.Error, StringComparison.OrdinalIgnoreCase);
        }

        // The shapes have no place for one.
        Type[] others = [typeof(DeviceView), typeof(MemberView), typeof(StatusView), typeof(LoginGrantView), typeof(AuditEntryView), typeof(LockView)];
        Assert.DoesNotContain(
            others.SelectMany(type => type.GetProperties()),
            property => property.Name.Contains("PrivateKey", StringComparison.Ordinal) || property.Name is "Config" or "PresharedKey");
    }

    private static StatusView Status(PartView homeserver) => new(
        "chat.example",
        "0.1.0",
        The.Now.AddHours(-3),
        homeserver.Ok,
        new(Locked: false, Since: null),
        new(Ok: true, "wg0, 2 peers"),
        homeserver,
        new(Ok: true, "fine"),
        new(Ok: true, "valid until 2026-08-01"),
        new(Ok: true, "runs steadily"),
        new(Ok: false, "made; the homeserver still has the shared secret"),
        new(Members: 1, Devices: 3, Online: 1, SignedIn: 1, Quarantined: 1, UnfinishedRevocations: 1, CopiedKeys: 1),
        new(Ok: true, "written up to entry 12"));

    [Theory]
    [InlineData(200, "ready\n", 0, "")]
    [InlineData(503, "interface\nhomeserver\n", 1, "error: not ready: interface, homeserver\nhint: see 'gateway status'\n")]
    public async Task Status_answers_a_supervisor_by_its_exit_code(int status, string answer, int exitCode, string said)
    {
        await using var socket = await AdminSocket.StartAsync();
        socket.AnswersText("GET /health/ready", answer, "text/plain", status);
        var shell = new Shell(socket);

        Assert.Equal(exitCode, await shell.RunAsync("status --ready"));

        Assert.Equal(("", said), (shell.Out, shell.Error));
    }
}
