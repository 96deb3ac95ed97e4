using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Gateway.Onboarding.Devices;
using Gateway.Onboarding.LoginGrants;
using Gateway.Tests.Testing;

namespace Gateway.Tests.Proxy;

public sealed class GateTests
{
    [Theory]
    [InlineData("198.19.0.1")]
    [InlineData("198.19.0.77")]
    [InlineData("198.20.0.2")]
    public async Task An_address_that_is_no_device_is_refused_and_reaches_nothing(string address)
    {
        await using var gateway = await TestGateway.StartAsync();
        using var stranger = gateway.At(address);
        gateway.Homeserver.Requests.Clear();

        using var reply = await stranger.GetAsync("/_matrix/client/versions");

        Assert.Equal(HttpStatusCode.Forbidden, reply.StatusCode);
        Assert.Equal("M_FORBIDDEN", await ErrorOf(reply));
        Assert.DoesNotContain(gateway.Homeserver.Requests, request => !request.Headers.ContainsKey("Authorization"));
    }

    [Fact]
    public async Task What_a_client_claims_about_its_origin_is_replaced_by_what_we_know()
    {
        await using var gateway = await TestGateway.StartAsync();
        using var alice = await gateway.SignInAsync(await gateway.EnrolAsync("alice"));
        using var request = new HttpRequestMessage(HttpMethod.Get, "/_matrix/client/v3/account/whoami");
        foreach (var name in new[] { "X-Forwarded-For", "X_Forwarded_For", "Forwarded", "X-Real-IP", "X-Forwarded-Host", "Via", "X-Anything" })
        {
            request.Headers.TryAddWithoutValidation(name, "127.0.0.1");
        }

        using var reply = await alice.SendAsync(request);

        var received = gateway.Homeserver.Requests.Last(seen => seen.Target.EndsWith("whoami", StringComparison.Ordinal));
        Assert.Equal(HttpStatusCode.OK, reply.StatusCode);
        Assert.Equal("198.19.0.2", received.Headers["X-Forwarded-For"]);
        Assert.Equal("https", received.Headers["X-Forwarded-Proto"]);
        Assert.Equal("chat.example", received.Headers["Host"]);
        Assert.DoesNotContain(received.Headers.Keys, name => name is "X_Forwarded_For" or "Forwarded" or "X-Real-IP" or "X-Forwarded-Host" or "Via" or "X-Anything");
    }

    [Theory]
    [InlineData("/_matrix/client/v3/room_keys/keys/!r%3Ahs/abc%2Fdef%2Bg?version=1")]
    [InlineData("/_matrix/client/v3/rooms/!a:b/state/m.room.encryption/")]
    [InlineData("/_matrix/client/v3/directory/room/%23caf%C3%A9%3Achat.example")]
    [InlineData("/_matrix/client/v3/rooms/%21a%3Ab/messages?from=t1-2_3&dir=b&filter=%7B%22a%22%3A%22%2525%22%7D")]
    [InlineData("/_matrix/client/v3/user/@alice:chat.example/account_data/a~b+c,d;e=f")]
    public async Task The_target_arrives_byte_for_byte(string target)
    {
        await using var gateway = await TestGateway.StartAsync();
        using var alice = await gateway.SignInAsync(await gateway.EnrolAsync("alice"));
        var exact = new Uri("https://chat.example" + target, new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true });

        using var reply = await alice.GetAsync(exact);

        Assert.Equal(target, gateway.Homeserver.Requests.Last().Target);
    }

    [Fact]
    public async Task A_token_is_worth_nothing_in_another_tunnel()
    {
        await using var gateway = await TestGateway.StartAsync();
        using var alice = await gateway.SignInAsync(await gateway.EnrolAsync("alice"));
        var bob = await gateway.EnrolAsync("bob");
        using var bobs = gateway.At(bob.Device.TunnelAddress);
        var token = alice.DefaultRequestHeaders.Authorization!.Parameter;
        gateway.Homeserver.Requests.Clear();

        bobs.DefaultRequestHeaders.Authorization = alice.DefaultRequestHeaders.Authorization;
        using var inHeader = await bobs.GetAsync("/_matrix/client/v3/account/whoami");
        bobs.DefaultRequestHeaders.Authorization = null;
        using var inQuery = await bobs.GetAsync($"/_matrix/client/v3/account/whoami?access_token={token}");

        Assert.Equal(HttpStatusCode.Forbidden, inHeader.StatusCode);
        Assert.Equal(HttpStatusCode.Forbidden, inQuery.StatusCode);
        Assert.DoesNotContain(gateway.Homeserver.Requests, request => request.Target.Contains("whoami", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Two_tokens_or_none_do_not_pass()
    {
        await using var gateway = await TestGateway.StartAsync();
        using var alice = await gateway.SignInAsync(await gateway.EnrolAsync("alice"));
        var token = alice.DefaultRequestHeaders.Authorization!.Parameter;

        using var both = await alice.GetAsync($"/_matrix/client/v3/account/whoami?access_token={token}");
        alice.DefaultRequestHeaders.Authorization = null;
        using var queryAlone = await alice.GetAsync($"/_matrix/client/v3/account/whoami?access_token={token}");
        using var twice = await alice.GetAsync($"/_matrix/client/v3/account/whoami?access_token={token}&access_token={token}");
        using var none = await alice.GetAsync("/_matrix/client/v3/account/whoami");

        Assert.Equal(HttpStatusCode.Forbidden, both.StatusCode);
        Assert.Equal(HttpStatusCode.Forbidden, queryAlone.StatusCode);
        Assert.Equal(HttpStatusCode.Forbidden, twice.StatusCode);
        Assert.Equal("M_MISSING_TOKEN", await ErrorOf(none));
    }

    [Fact]
    public async Task After_its_logout_a_token_is_unknown_and_before_it_never()
    {
        await using var gateway = await TestGateway.StartAsync();
        using var alice = await gateway.SignInAsync(await gateway.EnrolAsync("alice"));

        using var logout = await alice.PostAsync("/_matrix/client/v3/logout", null);
        using var after = await alice.GetAsync("/_matrix/client/v3/account/whoami");

        Assert.Equal(HttpStatusCode.OK, logout.StatusCode);
        Assert.Equal("M_UNKNOWN_TOKEN", await ErrorOf(after));
        Assert.Equal(DeviceState.Connected, gateway.Device("alice/phone").State);
    }

    [Fact]
    public async Task The_homeservers_word_that_a_live_token_is_unknown_is_not_passed_on_before_its_session_list_confirms_it()
    {
        await using var gateway = await TestGateway.StartAsync();
        using var alice = await gateway.SignInAsync(await gateway.EnrolAsync("alice"));
        gateway.Homeserver.Interfere = async context =>
        {
            var isMember = context.Request.Path.Value!.EndsWith("whoami", StringComparison.Ordinal);
            if (isMember)
            {
                await FakeHomeserver.ReplyAsync(context, 401, """{"errcode":"M_UNKNOWN_TOKEN","error":"a fault","soft_logout":false}""");
            }

            return isMember;
        };

        using var faulty = await alice.GetAsync("/_matrix/client/v3/account/whoami");
        await gateway.Service<SessionKeeper>().KeepOnceAsync(default);
        using var still = await alice.GetAsync("/_matrix/client/v3/account/whoami");
        gateway.Homeserver.Accounts["alice"].Clear();
        await gateway.Service<SessionKeeper>().KeepOnceAsync(default);
        using var gone = await alice.GetAsync("/_matrix/client/v3/account/whoami");

        Assert.Equal(HttpStatusCode.ServiceUnavailable, faulty.StatusCode);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, still.StatusCode);
        Assert.Equal("M_UNKNOWN_TOKEN", await ErrorOf(gone));
        Assert.Contains(gateway.Log.GetSnapshot(), line => line.Message.Contains("refuses the live session", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_401_that_asks_for_authentication_stages_passes_unchanged()
    {
        const string stages = """{"flows":[{"stages":["m.login.sso"]}],"session":"x"}""";
        await using var gateway = await TestGateway.StartAsync();
        using var alice = await gateway.SignInAsync(await gateway.EnrolAsync("alice"));
        gateway.Homeserver.Interfere = async context =>
        {
            await FakeHomeserver.ReplyAsync(context, 401, stages);
            return true;
        };

        using var reply = await alice.PostAsync("/_matrix/client/v3/keys/upload", JsonContent.Create(new { }));

        Assert.Equal(HttpStatusCode.Unauthorized, reply.StatusCode);
        Assert.Equal(stages, await reply.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task A_homeserver_that_is_down_is_503_and_erases_nothing()
    {
        await using var gateway = await TestGateway.StartAsync();
        using var alice = await gateway.SignInAsync(await gateway.EnrolAsync("alice"));
        gateway.Homeserver.Interfere = context =>
        {
            context.Abort();
            return Task.FromResult(true);
        };

        using var reply = await alice.GetAsync("/_matrix/client/v3/account/whoami");

        Assert.Equal(HttpStatusCode.ServiceUnavailable, reply.StatusCode);
        Assert.Equal("M_UNKNOWN", await ErrorOf(reply));
    }

    [Fact]
    public async Task A_locked_gateway_shuts_everybody_out_and_erases_nothing()
    {
        await using var gateway = await TestGateway.StartAsync();
        using var alice = await gateway.SignInAsync(await gateway.EnrolAsync("alice"));
        var held = alice.GetAsync("/_matrix/client/v3/sync");
        await Eventually.Is(() => gateway.Homeserver.Requests.Any(request => request.Target.EndsWith("sync", StringComparison.Ordinal)), TimeSpan.FromSeconds(10));

        await gateway.Admin.LockAsync(default);
        await Assert.ThrowsAnyAsync<HttpRequestException>(() => held);
        using var locked = await alice.GetAsync("/_matrix/client/v3/account/whoami");
        await gateway.Admin.UnlockAsync(null, false, default);
        using var unlocked = await alice.GetAsync("/_matrix/client/v3/account/whoami");

        Assert.Equal(HttpStatusCode.ServiceUnavailable, locked.StatusCode);
        Assert.Equal(HttpStatusCode.OK, unlocked.StatusCode);
    }

    [Fact]
    public async Task Another_host_name_gets_nothing()
    {
        await using var gateway = await TestGateway.StartAsync();
        using var alice = await gateway.SignInAsync(await gateway.EnrolAsync("alice"));
        using var request = new HttpRequestMessage(HttpMethod.Get, "/_matrix/client/v3/account/whoami") { Headers = { Host = "attacker.example" } };

        using var reply = await alice.SendAsync(request);

        Assert.Equal("M_UNRECOGNIZED", await ErrorOf(reply));
    }

    private static async Task<string?> ErrorOf(HttpResponseMessage reply) => (string?)(await reply.Content.ReadFromJsonAsync<JsonNode>())!["errcode"];
}
