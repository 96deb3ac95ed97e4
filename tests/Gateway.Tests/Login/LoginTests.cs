using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Gateway.Onboarding.Devices;
using Gateway.Onboarding.LoginGrants;
using Gateway.Tests.Testing;

namespace Gateway.Tests.Login;

public sealed class LoginTests
{
    [Fact]
    public async Task A_device_signs_in_with_its_code_and_without_a_refresh_token()
    {
        await using var gateway = await TestGateway.StartAsync();
        var alice = await gateway.EnrolAsync("alice");
        using var client = gateway.At(alice.Device.TunnelAddress);

        using var reply = await client.PostAsJsonAsync("/_matrix/client/r0/login", new
        {
            type = "m.login.password",
            user = "alice",
            password = alice.LoginCode.ToLowerInvariant().Replace("-", " ", StringComparison.Ordinal),
            refresh_token = true,
        });

        var login = (await reply.Content.ReadFromJsonAsync<JsonObject>())!;
        Assert.Equal("@alice:chat.example", (string?)login["user_id"]);
        Assert.Equal("https://chat.example", (string?)login["well_known"]!["m.homeserver"]!["base_url"]);
        Assert.False(login.ContainsKey("refresh_token"));
        Assert.Equal(DeviceState.SignedIn, gateway.Device("alice/phone").State);
    }

    [Theory]
    [InlineData("/_matrix/client/r0/login")]
    [InlineData("/_matrix/client/v3/login")]
    [InlineData("/_matrix/client/api/v1/login")]
    public async Task The_ways_of_signing_in_are_those_that_the_gateway_serves_and_no_other(string path)
    {
        await using var gateway = await TestGateway.StartAsync();
        using var client = gateway.At((await gateway.EnrolAsync("alice")).Device.TunnelAddress);
        gateway.Homeserver.Requests.Clear();

        var flows = await client.GetStringAsync(path);

        Assert.Equal("""{"flows":[{"type":"m.login.sso","identity_providers":[{"id":"gateway","name":"chat.example"}]},{"type":"m.login.token"},{"type":"m.login.password"}]}""", flows);
        Assert.DoesNotContain(gateway.Homeserver.Requests, request => request.Target.Contains("login", StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_well_known_address_is_the_gateway_s_own()
    {
        await using var gateway = await TestGateway.StartAsync();
        using var client = gateway.At((await gateway.EnrolAsync("alice")).Device.TunnelAddress);

        Assert.Equal("""{"m.homeserver":{"base_url":"https://chat.example"}}""", await client.GetStringAsync("/.well-known/matrix/client"));
    }

    [Theory]
    [InlineData("/_matrix/client/r0/refresh")]
    [InlineData("/_matrix/client/v3/refresh")]
    [InlineData("/_matrix/client/v1/refresh")]
    [InlineData("/_matrix/client/unstable/refresh")]
    public async Task A_wish_for_fresh_tokens_wipes_nobody_on_any_path(string path)
    {
        await using var gateway = await TestGateway.StartAsync();
        using var client = await gateway.SignInAsync(await gateway.EnrolAsync("alice"));

        using var reply = await client.PostAsJsonAsync(path, new { refresh_token = "x" });

        Assert.Equal(HttpStatusCode.ServiceUnavailable, reply.StatusCode);
        Assert.DoesNotContain("errcode", await reply.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Of_twenty_logins_at_once_one_opens()
    {
        await using var gateway = await TestGateway.StartAsync();
        var alice = await gateway.EnrolAsync("alice");
        using var client = gateway.At(alice.Device.TunnelAddress);

        var replies = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => TestGateway.LoginAsync(client, alice.LoginCode)));

        Assert.Single(replies, reply => reply.IsSuccessStatusCode);
        Assert.All(replies.Where(reply => !reply.IsSuccessStatusCode), reply =>
            Assert.True(reply.StatusCode is HttpStatusCode.Forbidden or HttpStatusCode.TooManyRequests));
        Assert.Single(gateway.Homeserver.Accounts["alice"]);
    }

    [Fact]
    public async Task A_code_is_good_for_its_own_device_only()
    {
        await using var gateway = await TestGateway.StartAsync();
        var alice = await gateway.EnrolAsync("alice");
        var bob = await gateway.EnrolAsync("bob");
        using var bobs = gateway.At(bob.Device.TunnelAddress);

        using var stolen = await TestGateway.LoginAsync(bobs, alice.LoginCode);
        using var client = await gateway.SignInAsync(alice);

        Assert.Equal(HttpStatusCode.Forbidden, stolen.StatusCode);
    }

    [Fact]
    public async Task A_grant_counts_from_the_first_handshake_and_expires()
    {
        await using var gateway = await TestGateway.StartAsync(("Login:GrantMinutes", "15"));
        var late = await gateway.EnrolAsync("late");
        var intime = await gateway.EnrolAsync("intime");

        gateway.Clock.Advance(TimeSpan.FromMinutes(14.9));
        using var ok = await gateway.SignInAsync(intime);
        gateway.Clock.Advance(TimeSpan.FromMinutes(0.2));
        using var client = gateway.At(late.Device.TunnelAddress);
        using var refused = await TestGateway.LoginAsync(client, late.LoginCode);

        Assert.Equal(HttpStatusCode.Forbidden, refused.StatusCode);
        Assert.Empty(gateway.Homeserver.Accounts["late"]);
    }

    [Fact]
    public async Task A_login_that_the_homeserver_fails_gives_the_code_back_and_deletes_what_it_may_have_made()
    {
        await using var gateway = await TestGateway.StartAsync();
        var alice = await gateway.EnrolAsync("alice");
        using var client = gateway.At(alice.Device.TunnelAddress);

        // It makes the session and then drops the connection: did it happen?
        gateway.Homeserver.Interfere = context =>
        {
            if (context.Request.Path != "/_matrix/client/v3/login")
            {
                return Task.FromResult(false);
            }

            gateway.Homeserver.Accounts["alice"]["GHOST"] = "ghost";
            var asked = gateway.Device("alice/phone").Sessions.Single().MatrixDeviceId;
            gateway.Homeserver.Accounts["alice"][asked] = "lost";
            context.Abort();
            return Task.FromResult(true);
        };
        using var failed = await TestGateway.LoginAsync(client, alice.LoginCode);
        gateway.Homeserver.Interfere = _ => Task.FromResult(false);
        await gateway.Service<SessionKeeper>().KeepOnceAsync(default);

        Assert.Equal(HttpStatusCode.ServiceUnavailable, failed.StatusCode);
        Assert.Equal(["GHOST"], gateway.Homeserver.Accounts["alice"].Keys);
        using var signedIn = await gateway.SignInAsync(alice);
    }

    [Fact]
    public async Task A_session_that_nobody_uses_is_deleted_and_its_grant_is_given_back_once()
    {
        await using var gateway = await TestGateway.StartAsync();
        var alice = await gateway.EnrolAsync("alice");
        for (var round = 0; round < 2; round++)
        {
            using var unused = await gateway.SignInAsync(alice);
            gateway.Clock.Advance(TimeSpan.FromMinutes(2.1));
            await gateway.Service<SessionKeeper>().KeepOnceAsync(default);
            Assert.Empty(gateway.Homeserver.Accounts["alice"]);
        }

        using var client = gateway.At(alice.Device.TunnelAddress);
        using var third = await TestGateway.LoginAsync(client, alice.LoginCode);
        Assert.Equal(HttpStatusCode.Forbidden, third.StatusCode);
    }

    [Fact]
    public async Task A_wished_device_id_is_taken_unless_somebody_has_it()
    {
        await using var gateway = await TestGateway.StartAsync();
        var phone = await gateway.EnrolAsync("alice");
        var laptop = await gateway.EnrolAsync("alice", "laptop");
        gateway.Homeserver.Accounts["alice"]["OLDPHONE"] = "kept";
        using var first = gateway.At(phone.Device.TunnelAddress);
        using var second = gateway.At(laptop.Device.TunnelAddress);

        using var wished = await TestGateway.LoginAsync(first, phone.LoginCode, "MINE");
        using var taken = await TestGateway.LoginAsync(second, laptop.LoginCode, "MINE");
        var (again, _) = await gateway.Admin.AllowLoginAsync("alice/laptop", default);
        using var stranger = await TestGateway.LoginAsync(second, again.LoginCode, "OLDPHONE");

        Assert.Equal("MINE", await IdAsync(wished));
        Assert.NotEqual("MINE", await IdAsync(taken));
        Assert.NotEqual("OLDPHONE", await IdAsync(stranger));
        Assert.Equal("kept", gateway.Homeserver.Accounts["alice"]["OLDPHONE"]);

        static async Task<string?> IdAsync(HttpResponseMessage reply) => (string?)(await reply.Content.ReadFromJsonAsync<JsonNode>())!["device_id"];
    }

    [Fact]
    public async Task Guessing_is_slowed_down_but_typing_errors_are_free()
    {
        await using var gateway = await TestGateway.StartAsync();
        var alice = await gateway.EnrolAsync("alice");
        using var client = gateway.At(alice.Device.TunnelAddress);
        var guess = LoginCode.Generate(new()).Reveal();

        for (var i = 0; i < 20; i++)
        {
            using var typo = await TestGateway.LoginAsync(client, "AAAAA-AAAAB");
            Assert.Equal(HttpStatusCode.Forbidden, typo.StatusCode);
        }

        for (var i = 0; i < 5; i++)
        {
            using var wrong = await TestGateway.LoginAsync(client, guess);
            Assert.Equal(HttpStatusCode.Forbidden, wrong.StatusCode);
        }

        using var blocked = await TestGateway.LoginAsync(client, alice.LoginCode);
        Assert.Equal(HttpStatusCode.TooManyRequests, blocked.StatusCode);
        gateway.Clock.Advance(TimeSpan.FromMinutes(1.1));
        using var signedIn = await gateway.SignInAsync(alice);
    }

    [Theory]
    [InlineData("m.login.application_service")]
    [InlineData("org.matrix.login.jwt")]
    [InlineData("m.login.token")]
    [InlineData("m.login.dummy")]
    public async Task No_other_way_of_logging_in_reaches_the_homeserver(string type)
    {
        await using var gateway = await TestGateway.StartAsync();
        var alice = await gateway.EnrolAsync("alice");
        using var client = gateway.At(alice.Device.TunnelAddress);
        gateway.Homeserver.Requests.Clear();

        using var reply = await client.PostAsJsonAsync("/_matrix/client/v3/login", new { type, identifier = new { type = "m.id.user", user = "alice" }, token = "x" });

        Assert.Equal(HttpStatusCode.Forbidden, reply.StatusCode);
        Assert.DoesNotContain(gateway.Homeserver.Requests, request => request.Target.Contains("login", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(null, "not a login code")]
    [InlineData("de", "not a login code")]
    [InlineData("en-GB, fr;q=0.5", "not a login code")]
    [InlineData("de, fr-CA;q=0.8, en;q=0.5", "pas un code de connexion")]
    [InlineData("fr", "pas un code de connexion")]
    public async Task What_a_member_may_read_is_in_their_language(string? languages, string words)
    {
        await using var gateway = await TestGateway.StartAsync();
        using var client = gateway.At((await gateway.EnrolAsync("alice")).Device.TunnelAddress);
        client.DefaultRequestHeaders.TryAddWithoutValidation("Accept-Language", languages ?? "");

        using var reply = await TestGateway.LoginAsync(client, "hunter2");

        Assert.Contains(words, (string?)(await reply.Content.ReadFromJsonAsync<JsonNode>())!["error"], StringComparison.Ordinal);
    }
}
