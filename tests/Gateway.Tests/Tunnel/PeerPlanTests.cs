using Gateway.Onboarding.Keys;
using Gateway.Onboarding.Store;
using Gateway.Tests.Testing;
using Gateway.Tunnel;

namespace Gateway.Tests.Tunnel;

/// <summary>The plan that is kept up with each write, beside the one that is made from the whole state.</summary>
public sealed class PeerPlanTests
{
    [Fact]
    public async Task It_is_the_same_as_if_it_were_made_anew_and_names_what_changed()
    {
        await using var gateway = await TestGateway.StartAsync();
        var plan = new PeerPlan(gateway.Service<StateWriter>());
        var before = plan.Current();
        var alice = await gateway.EnrolAsync("alice");
        await gateway.EnrolAsync("bob", connect: false);
        await gateway.Admin.RevokeAsync(new("alice/phone", null, Cut: true, Erase: false), default);
        Same(gateway, plan);
        var after = plan.Current();

        Assert.Equal(
            [PublicKey.Parse(alice.Device.PublicKey, null), gateway.Device("bob/phone").PublicKey, PublicKey.Parse(alice.Device.PublicKey, null)],
            after.Changes.Where(change => change.Generation > before.Generation).Select(change => change.Key));
        Assert.True(after.ChangesSince <= before.Generation);
    }

    [Fact]
    public async Task An_enrolment_that_ended_is_a_change_too()
    {
        await using var gateway = await TestGateway.StartAsync();
        var plan = new PeerPlan(gateway.Service<StateWriter>());
        var bob = await gateway.EnrolAsync("bob", connect: false);
        var key = PublicKey.Parse(bob.Device.PublicKey, null);

        gateway.Service<Gateway.Onboarding.Enrolment.Enroller>().Cancel(bob.Device.Id, "a test");

        Same(gateway, plan);
        Assert.DoesNotContain(key, plan.Current().Peers.Keys);
        Assert.Equal(key, plan.Current().Changes[^1].Key);
    }

    private static void Same(TestGateway gateway, PeerPlan plan)
    {
        var whole = gateway.State.DesiredPeers();
        Assert.Equal(whole.Generation, plan.Current().Generation);
        Assert.Equal(whole.Peers.OrderBy(peer => peer.Key.ToString(), StringComparer.Ordinal), plan.Current().Peers.OrderBy(peer => peer.Key.ToString(), StringComparer.Ordinal));
    }
}
