using System.Collections.Concurrent;
using System.Net;
using Gateway.Admin;
using Gateway.Onboarding.Devices;
using Gateway.Onboarding.LoginGrants;
using Gateway.Onboarding.Revocation;
using Gateway.Proxy;
using Gateway.Tests.Testing;

namespace Gateway.Tests.Revocation;

public sealed class RevocationRaceTests
{
    [Fact]
    public async Task A_homeserver_that_hangs_over_one_phone_holds_up_no_other()
    {
        await using var gateway = await TestGateway.StartAsync();
        using var alice = await gateway.SignInAsync(await gateway.EnrolAsync("alice"));
        using var bob = await gateway.SignInAsync(await gateway.EnrolAsync("bob"));
        var hanging = new TaskCompletionSource();
        gateway.Homeserver.Interfere = async context =>
        {
            if (context.Request.QueryString.Value!.Contains("alice", StringComparison.Ordinal))
            {
                await hanging.Task;
            }

            return false;
        };

        await RevokeAsync(gateway, "alice/phone");
        var revoked = await RevokeAsync(gateway, "bob/phone", cut: true);
        hanging.SetResult();

        Assert.All(revoked.Revocation!.Steps, step => Assert.True(step.State is "done" or "skipped", $"{step.Name} is {step.State}"));
    }

    /// <summary>It was judged and let in; then its device is shut, before it is forwarded.</summary>
    [Fact]
    public async Task A_request_does_not_slip_between_its_check_and_the_cut()
    {
        await using var gateway = await TestGateway.StartAsync();
        using var alice = await gateway.SignInAsync(await gateway.EnrolAsync("alice"));
        var id = gateway.Device("alice/phone").Id;
        var slips = 0;
        gateway.Disk.Before = what =>
        {
            // The first use of the session is being written down: the request is on its way from the one to the other.
            if (what.StartsWith("write journal", StringComparison.Ordinal) && slips++ == 0)
            {
                gateway.Service<DeviceResolver>().Shut(id);
            }
        };

        await Assert.ThrowsAnyAsync<HttpRequestException>(() => alice.GetAsync("/_matrix/client/v3/account/whoami"));

        Assert.Equal(1, slips);
        Assert.DoesNotContain(gateway.Homeserver.Requests, request => request.Target.EndsWith("whoami", StringComparison.Ordinal));
    }

    /// <summary>An adopted server has phones, bots and an admin of its own.</summary>
    [Fact]
    public async Task No_sweep_deletes_a_session_that_we_did_not_ask_for()
    {
        await using var gateway = await TestGateway.StartAsync();
        gateway.Homeserver.Accounts["alice"] = new ConcurrentDictionary<string, string>(StringComparer.Ordinal) { ["OLDPHONE"] = "syt_old" };
        gateway.Homeserver.Accounts["bot"] = new ConcurrentDictionary<string, string>(StringComparer.Ordinal) { ["BOT"] = "syt_bot" };
        var (enrolment, _) = await gateway.Admin.EnrolAsync(new EnrolmentRequest("alice", null, null, null, Adopt: true), default);
        using var alice = await gateway.SignInAsync(enrolment);
        Assert.Equal(2, gateway.Homeserver.Accounts["alice"].Count);

        gateway.Clock.Advance(TimeSpan.FromMinutes(3));
        await gateway.Service<SessionKeeper>().KeepOnceAsync(default);
        await RevokeAsync(gateway, "alice/phone", cut: true);
        gateway.Clock.Advance(TimeSpan.FromMinutes(3));
        await gateway.Service<RevocationWorker>().WorkOnceAsync(default);

        Assert.Equal(StepState.Done, gateway.Device("alice/phone").Revocation![StepName.MatrixSessions].State);
        Assert.Equal(["OLDPHONE"], gateway.Homeserver.Accounts["alice"].Keys);
        Assert.Equal(["BOT"], gateway.Homeserver.Accounts["bot"].Keys);
    }

    [Fact]
    public async Task A_logout_everywhere_does_not_take_the_erase_order_from_a_lost_phone()
    {
        await using var gateway = await TestGateway.StartAsync();
        using var phone = await gateway.SignInAsync(await gateway.EnrolAsync("alice"));
        using var laptop = await gateway.SignInAsync(await gateway.EnrolAsync("alice", "laptop"));
        await RevokeAsync(gateway, "alice/phone");
        gateway.Homeserver.Interfere = async context =>
        {
            var everywhere = context.Request.Path.Value!.EndsWith("/logout/all", StringComparison.Ordinal);
            if (everywhere)
            {
                await FakeHomeserver.ReplyAsync(context, 200, "{}");
            }

            return everywhere;
        };

        using var logout = await laptop.PostAsync("/_matrix/client/v3/logout/all", null);
        using var told = await phone.GetAsync("/_matrix/client/v3/sync");
        using var afterwards = await laptop.GetAsync("/_matrix/client/v3/account/whoami");

        Assert.Equal(HttpStatusCode.OK, logout.StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, told.StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, afterwards.StatusCode);
        await Eventually.Is(
            () => gateway.Device("alice/phone").Revocation![StepName.EraseOrder].State == StepState.Done,
            TimeSpan.FromSeconds(10));
    }

    [Fact]
    public async Task Two_enrolments_of_one_new_name_at_once_make_one_member_with_two_devices()
    {
        await using var gateway = await TestGateway.StartAsync();

        await Task.WhenAll(gateway.EnrolAsync("alice"), gateway.EnrolAsync("alice"));

        Assert.Equal(["alice/phone", "alice/phone-2"], gateway.State.Devices.Values.Select(device => device.Label).Order());
        Assert.Single(gateway.State.Members);
    }

    [Fact]
    public async Task Twenty_revocations_at_once_leave_no_peer_and_no_session()
    {
        await using var gateway = await TestGateway.StartAsync();
        var clients = new List<HttpClient>();
        for (var i = 0; i < 20; i++)
        {
            clients.Add(await gateway.SignInAsync(await gateway.EnrolAsync($"member{i}")));
        }

        var revoked = await Task.WhenAll(Enumerable.Range(0, 20).Select(i => RevokeAsync(gateway, $"member{i}/phone", cut: true)));
        var refused = await Task.WhenAll(clients.Select(client => client.GetAsync("/_matrix/client/v3/account/whoami")));

        Assert.All(refused, reply => Assert.Equal(HttpStatusCode.Forbidden, reply.StatusCode));
        Assert.Equal(20, revoked.Select(device => device.Id).Distinct().Count());
        await Eventually.Is(() => gateway.State.Devices.Values.All(device => device.Revocation is { IsFinished: true }), TimeSpan.FromSeconds(10));
        Assert.Empty(gateway.Interface.Peers);
        Assert.All(gateway.Homeserver.Accounts.Values, Assert.Empty);
        clients.ForEach(client => client.Dispose());
    }

    /// <summary>A phone that was revoked while it signed in, and never got its token, has nothing to be told.</summary>
    [Fact]
    public async Task A_quarantine_ends_at_once_when_the_login_that_it_waits_for_came_to_nothing()
    {
        await using var gateway = await TestGateway.StartAsync();
        var enrolment = await gateway.EnrolAsync("alice");
        using var client = gateway.At(enrolment.Device.TunnelAddress);
        var (underWay, goOn) = gateway.Homeserver.HoldLogin();
        var login = TestGateway.LoginAsync(client, enrolment.LoginCode);
        await underWay;
        await RevokeAsync(gateway, "alice/phone");
        goOn.SetResult();
        await Assert.ThrowsAnyAsync<HttpRequestException>(async () => (await login).EnsureSuccessStatusCode());

        // The phone was cut off at once; the login goes on to its end without it.
        await Eventually.Is(() => gateway.Device("alice/phone").Sessions.All(session => session.State == MatrixSessionState.Ended), TimeSpan.FromSeconds(10));

        await gateway.Service<RevocationWorker>().WorkOnceAsync(default);

        Assert.Equal(StepState.Skipped, gateway.Device("alice/phone").Revocation![StepName.EraseOrder].State);
        Assert.Equal(Standing.Refused, gateway.Device("alice/phone").Standing);
    }

    private static async Task<DeviceView> RevokeAsync(TestGateway gateway, string device, bool cut = false)
    {
        var (views, _) = await gateway.Admin.RevokeAsync(new RevocationRequest(device, null, cut, Erase: false), default);
        return views.Single();
    }
}
