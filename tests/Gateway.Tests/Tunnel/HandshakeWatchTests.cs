using Gateway.Onboarding.Keys;
using Gateway.Tests.Testing;
using Gateway.Tunnel;

namespace Gateway.Tests.Tunnel;

public sealed class HandshakeWatchTests
{
    private static readonly DateTimeOffset Noon = new(2026, 11, 22, 12, 0, 0, TimeSpan.Zero);

    private readonly List<(PublicKey Peer, DateTimeOffset At)> _firsts = [];
    private readonly HandshakeWatch _watch;

    public HandshakeWatchTests() => _watch = new((peer, at) => _firsts.Add((peer, at)), _ => { }, SomePeers.Clock(TimeProvider.System));

    [Fact]
    public void The_first_handshake_is_told_once()
    {
        var alice = SomePeers.Number(2);
        See(SomePeers.Standing(alice));
        Assert.Empty(_firsts);
        Assert.Null(_watch.LastHandshake(alice.PublicKey));

        See(SomePeers.Standing(alice, Noon));
        See(SomePeers.Standing(alice, Noon.AddMinutes(2)));

        Assert.Equal((alice.PublicKey, Noon), Assert.Single(_firsts));
        Assert.Equal(Noon.AddMinutes(2), _watch.LastHandshake(alice.PublicKey));
    }

    [Fact]
    public void A_rebuilt_interface_does_not_make_a_handshake_undone()
    {
        var alice = SomePeers.Number(2);
        See(SomePeers.Standing(alice, Noon));

        See(SomePeers.Standing(alice));
        See(SomePeers.Standing(alice, Noon.AddMinutes(5)));

        Assert.Single(_firsts);
        Assert.Equal(Noon.AddMinutes(5), _watch.LastHandshake(alice.PublicKey));
    }

    [Fact]
    public void A_peer_that_is_gone_is_forgotten()
    {
        var alice = SomePeers.Number(2);
        See(SomePeers.Standing(alice, Noon));

        See();

        Assert.Null(_watch.LastHandshake(alice.PublicKey));
    }

    [Fact]
    public void A_word_that_was_not_taken_is_said_again()
    {
        var failing = true;
        var told = 0;
        var watch = new HandshakeWatch((_, _) =>
        {
            if (failing)
            {
                throw new InvalidOperationException("store is shut");
            }

            told++;
        }, _ => { }, SomePeers.Clock(TimeProvider.System));
        var dump = new[] { SomePeers.Standing(SomePeers.Number(2), Noon) };
        Assert.Throws<InvalidOperationException>(() => watch.Observe(dump));

        failing = false;
        watch.Observe(dump);

        Assert.Equal(1, told);
    }

    private void See(params Peer[] dump) => _watch.Observe(dump);
}
