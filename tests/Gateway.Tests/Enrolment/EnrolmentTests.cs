using Gateway.Admin;
using Gateway.Commands;
using Gateway.Onboarding.Enrolment;
using Gateway.Tests.Testing;
using Gateway.Tunnel;

namespace Gateway.Tests.Enrolment;

public sealed class EnrolmentTests
{
    [Fact]
    public async Task An_enrolment_makes_the_account_the_device_and_the_peer()
    {
        await using var gateway = await TestGateway.StartAsync();

        var alice = await gateway.EnrolAsync("alice", connect: false);

        Assert.True(gateway.Homeserver.Accounts.ContainsKey("alice"));
        Assert.Equal(("alice", "phone", "198.19.0.2", "pending"), (alice.Device.Member, alice.Device.Name, alice.Device.TunnelAddress, alice.Device.State));
        var peer = Assert.Single(gateway.Interface.Peers);
        Assert.Equal(alice.Device.PublicKey, peer.PublicKey.ToString());
        Assert.Contains($"PresharedKey = {peer.PresharedKey!.Reveal()}\n", alice.Config, StringComparison.Ordinal);
        Assert.Equal("https://mobile.element.io/element/?account_provider=chat.example", alice.ElementLink);
    }

    [Fact]
    public async Task Every_device_has_its_own_name_address_and_keys()
    {
        await using var gateway = await TestGateway.StartAsync();

        EnrolmentView[] devices = [await gateway.EnrolAsync("alice"), await gateway.EnrolAsync("alice"), await gateway.EnrolAsync("bob")];

        Assert.Equal(["alice/phone", "alice/phone-2", "bob/phone"], devices.Select(one => $"{one.Device.Member}/{one.Device.Name}"));
        Assert.Equal(["198.19.0.2", "198.19.0.3", "198.19.0.4"], devices.Select(one => one.Device.TunnelAddress));
        Assert.Equal(3, devices.Select(one => one.Device.PublicKey).Distinct().Count());
        Assert.Equal(3, gateway.Interface.Peers.Select(peer => peer.PresharedKey!.Reveal()).Distinct().Count());
    }

    [Theory]
    [InlineData("Alice")]
    [InlineData("")]
    [InlineData("123")]
    [InlineData("_alice")]
    [InlineData("al ice")]
    [InlineData("alice/phone")]
    [InlineData("élise")]
    [InlineData("gateway")]
    [InlineData("admin")]
    public async Task A_name_that_is_not_to_be_had_makes_nothing(string member)
    {
        await using var gateway = await TestGateway.StartAsync();

        var refusal = await Assert.ThrowsAsync<CommandException>(() => gateway.EnrolAsync(member));

        Assert.Contains(member, refusal.Message, StringComparison.Ordinal);
        NothingIsThere(gateway);
        Assert.Empty(gateway.Homeserver.Accounts);
    }

    [Fact]
    public async Task A_name_of_a_live_device_is_not_given_twice()
    {
        await using var gateway = await TestGateway.StartAsync();
        await gateway.EnrolAsync("alice", "tablet");

        var refusal = await Assert.ThrowsAsync<CommandException>(() => gateway.EnrolAsync("alice", "tablet"));

        Assert.Contains("already has a device 'tablet'", refusal.Message, StringComparison.Ordinal);
        Assert.Single(gateway.State.Devices);
    }

    [Fact]
    public async Task An_account_that_is_there_is_taken_over_only_when_said_aloud_and_never_an_administrators()
    {
        await using var gateway = await TestGateway.StartAsync();
        gateway.Homeserver.Accounts["old"] = new();
        gateway.Homeserver.Accounts["chief"] = new();
        gateway.Homeserver.Admins["chief"] = true;

        await Assert.ThrowsAsync<CommandException>(() => gateway.EnrolAsync("old"));
        NothingIsThere(gateway);
        await Assert.ThrowsAsync<CommandException>(() => AdoptAsync("chief"));
        NothingIsThere(gateway);
        await AdoptAsync("old");
        Assert.Single(gateway.State.Devices);

        Task AdoptAsync(string member) => gateway.Admin.EnrolAsync(new EnrolmentRequest(member, null, null, null, Adopt: true), default);
    }

    [Fact]
    public async Task With_the_homeserver_down_nothing_is_created_and_the_next_try_works()
    {
        await using var gateway = await TestGateway.StartAsync();
        gateway.Homeserver.Interfere = context =>
        {
            context.Abort();
            return Task.FromResult(true);
        };

        await Assert.ThrowsAsync<CommandException>(() => gateway.EnrolAsync("alice"));
        Assert.Empty(gateway.State.Devices);
        Assert.Empty(gateway.Interface.Peers);

        gateway.Homeserver.Interfere = _ => Task.FromResult(false);
        await gateway.EnrolAsync("alice");
        Assert.Single(gateway.State.Devices);
    }

    [Fact]
    public async Task An_account_made_by_an_answer_that_got_lost_is_ours_at_the_next_try()
    {
        await using var gateway = await TestGateway.StartAsync();
        gateway.Homeserver.Interfere = context =>
        {
            gateway.Homeserver.Accounts["alice"] = new();
            context.Abort();
            return Task.FromResult(true);
        };
        await Assert.ThrowsAsync<CommandException>(() => gateway.EnrolAsync("alice"));

        gateway.Homeserver.Interfere = _ => Task.FromResult(false);
        await gateway.EnrolAsync("alice");

        Assert.Single(gateway.State.Devices);
    }

    [Fact]
    public async Task With_an_interface_that_cannot_be_driven_the_enrolment_is_taken_back()
    {
        await using var gateway = await TestGateway.StartAsync();
        await Eventually.Is(() => gateway.Service<PeerReconciler>().Health.Error is null, TimeSpan.FromSeconds(10));
        gateway.Interface.Before = (_, _) => throw new TunnelException("wg is not installed");

        var refusal = await Assert.ThrowsAsync<CommandException>(() => gateway.EnrolAsync("alice", connect: false));

        Assert.Contains("wg is not installed", refusal.Message, StringComparison.Ordinal);
        Assert.Empty(gateway.State.Devices);
    }

    [Fact]
    public async Task A_full_pool_says_so_with_its_numbers()
    {
        await using var gateway = await TestGateway.StartAsync(("Tunnel:Network", "198.19.0.0/29"));
        for (var i = 0; i < 5; i++)
        {
            await gateway.EnrolAsync("alice");
        }

        var refusal = await Assert.ThrowsAsync<CommandException>(() => gateway.EnrolAsync("alice"));

        Assert.Contains("all 5 tunnel addresses of 198.19.0.0/29", refusal.Message, StringComparison.Ordinal);
        Assert.Equal(5, gateway.State.Devices.Count);
    }

    [Fact]
    public async Task A_qr_that_nobody_scans_is_gone_after_its_time()
    {
        await using var gateway = await TestGateway.StartAsync(("Enrolment:ExpireMinutes", "15"));
        await gateway.EnrolAsync("alice", connect: false);
        await gateway.EnrolAsync("bob");

        gateway.Clock.Advance(TimeSpan.FromMinutes(15));
        gateway.Service<EnrolmentWatch>().ExpireOnce();
        Assert.Equal(2, gateway.State.Devices.Count);
        gateway.Clock.Advance(TimeSpan.FromSeconds(10));
        gateway.Service<EnrolmentWatch>().ExpireOnce();

        Assert.Equal("bob/phone", Assert.Single(gateway.State.Devices.Values).Label);
        await Eventually.Is(
            () =>
            {
                gateway.Clock.Advance(TimeSpan.FromSeconds(2));
                return gateway.Interface.Peers.Count == 1;
            },
            TimeSpan.FromSeconds(10));
    }

    private static void NothingIsThere(TestGateway gateway)
    {
        Assert.Empty(gateway.State.Members);
        Assert.Empty(gateway.State.Devices);
        Assert.Empty(gateway.Interface.Peers);
    }
}
