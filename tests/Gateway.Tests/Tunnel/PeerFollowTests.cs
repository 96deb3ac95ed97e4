using Gateway.Onboarding.Devices;
using Gateway.Tests.Testing;
using Gateway.Tunnel;
using Microsoft.Extensions.Logging.Testing;
using Microsoft.Extensions.Time.Testing;

namespace Gateway.Tests.Tunnel;

/// <summary>Between two whole passes: what changed comes onto the interface, and off it, by itself.</summary>
public sealed class PeerFollowTests : IDisposable
{
    private readonly FakeInterface _interface = new();
    private readonly FakeTimeProvider _time = new();
    private readonly PeerReconciler _reconciler;
    private DesiredPeers _desired = DesiredPeers.Of(1);

    public PeerFollowTests() =>
        _reconciler = new(_interface, SomePeers.Settings(), () => _desired, new HandshakeWatch((_, _) => { }, _ => { }, SomePeers.Clock(_time)), _time, new FakeLogger<PeerReconciler>());

    public void Dispose() => _reconciler.Dispose();

    [Fact]
    public async Task What_changed_is_followed_without_a_look_at_the_others()
    {
        var (alice, bob) = (SomePeers.Number(2), SomePeers.Number(3));
        Want(alice);
        await Pass();
        var dumps = 0;
        _interface.Before = (act, _) =>
        {
            dumps += act == "dump" ? 1 : 0;
            return Task.CompletedTask;
        };

        Change(bob);

        Assert.True(await _reconciler.FollowOnceAsync(CancellationToken.None));
        Assert.Null(await _reconciler.TakenAsync(_desired.Generation, CancellationToken.None));
        Assert.Equal([alice.PublicKey, bob.PublicKey], _interface.Peers.Select(peer => peer.PublicKey));
        Assert.Equal(0, dumps);
        Assert.Equal(_desired.Generation - 1, _reconciler.VerifiedGeneration);
    }

    [Fact]
    public async Task A_removal_is_followed_by_a_whole_pass_that_reads_it_back()
    {
        var alice = SomePeers.Number(2);
        Want(alice);
        await Pass();

        _desired = new(_desired.Generation + 1, _desired.Peers.Remove(alice.PublicKey)) { Changes = [(_desired.Generation + 1, alice.PublicKey)], ChangesSince = _desired.Generation };

        Assert.False(await _reconciler.FollowOnceAsync(CancellationToken.None));
        Assert.Empty(_interface.Peers);
    }

    [Fact]
    public async Task After_a_fault_and_where_nobody_knows_all_changes_the_whole_is_looked_at()
    {
        Assert.False(await _reconciler.FollowOnceAsync(CancellationToken.None), "before the first pass");
        await Pass();
        Want(SomePeers.Number(2));
        Assert.False(await _reconciler.FollowOnceAsync(CancellationToken.None), "the changes are not known");
        await Pass();

        Change(SomePeers.Number(3));
        _interface.Before = (act, _) => act == "set" ? throw new TunnelException("stuck") : Task.CompletedTask;

        Assert.False(await _reconciler.FollowOnceAsync(CancellationToken.None), "the interface did not take it");
        Assert.Equal("stuck", _reconciler.Health.Error);
        Assert.NotNull(await _reconciler.TakenAsync(_desired.Generation, new CancellationToken(canceled: true)));
    }

    private void Want(params DesiredPeer[] peers) => _desired = DesiredPeers.Of(_desired.Generation + 1, [.. peers]);

    /// <summary>One peer more, and who follows is told which.</summary>
    private void Change(DesiredPeer peer) => _desired = new(_desired.Generation + 1, _desired.Peers.SetItem(peer.PublicKey, peer))
    {
        Changes = [(_desired.Generation + 1, peer.PublicKey)],
        ChangesSince = _desired.Generation,
    };

    private Task Pass() => _reconciler.ReconcileOnceAsync(CancellationToken.None);
}
