using Gateway.Admin;

namespace Gateway.Tests.Commands;

public sealed class EnrolTests : IAsyncLifetime
{
    private const string Post = "POST /v1/enrolments";
    private const string Get = "GET /v1/devices";

    private AdminSocket _socket = null!;

    private string File => Path.Join(_socket.Directory, "alice.conf");

    public async ValueTask InitializeAsync()
    {
        _socket = await AdminSocket.StartAsync();
        _socket.Answers(Post, The.Enrolment, AdminJson.Default.EnrolmentView, status: 201);
    }

    public ValueTask DisposeAsync() => _socket.DisposeAsync();

    [Fact]
    public async Task What_was_asked_for_reaches_the_gateway()
    {
        var shell = new Shell(_socket);

        Assert.Equal(0, await shell.RunAsync("enrol alice --device laptop --display-name Alice --os android --adopt --json"));

        Assert.Equal(
            """{"member":"alice","device":"laptop","displayName":"Alice","os":"android","adopt":true}""",
            string.Concat(Assert.Single(_socket.Requests)[Post.Length..].Where(c => !char.IsWhiteSpace(c))));
    }

    [Fact]
    public async Task A_pipe_gets_the_configuration_and_nothing_else()
    {
        var shell = new Shell(_socket);

        Assert.Equal(0, await shell.RunAsync("enrol alice"));

        Assert.Equal(The.Config, shell.Out);
        Assert.Contains("login code  K7QF-2M9P", shell.Error, StringComparison.Ordinal);
        Assert.DoesNotContain(The.PrivateKey, shell.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Json_is_the_gateways_answer_as_it_came()
    {
        const string Answer = """{"device":{"id":"d-abcdefgh","member":"alice","name":"phone","tunnelAddress":"198.19.0.2","publicKey":"x","state":"pending","online":false,"lastHandshake":null,"sessions":[],"revocation":null},"config":"c","loginCode":"l","loginCodeExpiresAt":"2026-05-04T12:15:00Z","elementLink":"e","later":1}""";
        _socket.AnswersText(Post, Answer, "application/json", 201);
        var shell = new Shell(_socket) { Interactive = true };

        Assert.Equal(0, await shell.RunAsync("enrol alice --json"));

        Assert.Equal(Answer + "\n", shell.Out);
        Assert.Empty(shell.Error);
        Assert.Single(_socket.Requests);
    }

    [Fact]
    public async Task A_file_is_its_owners_alone_and_holds_the_configuration()
    {
        var shell = new Shell(_socket) { Interactive = true };

        Assert.Equal(0, await shell.RunAsync($"enrol alice --output {File}"));

        Assert.Equal(The.Config, await System.IO.File.ReadAllTextAsync(File));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, System.IO.File.GetUnixFileMode(File));
        Assert.DoesNotContain(The.PrivateKey, shell.Out, StringComparison.Ordinal);
        Assert.Contains("login code  K7QF-2M9P", shell.Out, StringComparison.Ordinal);
        Assert.Single(_socket.Requests);
    }

    [Theory]
    [InlineData("alice.png", "", "\u0089PNG")]
    [InlineData("alice.svg", "", "<svg")]
    [InlineData("alice", "--format svg", "<svg")]
    public async Task The_format_is_the_files_ending_unless_it_is_said(string name, string option, string start)
    {
        var file = Path.Join(_socket.Directory, name);

        Assert.Equal(0, await new Shell(_socket).RunAsync($"enrol alice --output {file} {option}"));

        Assert.StartsWith(start, System.Text.Encoding.Latin1.GetString(await System.IO.File.ReadAllBytesAsync(file)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Nothing_is_overwritten_and_nobody_is_enrolled()
    {
        await System.IO.File.WriteAllTextAsync(File, "mine");
        var shell = new Shell(_socket);

        Assert.Equal(1, await shell.RunAsync($"enrol alice --output {File}"));

        Assert.Equal("mine", await System.IO.File.ReadAllTextAsync(File));
        Assert.StartsWith($"error: {File} exists already\nhint: ", shell.Error, StringComparison.Ordinal);
        Assert.Empty(_socket.Requests);
    }

    [Fact]
    public async Task A_place_that_cannot_be_written_is_found_out_before_anybody_is_enrolled()
    {
        var shell = new Shell(_socket);

        Assert.Equal(1, await shell.RunAsync("enrol alice --output /nowhere/at/all.conf"));

        Assert.StartsWith("error: /nowhere/at/all.conf cannot be written", shell.Error, StringComparison.Ordinal);
        Assert.Empty(_socket.Requests);
    }

    [Fact]
    public async Task A_refusal_is_told_in_the_gateways_words_and_leaves_no_file()
    {
        _socket.Refuses(Post, "alice has a device 'phone' already", "choose another name with --device", 409);
        var shell = new Shell(_socket);

        Assert.Equal(1, await shell.RunAsync($"enrol alice --output {File}"));

        Assert.Equal("error: alice has a device 'phone' already\nhint: choose another name with --device\n", shell.Error);
        Assert.False(System.IO.File.Exists(File));
    }

    [Fact]
    public async Task A_qr_that_cannot_be_drawn_names_the_device_to_end_and_leaves_no_file()
    {
        _socket.Answers(Post, The.Enrolment with { Config = new string('x', 351) }, AdminJson.Default.EnrolmentView, status: 201);
        var shell = new Shell(_socket);
        var file = Path.Join(_socket.Directory, "alice.png");

        Assert.Equal(1, await shell.RunAsync($"enrol alice --output {file}"));

        Assert.Contains("hint: gateway revoke d-abcdefgh --cut", shell.Error, StringComparison.Ordinal);
        Assert.False(System.IO.File.Exists(file));
    }

    [Fact]
    public async Task A_person_sees_the_qr_and_then_the_device_arrive()
    {
        _socket.AnswersInTurn(Get, AdminJson.Default.IReadOnlyListDeviceView, [The.Phone], [The.Phone], [The.Connected], [The.SignedIn]);
        var shell = new Shell(_socket) { Interactive = true };

        Assert.Equal(0, await shell.RunAndTurnClockAsync("enrol alice"));

        Assert.Contains("within 15 minutes of its first connection", shell.Out, StringComparison.Ordinal);
        Assert.Contains("\e[38;5;231;48;5;231m", shell.Out, StringComparison.Ordinal);
        Assert.Contains("tunnel connected after ", shell.Out, StringComparison.Ordinal);
        Assert.EndsWith("signed in to Element X\n", shell.Out, StringComparison.Ordinal);
        Assert.DoesNotContain(The.PrivateKey, shell.Out, StringComparison.Ordinal);
        Assert.Equal("GET /v1/devices?device=d-abcdefgh", _socket.Requests.Last());
    }

    [Fact]
    public async Task A_number_on_the_phone_is_asked_about_and_the_second_qr_leads_to_Element()
    {
        var waiting = The.Connected with { SignIn = new(47, "Element X", The.Now) };
        _socket.AnswersInTurn(Get, AdminJson.Default.IReadOnlyListDeviceView, [The.Phone], [The.Connected], [waiting], [waiting], [The.SignedIn]);
        _socket.Answers("POST /v1/sign-ins", waiting, AdminJson.Default.DeviceView);
        var shell = new Shell(_socket) { Interactive = true, Input = "yes\n" };

        Assert.Equal(0, await shell.RunAndTurnClockAsync("enrol alice"));

        Assert.Contains("scan this with the phone's camera", shell.Out, StringComparison.Ordinal);
        Assert.Contains("alice/phone wants to sign in to Element X. Does its screen show 47?", shell.Error, StringComparison.Ordinal);
        Assert.Contains("approved: alice/phone, number 47\n", shell.Out, StringComparison.Ordinal);
        Assert.Equal(
            "POST /v1/sign-ins {\n  \"device\": \"d-abcdefgh\",\n  \"number\": 47,\n  \"approve\": true\n}",
            Assert.Single(_socket.Requests, request => request.StartsWith("POST /v1/sign-ins", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Ctrl_c_ends_the_waiting_and_not_the_enrolment()
    {
        _socket.AnswersInTurn<IReadOnlyList<DeviceView>>(Get, AdminJson.Default.IReadOnlyListDeviceView, [The.Phone]);
        var shell = new Shell(_socket) { Interactive = true };
        using var ctrlC = new CancellationTokenSource();

        var running = shell.RunAsync("enrol alice", ctrlC.Token);
        await shell.UntilPrintedAsync("Waiting for the device");
        await ctrlC.CancelAsync();

        Assert.Equal(0, await running);
        Assert.Contains("the enrolment stays as it is", shell.Out, StringComparison.Ordinal);
        Assert.DoesNotContain(_socket.Requests, request => request.StartsWith("POST /v1/revocations", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_device_that_never_came_ends_the_waiting()
    {
        _socket.AnswersInTurn<IReadOnlyList<DeviceView>>(Get, AdminJson.Default.IReadOnlyListDeviceView, [The.Phone], []);
        var shell = new Shell(_socket) { Interactive = true };

        Assert.Equal(1, await shell.RunAndTurnClockAsync("enrol alice"));

        Assert.Equal("error: alice/phone did not connect in time and is gone\nhint: enrol it again: gateway enrol alice\n", shell.Error);
    }

    [Fact]
    public async Task A_login_code_that_ran_out_ends_the_waiting_with_the_way_to_a_fresh_one()
    {
        _socket.AnswersInTurn<IReadOnlyList<DeviceView>>(Get, AdminJson.Default.IReadOnlyListDeviceView, [The.Connected]);
        var shell = new Shell(_socket) { Interactive = true };

        Assert.Equal(1, await shell.RunAndTurnClockAsync("enrol alice", TimeSpan.FromMinutes(2)));

        Assert.Contains("hint: a fresh one: gateway allow-login alice/phone", shell.Error, StringComparison.Ordinal);
        Assert.True(shell.Time.GetUtcNow() >= The.Now.AddMinutes(15));
    }

    [Fact]
    public async Task A_terminal_too_small_for_the_qr_is_named()
    {
        _socket.AnswersInTurn<IReadOnlyList<DeviceView>>(Get, AdminJson.Default.IReadOnlyListDeviceView, [The.SignedIn]);
        var shell = new Shell(_socket) { Interactive = true, Size = (80, 24) };

        Assert.Equal(0, await shell.RunAndTurnClockAsync("enrol alice"));

        Assert.Contains("warning: the QR needs 69 columns and 35 lines, and this terminal has 80 and 24", shell.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("enrol")]
    [InlineData("enrol alice --os windows")]
    [InlineData("enrol alice --format png")]
    [InlineData("enrol alice --json --format svg")]
    [InlineData("enrol alice --output alice.txt")]
    [InlineData("enrol alice bob")]
    public async Task Wrong_usage_says_what_and_the_way_out(string line)
    {
        var shell = new Shell(_socket);

        Assert.Equal(2, await shell.RunAsync(line));

        Assert.Matches("^error: .+\nhint: .+\n$", shell.Error);
        Assert.Empty(shell.Out);
        Assert.Empty(_socket.Requests);
    }
}
