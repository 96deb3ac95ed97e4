using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Gateway.Admin;
using Gateway.Commands;
using Gateway.Onboarding.Devices;
using Gateway.Onboarding.Enrolment;
using Gateway.Onboarding.Keys;
using Gateway.Onboarding.LoginGrants;
using Gateway.Tests.Testing;

namespace Gateway.Tests.Login;

/// <summary>Sessions from before the gateway, on the devices of accounts that were taken over.</summary>
public sealed class AdoptionTests : IAsyncLifetime
{
    private const string Who = "/_matrix/client/v3/account/whoami";

    private TestGateway _gateway = null!;
    private EnrolmentView _phone = null!;
    private HttpClient _alice = null!;

    public async ValueTask InitializeAsync()
    {
        _gateway = await TestGateway.StartAsync();
        foreach (var name in new[] { "alice", "bob" })
        {
            _gateway.Homeserver.Accounts[name] = new(StringComparer.Ordinal) { [$"{name}-OLD"] = $"syt_{name}_old", [$"{name}-OLDER"] = $"syt_{name}_older" };
        }

        _phone = await EnrolAsync("alice", null);
        _alice = Client(_phone, "syt_alice_old");
    }

    public async ValueTask DisposeAsync()
    {
        _alice.Dispose();
        await _gateway.DisposeAsync();
    }

    [Fact]
    public async Task A_token_from_before_is_refused_and_asked_of_nobody_until_the_admin_adopts_it()
    {
        using var before = await _alice.GetAsync(Who);
        Assert.Equal(HttpStatusCode.Forbidden, before.StatusCode);
        Assert.DoesNotContain(_gateway.Homeserver.Requests, request => request.Target == Who);

        var (window, _) = await _gateway.Admin.AdoptSessionAsync("alice/phone", default);
        using var first = await _alice.GetAsync("/_matrix/client/v3/joined_rooms");
        using var second = await _alice.GetAsync(Who);

        Assert.Equal(_gateway.Clock.GetUtcNow() + TimeSpan.FromMinutes(15), window.Until);
        Assert.Equal(HttpStatusCode.OK, first.StatusCode);
        Assert.Equal(HttpStatusCode.OK, second.StatusCode);
        Assert.Single(_gateway.Homeserver.Requests, request => request.Target.EndsWith("/joined_rooms", StringComparison.Ordinal));
        var device = _gateway.Device("alice/phone");
        Assert.Equal(DeviceState.SignedIn, device.State);
        Assert.Equal("alice-OLD", Assert.Single(device.Sessions).MatrixDeviceId);
        Assert.Null(device.AdoptsUntil);
        Assert.Equal(["session adoption opened", "session adopted"], await AuditAsync());
        Assert.Contains(_gateway.Log.GetSnapshot(), line => line.Message == "alice/phone goes on with a session from before the gateway: alice-OLD");
    }

    [Fact]
    public async Task It_is_one_token_for_each_time_that_the_admin_says_so()
    {
        await _gateway.Admin.AdoptSessionAsync("alice/phone", default);
        using var first = await _alice.GetAsync(Who);
        using var another = Client(_phone, "syt_alice_older");

        using var refused = await another.GetAsync(Who);
        await _gateway.Admin.AdoptSessionAsync("alice/phone", default);
        using var adopted = await another.GetAsync(Who);

        Assert.Equal(HttpStatusCode.OK, first.StatusCode);
        Assert.Equal(HttpStatusCode.Forbidden, refused.StatusCode);
        Assert.Equal(HttpStatusCode.OK, adopted.StatusCode);
        Assert.Equal(2, _gateway.Device("alice/phone").Sessions.Length);
    }

    [Fact]
    public async Task What_was_adopted_ends_with_the_device()
    {
        await _gateway.Admin.AdoptSessionAsync("alice/phone", default);
        using var adopted = await _alice.GetAsync(Who);
        await _gateway.Admin.RevokeAsync(new RevocationRequest("alice/phone", null, Cut: false, Erase: false), default);

        using var told = await _alice.GetAsync(Who);

        Assert.Equal("M_UNKNOWN_TOKEN", (string?)(await told.Content.ReadFromJsonAsync<JsonNode>())!["errcode"]);
        await Eventually.Is(() => !_gateway.Homeserver.Accounts["alice"].ContainsKey("alice-OLD"), TimeSpan.FromSeconds(10));
        Assert.True(_gateway.Homeserver.Accounts["alice"].ContainsKey("alice-OLDER"), "strangers are left alone");
    }

    [Fact]
    public async Task Another_account_s_token_is_not_adopted_and_uses_the_window_up()
    {
        await _gateway.Admin.AdoptSessionAsync("alice/phone", default);
        using var thief = Client(_phone, "syt_bob_old");

        using var refused = await thief.GetAsync(Who);
        using var late = await _alice.GetAsync(Who);

        Assert.Equal(HttpStatusCode.Forbidden, refused.StatusCode);
        Assert.Equal(HttpStatusCode.Forbidden, late.StatusCode);
        Assert.Empty(_gateway.Device("alice/phone").Sessions);
        Assert.Equal(["session adoption opened", "session not adopted"], await AuditAsync());
    }

    [Fact]
    public async Task A_token_that_the_gateway_handed_out_elsewhere_is_never_adopted_whatever_became_of_it()
    {
        var laptop = await EnrolAsync("alice", "laptop");
        using var signedIn = await _gateway.SignInAsync(laptop);
        using var used = await signedIn.GetAsync(Who);
        using var leaked = Client(_phone, signedIn.DefaultRequestHeaders.Authorization!.Parameter!);
        await _gateway.Admin.AdoptSessionAsync("alice/phone", default);

        using var live = await leaked.GetAsync(Who);
        await _gateway.Admin.RevokeAsync(new RevocationRequest("alice/laptop", null, Cut: true, Erase: false), default);
        using var revoked = await leaked.GetAsync(Who);
        using var ours = await _alice.GetAsync(Who);

        Assert.Equal(HttpStatusCode.Forbidden, live.StatusCode);
        Assert.Equal(HttpStatusCode.Forbidden, revoked.StatusCode);
        Assert.Equal(HttpStatusCode.OK, ours.StatusCode);
    }

    [Fact]
    public async Task The_window_closes_by_itself()
    {
        await _gateway.Admin.AdoptSessionAsync("alice/phone", default);
        _gateway.Clock.Advance(TimeSpan.FromMinutes(15));

        using var late = await _alice.GetAsync(Who);

        Assert.Equal(HttpStatusCode.Forbidden, late.StatusCode);
    }

    [Theory]
    [InlineData(401, """{"errcode":"M_UNKNOWN_TOKEN","error":""}""")]
    [InlineData(200, """{"user_id":7}""")]
    [InlineData(502, "<html>")]
    public async Task What_the_homeserver_does_not_say_adopts_nothing_and_uses_nothing_up(int status, string body)
    {
        await _gateway.Admin.AdoptSessionAsync("alice/phone", default);
        _gateway.Homeserver.Interfere = async context =>
        {
            await FakeHomeserver.ReplyAsync(context, status, body);
            return true;
        };

        using var doubtful = await _alice.GetAsync(Who);
        _gateway.Homeserver.Interfere = _ => Task.FromResult(false);
        using var adopted = await _alice.GetAsync(Who);

        Assert.Equal(HttpStatusCode.Forbidden, doubtful.StatusCode);
        Assert.Equal(HttpStatusCode.OK, adopted.StatusCode);
    }

    [Fact]
    public async Task A_request_that_met_the_window_open_and_comes_second_passes()
    {
        await _gateway.Admin.AdoptSessionAsync("alice/phone", default);
        using var first = await _alice.GetAsync(Who);
        var adoption = _gateway.Service<SessionAdoption>();
        var device = _gateway.Device("alice/phone").Id;

        Assert.True(await adoption.TryAsync(device, new AccessToken("syt_alice_old"), default));
        Assert.False(await adoption.TryAsync(device, new AccessToken("syt_alice_older"), default));
    }

    [Fact]
    public async Task Many_requests_at_once_adopt_it_once_and_all_pass()
    {
        await _gateway.Admin.AdoptSessionAsync("alice/phone", default);

        var replies = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => _alice.GetAsync(Who)));

        Assert.All(replies, reply => Assert.Equal(HttpStatusCode.OK, reply.StatusCode));
        Assert.Single(_gateway.Device("alice/phone").Sessions);
    }

    [Fact]
    public async Task A_device_that_is_revoked_while_the_homeserver_is_asked_adopts_nothing()
    {
        await _gateway.Admin.AdoptSessionAsync("alice/phone", default);
        var asked = new TaskCompletionSource();
        var goOn = new TaskCompletionSource();
        _gateway.Homeserver.Interfere = async context =>
        {
            if (context.Request.Path == Who)
            {
                asked.TrySetResult();
                await goOn.Task;
            }

            return false;
        };
        var under = _alice.GetAsync(Who);
        await asked.Task.WaitAsync(TimeSpan.FromSeconds(10));

        await _gateway.Admin.RevokeAsync(new RevocationRequest("alice/phone", null, Cut: false, Erase: false), default);
        goOn.SetResult();

        await Assert.ThrowsAnyAsync<HttpRequestException>(() => under);
        Assert.Empty(_gateway.Device("alice/phone").Sessions);
    }

    [Fact]
    public async Task An_account_that_was_made_here_has_nothing_to_adopt()
    {
        await _gateway.EnrolAsync("carol");

        var refused = await Assert.ThrowsAsync<CommandException>(() => _gateway.Admin.AdoptSessionAsync("carol/phone", default));
        var unknown = await Assert.ThrowsAsync<CommandException>(() => _gateway.Admin.AdoptSessionAsync("nobody/phone", default));

        Assert.StartsWith("carol's account was made here", refused.Message, StringComparison.Ordinal);
        Assert.StartsWith("there is no live device", unknown.Message, StringComparison.Ordinal);
    }

    private async Task<EnrolmentView> EnrolAsync(string member, string? device)
    {
        var (enrolment, _) = await _gateway.Admin.EnrolAsync(new EnrolmentRequest(member, device, null, null, Adopt: device is null), default);
        _gateway.Service<EnrolmentWatch>().HandshakeSeen(Onboarding.Keys.PublicKey.Parse(enrolment.Device.PublicKey, null), _gateway.Clock.GetUtcNow());
        return enrolment;
    }

    private HttpClient Client(EnrolmentView enrolment, string token)
    {
        var client = _gateway.At(enrolment.Device.TunnelAddress);
        client.DefaultRequestHeaders.Authorization = new("Bearer", token);
        return client;
    }

    private async Task<IEnumerable<string>> AuditAsync() =>
        (await _gateway.Admin.AuditAsync(default)).View.Select(entry => entry.Action).Where(action => action.Contains("adopt", StringComparison.Ordinal));
}
