using System.Net.Sockets;
using Gateway.Admin;
using Gateway.Commands;

namespace Gateway.Tests.Commands;

public sealed class CommandLineTests : IAsyncLifetime
{
    private AdminSocket _socket = null!;

    public async ValueTask InitializeAsync() => _socket = await AdminSocket.StartAsync();

    public ValueTask DisposeAsync() => _socket.DisposeAsync();

    [Fact]
    public async Task Help_lists_every_command()
    {
        var shell = new Shell();

        Assert.Equal(0, await shell.RunAsync("--help"));

        foreach (var command in new[] { "enrol", "members", "devices", "revoke", "lock", "unlock", "allow-login", "adopt-session", "status", "audit", "homeserver-config", "serve" })
        {
            Assert.Contains($"  {command} ", shell.Out, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("devise")]
    [InlineData("devices --jsn")]
    [InlineData("homeserver-config")]
    [InlineData("revoke")]
    [InlineData("revoke alice/phone --member alice")]
    [InlineData("revoke alice/phone --erase")]
    [InlineData("revoke alice/phone --yes")]
    [InlineData("revoke --member alice --cut --yes --erase")]
    [InlineData("revoke --member alice --yes")]
    [InlineData("revoke --member alice --erase")]
    [InlineData("revoke --member alice --erase --keep-messages --yes")]
    public async Task Wrong_usage_is_told_apart_and_asks_the_gateway_nothing(string line)
    {
        var shell = new Shell(_socket);

        Assert.Equal(2, await shell.RunAsync(line));

        Assert.Matches("^error: .+\nhint: .+\n$", shell.Error);
        Assert.Empty(shell.Out);
        Assert.Empty(_socket.Requests);
    }

    [Theory]
    [InlineData("bogus", "'bogus'", "gateway --help")]
    [InlineData("devices --jsn", "'--jsn'", "gateway devices --help")]
    [InlineData("enrol alice --os windows", "'windows'", "gateway enrol --help")]
    public async Task Wrong_usage_names_the_word_and_where_to_look(string line, string word, string help)
    {
        var shell = new Shell();

        await shell.RunAsync(line);

        Assert.Contains(word, shell.Error, StringComparison.Ordinal);
        Assert.Contains($"hint: {help}", shell.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_matrix_user_id_is_a_name_and_not_a_file_of_arguments()
    {
        _socket.Refuses("POST /v1/enrolments", "'@alice:chat.example' is no localpart", detail: null, 400);
        var shell = new Shell(_socket);

        Assert.Equal(1, await shell.RunAsync("enrol @alice:chat.example"));

        Assert.Equal("error: '@alice:chat.example' is no localpart\n", shell.Error);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_gateway_that_is_not_there_is_exit_3_with_the_way_to_start_it(bool fileIsLeft)
    {
        var path = Path.Join(_socket.Directory, "dead.sock");
        if (fileIsLeft)
        {
            using var dead = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            dead.Bind(new UnixDomainSocketEndPoint(path));
            // Closing would remove the file: a copy of its name stays, as after a kill.
            File.Move(path, path + ".left");
            path += ".left";
        }

        var shell = new Shell(_socket) { Environment = { ["GATEWAY__Admin__Socket"] = path } };

        Assert.Equal(3, await shell.RunAsync("status"));

        Assert.Equal($"error: the gateway is not running: nobody answers on {path}\nhint: start it: systemctl start gateway, or deploy/up\n", shell.Error);
    }

    [Fact]
    public async Task A_socket_that_is_not_ours_is_exit_1_with_the_way_in()
    {
        // Root may open everything, so the kernel's answer to others is given by hand.
        using var denied = new Denied();
        var shell = new Shell(_socket) { Connect = path => new AdminClient(denied, path) };

        Assert.Equal(1, await shell.RunAsync("status"));

        Assert.Contains("\nhint: use sudo, or join the group 'gateway'\n", shell.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_gateway_that_breaks_down_inside_is_told_without_its_inside()
    {
        _socket.AnswersText("GET /v1/status", "System.NullReferenceException: at ...", "text/plain", 500);
        var shell = new Shell(_socket);

        Assert.Equal(1, await shell.RunAsync("status"));

        Assert.Equal("error: the gateway answered 500\nhint: see its log\n", shell.Error);
    }

    [Fact]
    public async Task A_configuration_that_was_named_must_be_there()
    {
        var shell = new Shell();

        Assert.Equal(2, await shell.RunAsync("status --config /nowhere/gateway.json"));

        Assert.Equal("error: there is no configuration /nowhere/gateway.json\nhint: name it with --config FILE or GATEWAY_CONFIG\n", shell.Error);
    }

    [Fact]
    public async Task A_broken_configuration_names_the_place()
    {
        await File.WriteAllTextAsync(_socket.ConfigFile, """{ "Admin": """);
        var shell = new Shell(_socket);

        Assert.Equal(2, await shell.RunAsync("status"));

        Assert.StartsWith($"error: {_socket.ConfigFile} is not readable as JSON\nhint: ", shell.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_environment_names_the_configuration_and_the_option_wins()
    {
        var shell = new Shell { Environment = { ["GATEWAY_CONFIG"] = "/etc/one.json" } };

        await shell.RunAsync("serve");
        Assert.Equal("/etc/one.json", shell.Served);

        await shell.RunAsync("serve --config /etc/two.json");
        Assert.Equal("/etc/two.json", shell.Served);
    }

    [Fact]
    public async Task Serve_without_a_name_takes_the_default()
    {
        var shell = new Shell();

        Assert.Equal(0, await shell.RunAsync("serve"));

        Assert.Equal("(default)", shell.Served);
    }

    [Fact]
    public async Task Lock_and_unlock_say_what_they_did()
    {
        _socket.Answers("PUT /v1/lock", new LockView(Locked: true, The.Now), AdminJson.Default.LockView);
        _socket.Answers("DELETE /v1/lock", new LockView(Locked: false, Since: null), AdminJson.Default.LockView);
        var shell = new Shell(_socket);

        Assert.Equal(0, await shell.RunAsync("lock"));
        Assert.Equal(0, await shell.RunAsync("unlock"));

        Assert.Equal(
            "Locked since 12:00: no member reaches the homeserver, and nothing is erased. Open again: gateway unlock\n"
            + "Unlocked: the members reach the homeserver.\n",
            shell.Out);
    }

    private sealed class Denied : HttpMessageHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
            throw new HttpRequestException("denied", new SocketException((int)SocketError.AccessDenied));
    }
}
