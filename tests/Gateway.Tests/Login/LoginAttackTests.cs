using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json.Nodes;
using Gateway.Admin;
using Gateway.Onboarding.Devices;
using Gateway.Onboarding.LoginGrants;
using Gateway.Tests.Testing;

namespace Gateway.Tests.Login;

/// <summary>Another app on the phone, and whoever else can reach the logins: bodies that are no logins, floods, names with a purpose.</summary>
public sealed class LoginAttackTests
{
    private const string Login = "/_matrix/client/v3/login";
    private const string Element = "/_matrix/client/v3/login/sso/redirect?redirectUrl=element%3A%2F%2Fconnect";

    [Theory]
    [InlineData("[]")]
    [InlineData("null")]
    [InlineData("\"x\"")]
    [InlineData("{\"type\":5}")]
    [InlineData("{\"type\":\"m.login.password\",\"password\":{\"a\":1}}")]
    [InlineData("{\"type\":\"m.login.password\",\"password\":\"\\ud800\"}")]
    [InlineData("{\"type\":\"m.login.token\",\"token\":[\"a\"]}")]
    [InlineData("{\"type\":\"m.login.password\",\"device_id\":7}")]
    [InlineData("{\"type\":\"m.login.password\"")]
    [InlineData("")]
    [InlineData("DEEP")]
    [InlineData("LONG")]
    public async Task What_is_no_login_gets_a_matrix_error_and_changes_nothing(string body)
    {
        await using var gateway = await TestGateway.StartAsync();
        var alice = await gateway.EnrolAsync("alice");
        using var client = gateway.At(alice.Device.TunnelAddress);

        using var reply = await client.PostAsync(Login, new StringContent(Bomb(body), Encoding.UTF8, "application/json"));

        Assert.Equal(HttpStatusCode.BadRequest, reply.StatusCode);
        Assert.Equal("M_BAD_JSON", (string?)(await reply.Content.ReadFromJsonAsync<JsonNode>())!["errcode"]);
        using var signedIn = await gateway.SignInAsync(alice);
    }

    [Theory]
    [InlineData("{\"auth\":{\"type\":\"m.login.password\",\"password\":\"\\ud800\"},\"master_key\":{}}")]
    [InlineData("{\"auth\":{\"session\":\"\\ud800\"},\"master_key\":{}}")]
    [InlineData("{\"\\ud800\":1}")]
    [InlineData("{\"master_key\":{\"keys\":{\"a\":\"\\udfff\"}}}")]
    [InlineData("{\"auth\":{\"password\":\"a\",\"password\":\"b\"}}")]
    [InlineData("DEEP")]
    public async Task A_proof_that_cannot_be_read_is_a_bad_request(string body)
    {
        await using var gateway = await TestGateway.StartAsync();
        using var alice = await gateway.SignInAsync(await gateway.EnrolAsync("alice"));

        using var reset = await alice.PostAsync("/_matrix/client/v3/keys/device_signing/upload", new StringContent(Bomb(body)));
        using var end = await alice.PostAsync("/_matrix/client/v3/delete_devices", new StringContent(Bomb(body)));

        Assert.Equal([HttpStatusCode.BadRequest, HttpStatusCode.BadRequest], [reset.StatusCode, end.StatusCode]);
    }

    [Fact]
    public async Task A_session_that_cannot_be_named_is_a_bad_request()
    {
        await using var gateway = await TestGateway.StartAsync();
        using var alice = await gateway.SignInAsync(await gateway.EnrolAsync("alice"));

        using var end = await alice.PostAsync("/_matrix/client/v3/delete_devices", new StringContent("{\"devices\":[\"\\ud800\"]}"));

        Assert.Equal(HttpStatusCode.BadRequest, end.StatusCode);
    }

    [Fact]
    public async Task Of_many_guesses_at_once_five_are_looked_at_whichever_way_they_come()
    {
        await using var gateway = await TestGateway.StartAsync();
        var alice = await gateway.EnrolAsync("alice");
        using var client = await gateway.SignInAsync(alice);
        using var first = await client.PostAsJsonAsync("/_matrix/client/v3/keys/device_signing/upload", Keys("A", null));
        await gateway.Admin.AllowLoginAsync("alice/phone", default);

        var guesses = await Task.WhenAll(Enumerable.Range(0, 60).Select(i => i % 2 == 0
            ? TestGateway.LoginAsync(client, LoginCode.Generate(new()).Reveal())
            : client.PostAsJsonAsync("/_matrix/client/v3/keys/device_signing/upload", Keys("B", LoginCode.Generate(new()).Reveal()))));

        Assert.Equal(5, guesses.Count(reply => reply.StatusCode is HttpStatusCode.Forbidden or HttpStatusCode.Unauthorized));
        Assert.Equal(55, guesses.Count(reply => reply.StatusCode == HttpStatusCode.TooManyRequests));
    }

    [Fact]
    public async Task A_guess_that_is_never_judged_does_not_make_room_for_others()
    {
        await using var gateway = await TestGateway.StartAsync();
        var alice = await gateway.EnrolAsync("alice");
        using var client = await gateway.SignInAsync(alice);
        const string upload = "/_matrix/client/v3/keys/device_signing/upload";
        using var first = await client.PostAsJsonAsync(upload, Keys("A", null));
        await gateway.Admin.AllowLoginAsync("alice/phone", default);

        var answers = new List<HttpStatusCode>();
        for (var i = 0; i < 6; i++)
        {
            using var same = await client.PostAsJsonAsync(upload, Keys("A", LoginCode.Generate(new()).Reveal()));
            using var guess = await TestGateway.LoginAsync(client, LoginCode.Generate(new()).Reveal());
            answers.Add(guess.StatusCode);
        }

        Assert.Equal(Enumerable.Repeat(HttpStatusCode.Forbidden, 5).Append(HttpStatusCode.TooManyRequests), answers);
    }

    [Fact]
    public async Task A_new_code_is_not_kept_waiting_for_the_guesses_at_the_old_one()
    {
        await using var gateway = await TestGateway.StartAsync();
        var alice = await gateway.EnrolAsync("alice");
        using var client = gateway.At(alice.Device.TunnelAddress);
        for (var i = 0; i < 6; i++)
        {
            using var guess = await TestGateway.LoginAsync(client, LoginCode.Generate(new()).Reveal());
        }

        var (fresh, _) = await gateway.Admin.AllowLoginAsync("alice/phone", default);
        using var reply = await TestGateway.LoginAsync(client, fresh.LoginCode);

        Assert.Equal(HttpStatusCode.OK, reply.StatusCode);
    }

    [Fact]
    public async Task After_an_hour_of_quiet_five_tries_are_free_again()
    {
        await using var gateway = await TestGateway.StartAsync(("Login:GrantMinutes", "600"));
        using var client = gateway.At((await gateway.EnrolAsync("alice")).Device.TunnelAddress);
        var answers = new List<HttpStatusCode>();
        for (var i = 0; i < 12; i++)
        {
            if (i == 6)
            {
                gateway.Clock.Advance(TimeSpan.FromHours(1));
            }

            using var guess = await TestGateway.LoginAsync(client, LoginCode.Generate(new()).Reveal());
            answers.Add(guess.StatusCode);
        }

        var six = Enumerable.Repeat(HttpStatusCode.Forbidden, 5).Append(HttpStatusCode.TooManyRequests).ToList();
        Assert.Equal([.. six, .. six], answers);
    }

    [Fact]
    public async Task A_wrong_code_asks_the_homeserver_nothing()
    {
        await using var gateway = await TestGateway.StartAsync();
        var alice = await gateway.EnrolAsync("alice");
        using var client = gateway.At(alice.Device.TunnelAddress);
        gateway.Homeserver.Requests.Clear();

        using var guess = await TestGateway.LoginAsync(client, LoginCode.Generate(new()).Reveal(), "WISHED");

        Assert.Equal(HttpStatusCode.Forbidden, guess.StatusCode);
        Assert.DoesNotContain(gateway.Homeserver.Requests, request => request.Target.Contains("/devices", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_homeserver_that_fails_is_no_wrong_code()
    {
        await using var gateway = await TestGateway.StartAsync();
        var alice = await gateway.EnrolAsync("alice");
        using var client = gateway.At(alice.Device.TunnelAddress);
        gateway.Homeserver.Interfere = context =>
        {
            context.Abort();
            return Task.FromResult(true);
        };

        for (var i = 0; i < 8; i++)
        {
            using var failed = await TestGateway.LoginAsync(client, alice.LoginCode);
            Assert.Equal(HttpStatusCode.ServiceUnavailable, failed.StatusCode);
        }
    }

    [Fact]
    public async Task Where_no_login_is_allowed_the_app_says_what_to_do_in_the_member_s_language()
    {
        await using var gateway = await TestGateway.StartAsync();
        var alice = await gateway.EnrolAsync("alice");
        using var client = await gateway.SignInAsync(alice);
        client.DefaultRequestHeaders.TryAddWithoutValidation("Accept-Language", "FR-ch");

        for (var i = 0; i < 8; i++)
        {
            using var reply = await TestGateway.LoginAsync(client, alice.LoginCode);
            Assert.Equal(HttpStatusCode.Forbidden, reply.StatusCode);
            Assert.StartsWith("Demandez un nouveau code de connexion à votre admin", (string?)(await reply.Content.ReadFromJsonAsync<JsonNode>())!["error"], StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("fr;q=0, en", "not a login code")]
    [InlineData("fr;q=0", "not a login code")]
    [InlineData("FR", "pas un code de connexion")]
    [InlineData("en;q=zzz, fr", "pas un code de connexion")]
    public async Task The_language_is_read_as_it_is_meant(string languages, string words)
    {
        await using var gateway = await TestGateway.StartAsync();
        using var client = gateway.At((await gateway.EnrolAsync("alice")).Device.TunnelAddress);
        client.DefaultRequestHeaders.TryAddWithoutValidation("Accept-Language", languages);

        using var reply = await TestGateway.LoginAsync(client, "hunter2");

        Assert.Contains(words, (string?)(await reply.Content.ReadFromJsonAsync<JsonNode>())!["error"], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Thousands_of_languages_are_no_trouble()
    {
        await using var gateway = await TestGateway.StartAsync();
        using var client = gateway.At((await gateway.EnrolAsync("alice")).Device.TunnelAddress);
        client.DefaultRequestHeaders.TryAddWithoutValidation("Accept-Language", string.Join(',', Enumerable.Range(0, 2000).Select(i => $"x{i};q=0.{i % 10}")) + ",fr");

        using var reply = await TestGateway.LoginAsync(client, "hunter2");

        Assert.Contains("pas un code", (string?)(await reply.Content.ReadFromJsonAsync<JsonNode>())!["error"], StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_app_s_name_for_itself_is_one_short_line_of_what_can_be_seen()
    {
        await using var gateway = await TestGateway.StartAsync();
        var alice = await gateway.EnrolAsync("alice");
        using var client = gateway.At(alice.Device.TunnelAddress);
        var name = "Element\u202e\u0000\r\n\u001b[2J\u2028 X 📱" + new string('x', 500);

        using var reply = await client.PostAsJsonAsync(Login, new { type = "m.login.password", password = alice.LoginCode, initial_device_display_name = name });

        Assert.Equal(HttpStatusCode.OK, reply.StatusCode);
        var kept = gateway.Device("alice/phone").Sessions.Single().Client!;
        Assert.StartsWith("Element[2J X 📱xxx", kept, StringComparison.Ordinal);
        Assert.Equal(100, kept.Length);
    }

    [Fact]
    public async Task Names_that_look_like_HTML_are_text()
    {
        await using var gateway = await TestGateway.StartAsync();
        var (mallory, _) = await gateway.Admin.EnrolAsync(new EnrolmentRequest("mallory", null, "<script>alert(1)</script>\"'&", null, Adopt: false), default);
        gateway.Service<Gateway.Onboarding.Enrolment.EnrolmentWatch>().HandshakeSeen(Gateway.Onboarding.Keys.PublicKey.Parse(mallory.Device.PublicKey, null), gateway.Clock.GetUtcNow());

        using var browser = await new Browser(gateway, mallory.Device.TunnelAddress).OpenAsync(
            "/_matrix/client/v3/login/sso/redirect?redirectUrl=" + Uri.EscapeDataString("element://connect?transaction_id=\"><script>alert(2)</script>"));
        await browser.PressAsync("start");
        var path = browser.Path;
        var waiting = browser.Page;
        await gateway.Admin.DecideSignInAsync(new SignInDecision(mallory.Device.Id, browser.Number, Approve: true), default);
        await browser.ReloadAsync(path);

        Assert.Contains("alert(1)", waiting, StringComparison.Ordinal);
        Assert.Contains("alert(2)", browser.Page, StringComparison.Ordinal);
        Assert.All([waiting, browser.Page], page => Assert.DoesNotContain("<script", page, StringComparison.OrdinalIgnoreCase));
    }

    [Fact]
    public async Task A_login_that_the_restart_cut_short_leaves_no_session_and_gives_the_code_back()
    {
        await using var gateway = await TestGateway.StartAsync();
        var alice = await gateway.EnrolAsync("alice");
        var (underWay, goOn) = gateway.Homeserver.HoldLogin();
        using var client = gateway.At(alice.Device.TunnelAddress);
        var cut = TestGateway.LoginAsync(client, alice.LoginCode);
        await underWay;

        await gateway.RestartAsync();
        goOn.SetResult();
        await Assert.ThrowsAnyAsync<HttpRequestException>(() => cut);
        gateway.Homeserver.Interfere = _ => Task.FromResult(false);

        // It makes the session although nobody waits for it any more.
        var asked = gateway.Device("alice/phone").Sessions.Single().MatrixDeviceId;
        await Eventually.Is(() => gateway.Homeserver.Accounts["alice"].ContainsKey(asked), TimeSpan.FromSeconds(10));
        gateway.Clock.Advance(TimeSpan.FromMinutes(2.1));
        await gateway.Service<SessionKeeper>().KeepOnceAsync(default);

        Assert.Empty(gateway.Homeserver.Accounts["alice"]);
        using var signedIn = await gateway.SignInAsync(alice);
    }

    [Fact]
    public async Task A_sign_in_that_the_restart_forgot_is_told_to_start_again_and_spends_nothing()
    {
        await using var gateway = await TestGateway.StartAsync();
        var alice = await gateway.EnrolAsync("alice");
        using var browser = await new Browser(gateway, alice.Device.TunnelAddress).OpenAsync(Element);
        await browser.PressAsync("start");
        var path = browser.Path;
        await gateway.Admin.DecideSignInAsync(new SignInDecision("alice/phone", browser.Number, Approve: true), default);
        await browser.ReloadAsync(path);
        var token = browser.Continue!.Split("loginToken=")[1];

        await gateway.RestartAsync();
        using var client = gateway.At(alice.Device.TunnelAddress);
        using var late = await client.PostAsJsonAsync(Login, new { type = "m.login.token", token });
        using var again = new Browser(gateway, alice.Device.TunnelAddress);
        await again.ReloadAsync(path);

        Assert.Equal(HttpStatusCode.Forbidden, late.StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, again.Last.StatusCode);
        Assert.Equal(GrantState.Armed, gateway.Device("alice/phone").Grant!.State);
    }

    private static string Bomb(string body) => body switch
    {
        "DEEP" => string.Concat(Enumerable.Repeat("{\"a\":", 2000)) + "1" + new string('}', 2000),
        "LONG" => $"{{\"type\":\"{new string('m', 200_000)}\"}}",
        _ => body,
    };

    private static JsonObject Keys(string master, string? code)
    {
        var keys = new JsonObject { ["master_key"] = new JsonObject { ["usage"] = new JsonArray("master"), ["keys"] = new JsonObject { [$"ed25519:{master}"] = master } } };
        if (code is not null)
        {
            keys["auth"] = new JsonObject { ["type"] = "m.login.password", ["password"] = code };
        }

        return keys;
    }
}
