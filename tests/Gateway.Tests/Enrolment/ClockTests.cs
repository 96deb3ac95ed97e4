using System.Net;
using Gateway.Admin;
using Gateway.Onboarding.Devices;
using Gateway.Onboarding.Enrolment;
using Gateway.Onboarding.LoginGrants;
using Gateway.Onboarding.Revocation;
using Gateway.Tests.Testing;

namespace Gateway.Tests.Enrolment;

/// <summary>A clock that jumps brings nothing back to life, and harms nobody who is in.</summary>
public sealed class ClockTests
{
    public static TheoryData<double> Hours => [1, 24];

    [Theory]
    [MemberData(nameof(Hours))]
    public async Task A_clock_set_back_revives_no_code(double hours)
    {
        await using var gateway = await TestGateway.StartAsync();
        var phone = await gateway.EnrolAsync("alice");
        gateway.Clock.Advance(TimeSpan.FromMinutes(16));
        using var client = gateway.At(phone.Device.TunnelAddress);

        SetBack(gateway, hours);

        using var login = await TestGateway.LoginAsync(client, phone.LoginCode);
        Assert.Equal(HttpStatusCode.Forbidden, login.StatusCode);
    }

    [Theory]
    [MemberData(nameof(Hours))]
    public async Task A_restart_with_the_clock_behind_revives_no_code_and_no_enrolment(double hours)
    {
        await using var gateway = await TestGateway.StartAsync();
        var phone = await gateway.EnrolAsync("alice");
        var unscanned = await gateway.EnrolAsync("bob", connect: false);
        gateway.Clock.Advance(TimeSpan.FromMinutes(16));
        gateway.Service<EnrolmentWatch>().ExpireOnce();
        Assert.Equal(GrantState.Expired, gateway.Device("alice/phone").Grant!.State);

        await gateway.RestartAsync(() => SetBack(gateway, hours));

        using var client = gateway.At(phone.Device.TunnelAddress);
        using var login = await TestGateway.LoginAsync(client, phone.LoginCode);
        Assert.Equal(HttpStatusCode.Forbidden, login.StatusCode);
        Assert.DoesNotContain(gateway.State.Devices.Values, device => device.Id.ToString() == unscanned.Device.Id);
        var (status, _) = await gateway.Admin.StatusAsync(default);
        Assert.False(status.Clock.Ok);
        Assert.False(status.Healthy);
    }

    [Fact]
    public async Task A_restart_with_the_clock_behind_gives_a_code_no_more_than_its_time()
    {
        await using var gateway = await TestGateway.StartAsync();
        var phone = await gateway.EnrolAsync("alice");
        await gateway.RestartAsync(() => SetBack(gateway, 24));

        gateway.Clock.Advance(TimeSpan.FromMinutes(16));

        using var client = gateway.At(phone.Device.TunnelAddress);
        using var login = await TestGateway.LoginAsync(client, phone.LoginCode);
        Assert.Equal(HttpStatusCode.Forbidden, login.StatusCode);
    }

    [Fact]
    public async Task With_a_clock_behind_the_store_people_still_enrol_and_sign_in()
    {
        await using var gateway = await TestGateway.StartAsync();
        await gateway.EnrolAsync("alice");
        await gateway.RestartAsync(() => SetBack(gateway, 24 * 365));
        var bob = await gateway.EnrolAsync("bob", connect: false);

        // The interface reads the machine's clock.
        var key = Gateway.Onboarding.Keys.PublicKey.Parse(bob.Device.PublicKey, null);
        var peer = gateway.Interface.Peers.Single(peer => peer.PublicKey == key);
        gateway.Interface.PutByHand(peer with { LastHandshake = gateway.Machine.GetUtcNow() });
        await Eventually.Is(
            () =>
            {
                gateway.Clock.Advance(TimeSpan.FromSeconds(1));
                return gateway.Device("bob/phone").FirstHandshake is not null;
            },
            TimeSpan.FromSeconds(10));

        using var client = await gateway.SignInAsync(bob);
        Assert.True((await gateway.Admin.DevicesAsync(null, "bob/phone", default)).View.Single().Online);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(365)]
    public async Task A_leap_ahead_and_back_harms_nobody_who_is_in(double days)
    {
        await using var gateway = await TestGateway.StartAsync();
        using var alice = await gateway.SignInAsync(await gateway.EnrolAsync("alice"));
        using var used = await alice.GetAsync("/_matrix/client/v3/account/whoami");
        using var bob = await gateway.SignInAsync(await gateway.EnrolAsync("bob"));

        gateway.Machine.Set(TimeSpan.FromDays(days));
        await EndWhatIsOverAsync(gateway);
        SetBack(gateway, 24 * days);
        await EndWhatIsOverAsync(gateway);

        foreach (var client in new[] { alice, bob })
        {
            using var answer = await client.GetAsync("/_matrix/client/v3/account/whoami");
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        }

        Assert.Single(gateway.Homeserver.Accounts["bob"]);
        Assert.Equal(["alice/phone", "bob/phone"], gateway.State.Devices.Values.Select(device => device.Label).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task A_leap_ahead_does_not_end_a_quarantine_before_the_phone_was_told()
    {
        await using var gateway = await TestGateway.StartAsync();
        using var alice = await gateway.SignInAsync(await gateway.EnrolAsync("alice"));
        await gateway.Admin.RevokeAsync(new RevocationRequest("alice/phone", null, Cut: false, Erase: false), default);

        gateway.Machine.Set(TimeSpan.FromDays(365));
        await gateway.Service<RevocationWorker>().WorkOnceAsync(default);
        await gateway.RestartAsync();
        await gateway.Service<RevocationWorker>().WorkOnceAsync(default);

        Assert.Equal(Standing.Quarantined, gateway.Device("alice/phone").Standing);
    }

    [Fact]
    public async Task A_quarantine_still_ends_in_its_time()
    {
        await using var gateway = await TestGateway.StartAsync();
        using var alice = await gateway.SignInAsync(await gateway.EnrolAsync("alice"));
        await gateway.Admin.RevokeAsync(new RevocationRequest("alice/phone", null, Cut: false, Erase: false), default);

        gateway.Clock.Advance(TimeSpan.FromDays(7.1));
        await gateway.Service<RevocationWorker>().WorkOnceAsync(default);

        Assert.Equal(Standing.Refused, gateway.Device("alice/phone").Standing);
    }

    private static void SetBack(TestGateway gateway, double hours) =>
        gateway.Machine.Set(TimeSpan.FromHours(-hours));

    /// <summary>A pass of everything that ends something by time.</summary>
    private static async Task EndWhatIsOverAsync(TestGateway gateway)
    {
        gateway.Service<EnrolmentWatch>().ExpireOnce();
        await gateway.Service<SessionKeeper>().KeepOnceAsync(default);
        await gateway.Service<RevocationWorker>().WorkOnceAsync(default);
    }
}
