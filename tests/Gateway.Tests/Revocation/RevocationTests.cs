using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Gateway.Admin;
using Gateway.Onboarding.Devices;
using Gateway.Onboarding.Revocation;
using Gateway.Tests.Testing;

namespace Gateway.Tests.Revocation;

public sealed class RevocationTests
{
    [Fact]
    public async Task A_lost_phone_is_cut_off_at_once_told_to_erase_and_then_its_peer_goes()
    {
        await using var gateway = await TestGateway.StartAsync(("Revocation:GraceHours", "24"));
        var phone = await gateway.EnrolAsync("alice");
        using var alice = await gateway.SignInAsync(phone);
        using var laptop = await gateway.SignInAsync(await gateway.EnrolAsync("alice", "laptop"));
        var held = alice.GetAsync("/_matrix/client/v3/sync");
        await Eventually.Is(() => gateway.Homeserver.Requests.Any(request => request.Target.EndsWith("sync", StringComparison.Ordinal)), TimeSpan.FromSeconds(10));

        var revoked = await RevokeAsync(gateway, "alice/phone");
        gateway.Homeserver.Requests.Clear();

        await Assert.ThrowsAnyAsync<HttpRequestException>(() => held);
        Assert.Equal("quarantined", revoked.State);
        Assert.Equal(["blocked:done", "requests-cut:done", "peer:waiting", "matrix-sessions:done", "erase-order:waiting"], Steps(revoked));
        Assert.Single(gateway.Homeserver.Accounts["alice"]);

        using var told = await alice.GetAsync("/_matrix/client/v3/account/whoami");
        var order = await told.Content.ReadFromJsonAsync<JsonNode>();
        Assert.Equal(HttpStatusCode.Unauthorized, told.StatusCode);
        Assert.Equal("M_UNKNOWN_TOKEN", (string?)order!["errcode"]);
        Assert.False((bool)order["soft_logout"]!);
        await Eventually.Is(() => gateway.Device(phone.Device.Id).Revocation![StepName.EraseOrder].State == StepState.Done, TimeSpan.FromSeconds(10));

        using var inUse = await laptop.GetAsync("/_matrix/client/v3/account/whoami");
        gateway.Clock.Advance(TimeSpan.FromHours(23));
        await gateway.Service<RevocationWorker>().WorkOnceAsync(default);
        Assert.Equal(2, gateway.Interface.Peers.Count);
        gateway.Clock.Advance(TimeSpan.FromHours(1.1));
        await gateway.Service<RevocationWorker>().WorkOnceAsync(default);

        Assert.Equal(DeviceState.Revoked, gateway.Device(phone.Device.Id).State);
        Assert.Single(gateway.Interface.Peers);
        using var others = await laptop.GetAsync("/_matrix/client/v3/account/whoami");
        Assert.Equal(HttpStatusCode.OK, others.StatusCode);
        Assert.DoesNotContain(gateway.Homeserver.Requests, request => request.Headers["X-Forwarded-For"] == phone.Device.TunnelAddress);
    }

    [Fact]
    public async Task With_cut_the_peer_is_gone_before_the_answer()
    {
        await using var gateway = await TestGateway.StartAsync();
        using var alice = await gateway.SignInAsync(await gateway.EnrolAsync("alice"));

        var revoked = await RevokeAsync(gateway, "alice/phone", cut: true);

        Assert.Equal("revoked", revoked.State);
        Assert.Empty(gateway.Interface.Peers);
        Assert.Equal(["blocked:done", "requests-cut:done", "peer:done", "matrix-sessions:done", "erase-order:skipped"], Steps(revoked));
    }

    [Fact]
    public async Task A_device_that_never_signed_in_is_cut_at_once()
    {
        await using var gateway = await TestGateway.StartAsync();
        await gateway.EnrolAsync("alice");

        var revoked = await RevokeAsync(gateway, "alice/phone");

        Assert.Equal("revoked", revoked.State);
        Assert.Empty(gateway.Interface.Peers);
        Assert.Equal(["blocked:done", "requests-cut:done", "peer:done", "matrix-sessions:skipped", "erase-order:skipped"], Steps(revoked));
    }

    [Fact]
    public async Task A_phone_that_never_comes_back_loses_its_peer_after_the_quarantine()
    {
        await using var gateway = await TestGateway.StartAsync(("Revocation:QuarantineDays", "7"));
        using var alice = await gateway.SignInAsync(await gateway.EnrolAsync("alice"));
        var revoked = await RevokeAsync(gateway, "alice/phone");

        gateway.Clock.Advance(TimeSpan.FromDays(7.01));
        await gateway.Service<RevocationWorker>().WorkOnceAsync(default);

        Assert.Empty(gateway.Interface.Peers);
        Assert.Equal(StepState.Expired, gateway.Device(revoked.Id).Revocation![StepName.EraseOrder].State);
    }

    [Fact]
    public async Task With_the_homeserver_down_the_device_is_blocked_and_its_sessions_go_when_it_answers_again()
    {
        await using var gateway = await TestGateway.StartAsync();
        using var alice = await gateway.SignInAsync(await gateway.EnrolAsync("alice"));
        gateway.Homeserver.Interfere = context =>
        {
            context.Abort();
            return Task.FromResult(true);
        };

        var revoked = await RevokeAsync(gateway, "alice/phone");
        using var refused = await alice.GetAsync("/_matrix/client/v3/account/whoami");

        Assert.Contains("matrix-sessions:retrying", Steps(revoked));
        Assert.Equal(HttpStatusCode.Unauthorized, refused.StatusCode);
        Assert.Single(gateway.Homeserver.Accounts["alice"]);

        gateway.Homeserver.Interfere = _ => Task.FromResult(false);
        await gateway.Service<RevocationWorker>().WorkOnceAsync(default);

        Assert.Empty(gateway.Homeserver.Accounts["alice"]);
        Assert.Equal(StepState.Done, gateway.Device(revoked.Id).Revocation![StepName.MatrixSessions].State);
    }

    [Fact]
    public async Task With_the_interface_broken_the_device_is_blocked_and_its_peer_goes_when_it_can()
    {
        await using var gateway = await TestGateway.StartAsync();
        using var alice = await gateway.SignInAsync(await gateway.EnrolAsync("alice"));
        gateway.Interface.Before = (_, _) => throw new Gateway.Tunnel.TunnelException("wg is missing");

        var revoked = await RevokeAsync(gateway, "alice/phone", cut: true);
        using var refused = await alice.GetAsync("/_matrix/client/v3/account/whoami");

        Assert.Contains(revoked.Revocation!.Steps, step => step is { Name: "peer", State: "waiting" or "retrying" });
        Assert.Equal(HttpStatusCode.Forbidden, refused.StatusCode);

        gateway.Interface.Before = (_, _) => Task.CompletedTask;
        await Eventually.Is(
            () =>
            {
                gateway.Clock.Advance(TimeSpan.FromSeconds(2));
                return gateway.Interface.Peers.Count == 0 && gateway.Device(revoked.Id).Revocation!.IsFinished;
            },
            TimeSpan.FromSeconds(10));
    }

    /// <summary>The race "a session that no device owns": the homeserver opens the session after the revocation asked for its end.</summary>
    [Fact]
    public async Task A_login_in_flight_leaves_no_session_behind()
    {
        await using var gateway = await TestGateway.StartAsync();
        var phone = await gateway.EnrolAsync("alice");
        using var client = gateway.At(phone.Device.TunnelAddress);
        var (underWay, goOn) = gateway.Homeserver.HoldLogin();

        var login = TestGateway.LoginAsync(client, phone.LoginCode);
        await underWay;
        var revoked = await RevokeAsync(gateway, "alice/phone");
        Assert.Contains("matrix-sessions:retrying", Steps(revoked));
        goOn.SetResult();
        await Assert.ThrowsAnyAsync<HttpRequestException>(async () => (await login).EnsureSuccessStatusCode());
        await Eventually.Is(() => gateway.Homeserver.Accounts["alice"].Count == 1 || gateway.Device(revoked.Id).Revocation!.IsFinished, TimeSpan.FromSeconds(10));
        gateway.Clock.Advance(TimeSpan.FromMinutes(2.1));
        await gateway.Service<RevocationWorker>().WorkOnceAsync(default);

        Assert.Empty(gateway.Homeserver.Accounts["alice"]);
        Assert.Equal(StepState.Done, gateway.Device(revoked.Id).Revocation![StepName.MatrixSessions].State);
    }

    [Fact]
    public async Task A_quarantined_device_gets_the_answers_that_let_clients_understand()
    {
        await using var gateway = await TestGateway.StartAsync();
        await gateway.Service<Gateway.Proxy.HomeserverWatch>().LookOnceAsync(default);
        using var alice = await gateway.SignInAsync(await gateway.EnrolAsync("alice"));
        await RevokeAsync(gateway, "alice/phone");
        gateway.Homeserver.Requests.Clear();

        Assert.Equal(HttpStatusCode.OK, (await alice.GetAsync("/_matrix/client/versions")).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await alice.GetAsync("/_matrix/client/v3/login")).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await alice.GetAsync("/.well-known/matrix/client")).StatusCode);
        Assert.Equal(HttpStatusCode.Forbidden, (await TestGateway.LoginAsync(alice, "anything")).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await alice.PostAsync("/_matrix/client/v3/logout", null)).StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, (await alice.PostAsync("/_matrix/client/v3/refresh", null)).StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, (await alice.GetAsync("/_matrix/media/v3/config")).StatusCode);
        Assert.DoesNotContain(gateway.Homeserver.Requests, request => request.Headers["X-Forwarded-For"] == "198.19.0.2");
    }

    [Fact]
    public async Task A_name_is_free_again_after_a_revocation_and_then_means_the_live_device()
    {
        await using var gateway = await TestGateway.StartAsync();
        var first = await gateway.EnrolAsync("alice");
        await RevokeAsync(gateway, "alice/phone", cut: true);
        var second = await gateway.EnrolAsync("alice", "phone");

        var revoked = await RevokeAsync(gateway, "alice/phone", cut: true);

        Assert.Equal(second.Device.Id, revoked.Id);
        Assert.NotEqual(first.Device.TunnelAddress, second.Device.TunnelAddress);
    }

    [Fact]
    public async Task A_member_who_leaves_loses_every_device()
    {
        await using var gateway = await TestGateway.StartAsync();
        using var phone = await gateway.SignInAsync(await gateway.EnrolAsync("alice"));
        using var laptop = await gateway.SignInAsync(await gateway.EnrolAsync("alice", "laptop"));
        using var bob = await gateway.SignInAsync(await gateway.EnrolAsync("bob"));

        var (revoked, _) = await gateway.Admin.RevokeAsync(new RevocationRequest(null, "alice", Cut: true, Erase: true), default);
        await Eventually.Is(
            () => gateway.Homeserver.Requests.Any(request => request.Target.StartsWith("/_matrix/client/v3/account/deactivate", StringComparison.Ordinal)),
            TimeSpan.FromSeconds(10));

        Assert.Equal(2, revoked.Count);
        Assert.Empty(gateway.Homeserver.Accounts["alice"]);
        Assert.Equal(HttpStatusCode.OK, (await bob.GetAsync("/_matrix/client/v3/account/whoami")).StatusCode);
        await Assert.ThrowsAsync<Gateway.Commands.CommandException>(() => gateway.EnrolAsync("alice"));
    }

    /// <summary>The homeserver says nothing about the sessions of a closed account, and has none.</summary>
    [Fact]
    public async Task A_phone_in_quarantine_whose_member_left_can_still_be_cut()
    {
        await using var gateway = await TestGateway.StartAsync();
        using var phone = await gateway.SignInAsync(await gateway.EnrolAsync("alice"));
        await gateway.Admin.RevokeAsync(new RevocationRequest(null, "alice", Cut: false, Erase: false), default);
        await Eventually.Is(() => gateway.State.Members.Values.Single().Leaving is { ClosedAt: not null }, TimeSpan.FromSeconds(10));

        await RevokeAsync(gateway, "alice/phone", cut: true);

        await Eventually.Is(() => gateway.Device("alice/phone").Revocation!.IsFinished, TimeSpan.FromSeconds(10));
    }

    private static async Task<DeviceView> RevokeAsync(TestGateway gateway, string device, bool cut = false)
    {
        var (views, _) = await gateway.Admin.RevokeAsync(new RevocationRequest(device, null, cut, Erase: false), default);
        return views.Single();
    }

    private static IEnumerable<string> Steps(DeviceView device) => device.Revocation!.Steps.Select(step => $"{step.Name}:{step.State}");
}
