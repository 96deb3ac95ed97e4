using System.Collections.Concurrent;
using System.Net;
using Gateway.Admin;
using Gateway.Commands;
using Gateway.Onboarding.Devices;
using Gateway.Onboarding.Enrolment;
using Gateway.Onboarding.LoginGrants;
using Gateway.Onboarding.Matrix;
using Gateway.Onboarding.Members;
using Gateway.Onboarding.Revocation;
using Gateway.Onboarding.Store;
using Gateway.Tests.Testing;

namespace Gateway.Tests.Enrolment;

public sealed class LifecycleRaceTests
{
    [Fact]
    public async Task A_failed_login_gives_back_its_own_grant_and_no_other()
    {
        await using var gateway = await TestGateway.StartAsync();
        var phone = await gateway.EnrolAsync("alice");
        using var client = gateway.At(phone.Device.TunnelAddress);
        var asked = new TaskCompletionSource();
        var goOn = new TaskCompletionSource();
        gateway.Homeserver.Interfere = async context =>
        {
            if (context.Request.Path == "/_matrix/client/v3/login" && asked.TrySetResult())
            {
                await goOn.Task;
                context.Abort();
                return true;
            }

            return false;
        };
        var hanging = TestGateway.LoginAsync(client, phone.LoginCode);
        await asked.Task.WaitAsync(TimeSpan.FromSeconds(10));
        var (grant, _) = await gateway.Admin.AllowLoginAsync("alice/phone", default);
        using var first = await TestGateway.LoginAsync(client, grant.LoginCode);
        goOn.SetResult();
        using var failed = await hanging;

        using var second = await TestGateway.LoginAsync(client, grant.LoginCode);

        Assert.Equal(HttpStatusCode.OK, first.StatusCode);
        Assert.Equal(HttpStatusCode.Forbidden, second.StatusCode);
    }

    [Theory]
    [InlineData("<html>maintenance</html>")]
    [InlineData("{}")]
    [InlineData("null")]
    [InlineData("""{"devices":"none"}""")]
    public async Task A_homeserver_that_answers_nonsense_is_a_homeserver_that_does_not_answer(string body)
    {
        await using var gateway = await TestGateway.StartAsync();
        await gateway.EnrolAsync("alice");
        gateway.Homeserver.Interfere = async context =>
        {
            await FakeHomeserver.ReplyAsync(context, 200, body);
            return true;
        };

        await Assert.ThrowsAsync<HomeserverException>(() => gateway.Service<Homeserver>().SessionsAsync(Localpart.Parse("alice", null), default));
        await Assert.ThrowsAsync<HomeserverException>(() => gateway.Service<Homeserver>().LoginAsync(Localpart.Parse("alice", null), "X", null, default));
        await Assert.ThrowsAsync<HomeserverException>(() => gateway.Service<Homeserver>().IsAdminAsync(Localpart.Parse("alice", null), default));
        await Assert.ThrowsAsync<HomeserverException>(() => gateway.Service<HomeserverAdmin>().SetLockedAsync(Localpart.Parse("alice", null), locked: true, default));
        await Assert.ThrowsAsync<HomeserverException>(() => gateway.Service<Homeserver>().RegisterAsync(Localpart.Parse("bob", null), default));
        await Assert.ThrowsAsync<HomeserverException>(() => gateway.Service<Homeserver>().DeactivateAsync(Localpart.Parse("alice", null), erase: false, default));
    }

    [Fact]
    public async Task An_account_that_the_homeserver_refuses_holds_up_no_other()
    {
        await using var gateway = await TestGateway.StartAsync();
        using var alice = await gateway.SignInAsync(await gateway.EnrolAsync("alice"));
        using var bob = await gateway.SignInAsync(await gateway.EnrolAsync("bob"));
        var refused = gateway.State.Devices.Values.First().Member.ToString();
        var other = refused == "alice" ? "bob" : "alice";
        gateway.Homeserver.Interfere = async context =>
        {
            var hit = context.Request.QueryString.Value!.Contains(refused, StringComparison.Ordinal);
            if (hit)
            {
                await FakeHomeserver.ReplyAsync(context, 403, """{"errcode":"M_USER_DEACTIVATED"}""");
            }

            return hit;
        };

        gateway.Clock.Advance(TimeSpan.FromMinutes(2.1));
        await Record.ExceptionAsync(() => gateway.Service<SessionKeeper>().KeepOnceAsync(default));

        await Eventually.Is(() => gateway.Homeserver.Accounts[other].IsEmpty, TimeSpan.FromSeconds(3));
    }

    /// <summary>After a restore: the copy does not know that the member left.</summary>
    [Fact]
    public async Task A_session_of_a_closed_account_is_gone_with_it()
    {
        await using var gateway = await TestGateway.StartAsync();
        using var alice = await gateway.SignInAsync(await gateway.EnrolAsync("alice"));
        await gateway.Service<Homeserver>().DeactivateAsync(Localpart.Parse("alice", null), erase: false, default);

        gateway.Clock.Advance(TimeSpan.FromMinutes(2.1));
        await gateway.Service<SessionKeeper>().KeepOnceAsync(default);

        Assert.DoesNotContain(gateway.Device("alice/phone").Sessions, session => session.ToDelete);
    }

    [Fact]
    public async Task A_device_that_signed_in_before_its_handshake_was_noticed_does_not_vanish()
    {
        await using var gateway = await TestGateway.StartAsync();
        var phone = await gateway.EnrolAsync("alice", connect: false);
        using var alice = await gateway.SignInAsync(phone);
        using var used = await alice.GetAsync("/_matrix/client/v3/account/whoami");

        gateway.Clock.Advance(TimeSpan.FromMinutes(20));
        gateway.Service<EnrolmentWatch>().ExpireOnce();

        Assert.Single(gateway.State.Devices);
    }

    [Fact]
    public async Task A_strangers_account_is_not_taken_over_after_an_unclear_answer()
    {
        await using var gateway = await TestGateway.StartAsync();
        gateway.Homeserver.Accounts["owner"] = new ConcurrentDictionary<string, string>(StringComparer.Ordinal) { ["OLDPHONE"] = "syt_old" };
        gateway.Homeserver.Admins["owner"] = true;
        gateway.Homeserver.Interfere = FakeHomeserver.Down;
        await Assert.ThrowsAsync<CommandException>(() => gateway.EnrolAsync("owner"));
        gateway.Homeserver.Interfere = _ => Task.FromResult(false);

        await Assert.ThrowsAsync<CommandException>(() => gateway.EnrolAsync("owner"));
    }

    [Fact]
    public async Task A_member_whose_account_was_never_confirmed_takes_no_strangers_account_along()
    {
        await using var gateway = await TestGateway.StartAsync();
        gateway.Homeserver.Accounts["owner"] = new ConcurrentDictionary<string, string>(StringComparer.Ordinal) { ["OLDPHONE"] = "syt_old" };
        gateway.Homeserver.Interfere = FakeHomeserver.Down;
        await Assert.ThrowsAsync<CommandException>(() => gateway.EnrolAsync("owner"));
        gateway.Homeserver.Interfere = _ => Task.FromResult(false);

        await gateway.Admin.RevokeAsync(new RevocationRequest(null, "owner", Cut: true, Erase: true), default);
        await gateway.Service<RevocationWorker>().WorkOnceAsync(default);

        Assert.NotNull(gateway.State.Members.Values.Single().Leaving!.ClosedAt);
        Assert.Single(gateway.Homeserver.Accounts["owner"]);
    }

    [Fact]
    public async Task A_member_who_left_while_the_account_was_made_stays_gone()
    {
        await using var gateway = await TestGateway.StartAsync();
        var asked = new TaskCompletionSource();
        var goOn = new TaskCompletionSource();
        gateway.Homeserver.Interfere = async context =>
        {
            if (context.Request.Path.Value!.EndsWith("/register", StringComparison.Ordinal))
            {
                asked.SetResult();
                await goOn.Task;
            }

            return false;
        };
        var enrolment = gateway.EnrolAsync("alice");
        await asked.Task.WaitAsync(TimeSpan.FromSeconds(10));
        await gateway.Admin.RevokeAsync(new RevocationRequest(null, "alice", Cut: true, Erase: false), default);
        goOn.SetResult();
        await Record.ExceptionAsync(() => enrolment);

        Assert.Equal(MemberState.Left, gateway.State.Members.Values.Single().State);
        await Eventually.Is(
            () =>
            {
                gateway.Service<RevocationWorker>().WorkOnceAsync(default).Wait();
                return gateway.Homeserver.Requests.Any(request => request.Target.Contains("/deactivate", StringComparison.Ordinal));
            },
            TimeSpan.FromSeconds(10));
        Assert.DoesNotContain(gateway.State.Devices.Values, device => device.IsLive);
    }

    [Fact]
    public async Task A_device_enrolled_at_the_moment_its_member_leaves_goes_too()
    {
        await using var gateway = await TestGateway.StartAsync();
        await gateway.EnrolAsync("alice");
        var writer = gateway.Service<StateWriter>();
        var first = gateway.Device("alice/phone");
        var late = first with
        {
            Id = DeviceId.Parse("d-zzzzzzzz", null),
            Name = "late",
            TunnelAddress = IPAddress.Parse("198.19.0.77"),
        };
        var shut = new List<DeviceId>();
        var revoker = new Revoker(
            writer,
            id =>
            {
                shut.Add(id);
                if (shut.Count == 1)
                {
                    writer.Write(new DeviceEnrolled(late, "admin") { At = first.EnrolledAt });
                }
            },
            gateway.Clock);

        revoker.RevokeMember("alice", cut: true, erase: false, "admin");

        Assert.DoesNotContain(gateway.State.Devices.Values, device => device.IsLive);
        Assert.Contains(late.Id, shut);
    }

    [Fact]
    public async Task Two_devices_that_wish_for_one_ID_at_once_get_two()
    {
        await using var gateway = await TestGateway.StartAsync();
        var phone = await gateway.EnrolAsync("alice");
        var laptop = await gateway.EnrolAsync("alice", "laptop");
        using var one = gateway.At(phone.Device.TunnelAddress);
        using var two = gateway.At(laptop.Device.TunnelAddress);
        var both = new TaskCompletionSource();
        var count = 0;
        gateway.Homeserver.Interfere = async context =>
        {
            if (context.Request.Path == "/_matrix/client/v3/devices")
            {
                if (Interlocked.Increment(ref count) == 2)
                {
                    both.SetResult();
                }

                await both.Task.WaitAsync(TimeSpan.FromSeconds(10));
            }

            return false;
        };

        var logins = await Task.WhenAll(TestGateway.LoginAsync(one, phone.LoginCode, "SAME"), TestGateway.LoginAsync(two, laptop.LoginCode, "SAME"));

        Assert.All(logins, login => Assert.Equal(HttpStatusCode.OK, login.StatusCode));
        Assert.Equal(2, gateway.State.Devices.Values.SelectMany(device => device.Sessions).Select(session => session.MatrixDeviceId).Distinct().Count());
    }
}
