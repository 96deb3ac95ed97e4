using Gateway.Commands;
using Gateway.Onboarding.Enrolment;
using Gateway.Tests.Testing;
using Gateway.Tunnel;

namespace Gateway.Tests.Enrolment;

/// <summary>An enrolment that nobody used ends with its peer and its grant, and its address is free only once its peer is gone.</summary>
public sealed class StaleEnrolmentTests
{
    [Fact]
    public async Task A_restart_in_between_does_not_keep_it()
    {
        await using var gateway = await TestGateway.StartAsync();
        await gateway.EnrolAsync("alice", connect: false);

        await gateway.RestartAsync();
        gateway.Clock.Advance(TimeSpan.FromMinutes(16));
        gateway.Service<EnrolmentWatch>().ExpireOnce();

        Assert.Empty(gateway.State.Devices);
        await Eventually.Is(() => gateway.Interface.Peers.Count == 0, TimeSpan.FromSeconds(10));
    }

    [Fact]
    public async Task A_handshake_in_the_last_second_keeps_it()
    {
        await using var gateway = await TestGateway.StartAsync();
        var alice = await gateway.EnrolAsync("alice", connect: false);
        gateway.Clock.Advance(TimeSpan.FromMinutes(15));
        gateway.Service<EnrolmentWatch>().HandshakeSeen(Gateway.Onboarding.Keys.PublicKey.Parse(alice.Device.PublicKey, null), gateway.Clock.GetUtcNow().AddSeconds(-1));

        gateway.Clock.Advance(TimeSpan.FromSeconds(10));
        gateway.Service<EnrolmentWatch>().ExpireOnce();

        using var client = await gateway.SignInAsync(alice);
    }

    [Fact]
    public async Task Its_address_is_not_given_out_while_its_peer_may_stand()
    {
        await using var gateway = await TestGateway.StartAsync(("Tunnel:Network", "198.19.0.0/30"));
        var alice = await gateway.EnrolAsync("alice", connect: false);
        gateway.Interface.Before = (act, _) => act == "remove" ? throw new TunnelException("wg hangs") : Task.CompletedTask;
        gateway.Clock.Advance(TimeSpan.FromMinutes(16));
        gateway.Service<EnrolmentWatch>().ExpireOnce();
        Assert.Empty(gateway.State.Devices);

        var refusal = await Assert.ThrowsAsync<CommandException>(() => gateway.EnrolAsync("bob", connect: false));
        Assert.Contains("wg hangs", refusal.Message, StringComparison.Ordinal);
        Assert.False(gateway.Homeserver.Accounts.ContainsKey("bob"));
        gateway.Interface.Before = (_, _) => Task.CompletedTask;
        var bob = await gateway.EnrolAsync("bob", connect: false);

        Assert.Equal(alice.Device.TunnelAddress, bob.Device.TunnelAddress);
        Assert.Equal(bob.Device.PublicKey, Assert.Single(gateway.Interface.Peers).PublicKey.ToString());
    }
}
