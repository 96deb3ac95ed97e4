using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Gateway.Admin;
using Gateway.Onboarding.Devices;
using Gateway.Tests.Testing;

namespace Gateway.Tests.Login;

/// <summary>Replacing the identity and ending another session, on a homeserver that asks for a proof as Synapse does.</summary>
public sealed class GuardedActTests
{
    private const string Upload = "/_matrix/client/v3/keys/device_signing/upload";

    [Fact]
    public async Task The_first_identity_needs_nobody()
    {
        await using var gateway = await TestGateway.StartAsync();
        using var alice = await gateway.SignInAsync(await gateway.EnrolAsync("alice"));

        using var first = await alice.PostAsJsonAsync(Upload, Keys("A"));
        using var same = await alice.PostAsJsonAsync(Upload, Keys("A"));

        Assert.Equal([HttpStatusCode.OK, HttpStatusCode.OK], [first.StatusCode, same.StatusCode]);
    }

    [Fact]
    public async Task Another_identity_asks_for_a_code_takes_the_right_one_and_throttles_the_wrong_ones()
    {
        await using var gateway = await TestGateway.StartAsync();
        var bobs = await gateway.EnrolAsync("bob");
        using var alice = await SignedInAsync(gateway, "alice");

        using var asked = await alice.PostAsJsonAsync(Upload, Keys("B"));
        using var misspelt = await alice.PostAsJsonAsync(Upload, Keys("B", "AAAAA-AAAAB"));
        using var wrong = await alice.PostAsJsonAsync(Upload, Keys("B", bobs.LoginCode));
        var grant = (await gateway.Admin.AllowLoginAsync("alice/phone", default)).View;
        using var withWrong = await alice.PostAsJsonAsync(Upload, Keys("B", bobs.LoginCode));
        using var right = await alice.PostAsJsonAsync(Upload, Keys("B", grant.LoginCode));
        using var spent = await alice.PostAsJsonAsync(Upload, Keys("C", grant.LoginCode));

        Assert.All([asked, misspelt, wrong, withWrong, spent], reply => Assert.Equal(HttpStatusCode.Unauthorized, reply.StatusCode));
        var question = (await asked.Content.ReadFromJsonAsync<JsonObject>())!;
        Assert.Equal("m.login.password", (string?)question["flows"]![0]!["stages"]![0]);
        Assert.False(question.ContainsKey("errcode"));
        Assert.Equal("M_FORBIDDEN", (string?)(await wrong.Content.ReadFromJsonAsync<JsonObject>())!["errcode"]);
        Assert.Equal(HttpStatusCode.OK, right.StatusCode);
        Assert.Equal("B", gateway.Homeserver.Identities["alice"]);
        Assert.Contains("identity reset", (await gateway.Admin.AuditAsync(default)).View.Select(entry => entry.Action));

        for (var i = 0; i < 3; i++)
        {
            using var guess = await alice.PostAsJsonAsync(Upload, Keys("C", bobs.LoginCode));
        }

        using var throttled = await alice.PostAsJsonAsync(Upload, Keys("C", bobs.LoginCode));
        Assert.Equal(HttpStatusCode.TooManyRequests, throttled.StatusCode);
    }

    [Fact]
    public async Task An_armed_grant_is_permission_enough_for_one_of_any_number_at_once()
    {
        await using var gateway = await TestGateway.StartAsync();
        using var alice = await SignedInAsync(gateway, "alice");
        await gateway.Admin.AllowLoginAsync("alice/phone", default);

        var replies = await Task.WhenAll(Enumerable.Range(0, 8).Select(i => alice.PostAsJsonAsync(Upload, Keys($"B{i}"))));

        Assert.Single(replies, reply => reply.StatusCode == HttpStatusCode.OK);
        Assert.Equal(7, replies.Count(reply => reply.StatusCode == HttpStatusCode.Unauthorized));
        Assert.Equal(GrantState.Spent, gateway.Device("alice/phone").Grant!.State);
    }

    [Fact]
    public async Task The_phone_after_a_lost_one_may_replace_the_identity_once_within_a_day()
    {
        await using var gateway = await TestGateway.StartAsync();
        using var lost = await SignedInAsync(gateway, "alice");
        await gateway.Admin.RevokeAsync(new RevocationRequest("alice/phone", null, Cut: false, Erase: false), default);
        using var found = await gateway.SignInAsync(await gateway.EnrolAsync("alice", "new"));

        using var once = await found.PostAsJsonAsync(Upload, Keys("B"));
        using var twice = await found.PostAsJsonAsync(Upload, Keys("C"));
        using var other = await gateway.SignInAsync(await gateway.EnrolAsync("alice", "late"));
        using var used = await other.GetAsync("/_matrix/client/v3/account/whoami");
        gateway.Clock.Advance(TimeSpan.FromHours(24));
        using var late = await other.PostAsJsonAsync(Upload, Keys("D"));

        Assert.Equal([HttpStatusCode.OK, HttpStatusCode.Unauthorized, HttpStatusCode.Unauthorized], [once.StatusCode, twice.StatusCode, late.StatusCode]);
        Assert.Equal("B", gateway.Homeserver.Identities["alice"]);
    }

    [Fact]
    public async Task What_the_homeserver_refuses_gives_the_permission_back_and_what_it_may_have_done_does_not()
    {
        await using var gateway = await TestGateway.StartAsync();
        using var alice = await SignedInAsync(gateway, "alice");
        await gateway.Admin.AllowLoginAsync("alice/phone", default);
        var status = 401;
        gateway.Homeserver.Interfere = async context =>
        {
            var ours = context.Request.Path == Upload && context.Request.Query.ContainsKey("user_id");
            if (ours)
            {
                await FakeHomeserver.ReplyAsync(context, status, """{"errcode":"M_UNKNOWN","error":"not now"}""");
            }

            return ours;
        };

        using var refused = await alice.PostAsJsonAsync(Upload, Keys("B"));
        var afterRefusal = gateway.Device("alice/phone").Grant!.State;
        status = 500;
        using var broken = await alice.PostAsJsonAsync(Upload, Keys("B"));

        Assert.Equal([HttpStatusCode.ServiceUnavailable, HttpStatusCode.ServiceUnavailable], [refused.StatusCode, broken.StatusCode]);
        Assert.Equal([GrantState.Armed, GrantState.Spent], [afterRefusal, gateway.Device("alice/phone").Grant!.State]);
    }

    [Fact]
    public async Task Keys_that_the_homeserver_finds_wrong_do_not_use_up_the_permission()
    {
        await using var gateway = await TestGateway.StartAsync();
        using var alice = await SignedInAsync(gateway, "alice");
        await gateway.Admin.AllowLoginAsync("alice/phone", default);
        gateway.Homeserver.Interfere = async context =>
        {
            var ours = context.Request.Path == Upload && context.Request.Query.ContainsKey("user_id");
            if (ours)
            {
                await FakeHomeserver.ReplyAsync(context, 400, """{"errcode":"M_INVALID_PARAM","error":"not signed"}""");
            }

            return ours;
        };

        using var wrong = await alice.PostAsJsonAsync(Upload, Keys("B"));

        Assert.Equal(HttpStatusCode.BadRequest, wrong.StatusCode);
        Assert.Equal(GrantState.Armed, gateway.Device("alice/phone").Grant!.State);
    }

    [Fact]
    public async Task A_session_that_has_ended_meanwhile_has_no_say()
    {
        await using var gateway = await TestGateway.StartAsync();
        using var alice = await SignedInAsync(gateway, "alice");
        await gateway.Admin.AllowLoginAsync("alice/phone", default);
        var own = gateway.Device("alice/phone").Sessions.Single().MatrixDeviceId;
        gateway.Homeserver.Interfere = async context =>
        {
            if (context.Request.Path.Value!.EndsWith("/whoami", StringComparison.Ordinal))
            {
                gateway.Homeserver.Interfere = _ => Task.FromResult(false);
                using var logout = await alice.PostAsync("/_matrix/client/v3/logout", null);
                await FakeHomeserver.ReplyAsync(context, 200, $$"""{"user_id":"@alice:chat.example","device_id":"{{own}}"}""");
                return true;
            }

            return false;
        };

        using var reset = await alice.PostAsJsonAsync(Upload, Keys("B"));

        Assert.NotEqual(HttpStatusCode.OK, reset.StatusCode);
        Assert.Equal("A", gateway.Homeserver.Identities["alice"]);
        Assert.Equal(GrantState.Armed, gateway.Device("alice/phone").Grant!.State);
    }

    [Fact]
    public async Task Sessions_of_ours_end_although_the_homeserver_fails_and_the_permission_is_used()
    {
        await using var gateway = await TestGateway.StartAsync();
        using var phone = await gateway.SignInAsync(await gateway.EnrolAsync("alice", "phone"));
        using var laptop = await gateway.SignInAsync(await gateway.EnrolAsync("alice", "laptop"));
        var other = gateway.Device("alice/laptop").Sessions.Single().MatrixDeviceId;
        await gateway.Admin.AllowLoginAsync("alice/phone", default);
        gateway.Homeserver.Interfere = async context =>
        {
            var delete = context.Request.Path.Value!.EndsWith("/delete_devices", StringComparison.Ordinal);
            if (delete)
            {
                await FakeHomeserver.ReplyAsync(context, 429, """{"errcode":"M_LIMIT_EXCEEDED","error":"later"}""");
            }

            return delete;
        };

        using var ended = await phone.PostAsJsonAsync("/_matrix/client/v3/delete_devices", new { devices = new[] { other } });
        using var told = await laptop.GetAsync("/_matrix/client/v3/account/whoami");
        gateway.Homeserver.Interfere = _ => Task.FromResult(false);
        await gateway.Service<Gateway.Onboarding.LoginGrants.SessionKeeper>().KeepOnceAsync(default);

        Assert.Equal([HttpStatusCode.OK, HttpStatusCode.Unauthorized], [ended.StatusCode, told.StatusCode]);
        Assert.Equal(GrantState.Spent, gateway.Device("alice/phone").Grant!.State);
        Assert.DoesNotContain(other, gateway.Homeserver.Accounts["alice"].Keys);
    }

    [Fact]
    public async Task A_token_that_the_homeserver_knows_as_anothers_moves_nothing()
    {
        await using var gateway = await TestGateway.StartAsync();
        using var alice = await SignedInAsync(gateway, "alice");
        await gateway.Admin.AllowLoginAsync("alice/phone", default);
        gateway.Homeserver.Interfere = async context =>
        {
            var who = context.Request.Path.Value!.EndsWith("/whoami", StringComparison.Ordinal);
            if (who)
            {
                await FakeHomeserver.ReplyAsync(context, 200, """{"user_id":"@bob:chat.example","device_id":"BOBSPHONE"}""");
            }

            return who;
        };

        using var reset = await alice.PostAsJsonAsync(Upload, Keys("B"));
        using var end = await alice.PostAsJsonAsync("/_matrix/client/v3/delete_devices", JsonNode.Parse("""{"devices":["OTHER"]}"""));

        Assert.Equal([HttpStatusCode.ServiceUnavailable, HttpStatusCode.ServiceUnavailable], [reset.StatusCode, end.StatusCode]);
        Assert.Equal("A", gateway.Homeserver.Identities["alice"]);
        Assert.Equal(GrantState.Armed, gateway.Device("alice/phone").Grant!.State);
    }

    [Fact]
    public async Task A_member_ends_another_session_with_a_code_and_its_app_is_told()
    {
        await using var gateway = await TestGateway.StartAsync();
        using var phone = await gateway.SignInAsync(await gateway.EnrolAsync("alice", "phone"));
        using var laptop = await gateway.SignInAsync(await gateway.EnrolAsync("alice", "laptop"));
        var other = gateway.Device("alice/laptop").Sessions.Single().MatrixDeviceId;

        using var asked = await phone.DeleteAsync($"/_matrix/client/v3/devices/{other}");
        var code = (await gateway.Admin.AllowLoginAsync("alice/phone", default)).View.LoginCode;
        using var ended = await phone.SendAsync(new HttpRequestMessage(HttpMethod.Delete, $"/_matrix/client/v3/devices/{other}") { Content = JsonContent.Create(Auth(code)) });
        using var told = await laptop.GetAsync("/_matrix/client/v3/account/whoami");
        using var still = await phone.GetAsync("/_matrix/client/v3/account/whoami");

        Assert.Equal([HttpStatusCode.Unauthorized, HttpStatusCode.OK, HttpStatusCode.Unauthorized, HttpStatusCode.OK], [asked.StatusCode, ended.StatusCode, told.StatusCode, still.StatusCode]);
        Assert.Equal("M_UNKNOWN_TOKEN", (string?)(await told.Content.ReadFromJsonAsync<JsonObject>())!["errcode"]);
        Assert.DoesNotContain(other, gateway.Homeserver.Accounts["alice"].Keys);
    }

    [Fact]
    public async Task A_session_ends_itself_without_a_code_and_nobody_ends_anothers()
    {
        await using var gateway = await TestGateway.StartAsync();
        using var alice = await gateway.SignInAsync(await gateway.EnrolAsync("alice"));
        using var bob = await gateway.SignInAsync(await gateway.EnrolAsync("bob"));
        await gateway.Admin.AllowLoginAsync("alice/phone", default);
        var (own, bobs) = (gateway.Device("alice/phone").Sessions.Single().MatrixDeviceId, gateway.Device("bob/phone").Sessions.Single().MatrixDeviceId);

        using var anothers = await alice.PostAsJsonAsync("/_matrix/client/v3/delete_devices", new { devices = new[] { bobs } });
        using var bobStill = await bob.GetAsync("/_matrix/client/v3/account/whoami");
        using var itself = await alice.DeleteAsync($"/_matrix/client/v3/devices/{own}");
        using var after = await alice.GetAsync("/_matrix/client/v3/account/whoami");

        Assert.Equal([HttpStatusCode.OK, HttpStatusCode.OK, HttpStatusCode.OK, HttpStatusCode.Unauthorized], [anothers.StatusCode, bobStill.StatusCode, itself.StatusCode, after.StatusCode]);
        Assert.Contains(bobs, gateway.Homeserver.Accounts["bob"].Keys);
        Assert.Empty(gateway.Homeserver.Accounts["alice"]);
    }

    [Theory]
    [InlineData("""{"devices":"A"}""")]
    [InlineData("""{"devices":[1]}""")]
    [InlineData("""{"devices":[]}""")]
    [InlineData("""{"devices":["A"],"devices":["B"]}""")]
    [InlineData("""[]""")]
    [InlineData("")]
    public async Task A_request_that_is_not_clear_changes_nothing(string body)
    {
        await using var gateway = await TestGateway.StartAsync();
        using var alice = await SignedInAsync(gateway, "alice");
        await gateway.Admin.AllowLoginAsync("alice/phone", default);

        using var reply = await alice.PostAsync("/_matrix/client/v3/delete_devices", new StringContent(body));

        Assert.Equal(HttpStatusCode.BadRequest, reply.StatusCode);
        Assert.Equal(GrantState.Armed, gateway.Device("alice/phone").Grant!.State);
    }

    [Fact]
    public async Task Buttons_that_lead_nowhere_are_hidden()
    {
        await using var gateway = await TestGateway.StartAsync();
        using var alice = await gateway.SignInAsync(await gateway.EnrolAsync("alice"));
        gateway.Homeserver.Interfere = async context =>
        {
            var asked = context.Request.Path.Value!.EndsWith("/capabilities", StringComparison.Ordinal);
            if (asked)
            {
                await FakeHomeserver.ReplyAsync(context, 200, """{"capabilities":{"m.room_versions":{"default":"12"},"m.change_password":{"enabled":true}}}""");
            }

            return asked;
        };

        var capabilities = (await alice.GetFromJsonAsync<JsonObject>("/_matrix/client/v3/capabilities"))!["capabilities"]!;

        Assert.Equal("12", (string?)capabilities["m.room_versions"]!["default"]);
        Assert.All(["m.change_password", "m.get_login_token", "m.3pid_changes"], name => Assert.False((bool)capabilities[name]!["enabled"]!));
    }

    [Fact]
    public async Task A_session_opened_while_all_others_log_out_is_not_recorded_as_ended()
    {
        await using var gateway = await TestGateway.StartAsync();
        using var phone = await gateway.SignInAsync(await gateway.EnrolAsync("alice", "phone"));
        var laptop = await gateway.EnrolAsync("alice", "laptop");
        HttpClient? second = null;
        gateway.Homeserver.Interfere = async context =>
        {
            var all = context.Request.Path.Value!.EndsWith("/logout/all", StringComparison.Ordinal);
            if (all)
            {
                second = await gateway.SignInAsync(laptop);
                await FakeHomeserver.ReplyAsync(context, 200, "{}");
            }

            return all;
        };

        using var logout = await phone.PostAsync("/_matrix/client/v3/logout/all", null);

        Assert.Equal(HttpStatusCode.OK, logout.StatusCode);
        Assert.Equal(DeviceState.Connected, gateway.Device("alice/phone").State);
        Assert.Equal(DeviceState.SignedIn, gateway.Device("alice/laptop").State);
        second!.Dispose();
    }

    private static async Task<HttpClient> SignedInAsync(TestGateway gateway, string member)
    {
        var client = await gateway.SignInAsync(await gateway.EnrolAsync(member));
        using var first = await client.PostAsJsonAsync(Upload, Keys("A"));
        Assert.Equal(HttpStatusCode.OK, first.StatusCode);
        return client;
    }

    private static JsonObject Keys(string master, string? code = null)
    {
        var keys = code is null ? [] : Auth(code);
        keys["master_key"] = new JsonObject { ["usage"] = new JsonArray("master"), ["keys"] = new JsonObject { [$"ed25519:{master}"] = master } };
        return keys;
    }

    private static JsonObject Auth(string code) => new()
    {
        ["auth"] = new JsonObject { ["type"] = "m.login.password", ["password"] = code, ["session"] = "abc" },
    };
}
