using System.Collections.Immutable;
using System.Net;
using Gateway.Onboarding.Keys;

namespace Gateway.Tunnel;

/// <summary>
/// What the interface's dumps say about who connects: the last handshake and endpoint of each peer, as one immutable
/// picture swapped as a whole, and word to <paramref name="firstHandshake"/> when a peer is first seen connected.
/// The word may come again after a restart: its receiver must not mind.
/// </summary>
internal sealed class HandshakeWatch(Action<PublicKey, DateTimeOffset> firstHandshake)
{
    private volatile ImmutableDictionary<PublicKey, Observation> _seen = ImmutableDictionary<PublicKey, Observation>.Empty;

    public DateTimeOffset? LastHandshake(PublicKey peer) => _seen.GetValueOrDefault(peer)?.LastHandshake;

    /// <summary>Takes the next dump. Not for two callers at once: the reconciler is the one.</summary>
    public void Observe(IReadOnlyList<Peer> dump)
    {
        var before = _seen;
        var after = ImmutableDictionary.CreateBuilder<PublicKey, Observation>();
        foreach (var peer in dump)
        {
            // A rebuilt interface forgets; the last handshake did happen all the same.
            var known = before.GetValueOrDefault(peer.PublicKey);
            after[peer.PublicKey] = new(peer.LastHandshake ?? known?.LastHandshake, peer.Endpoint ?? known?.Endpoint);
            if (known?.LastHandshake is null && peer.LastHandshake is { } first)
            {
                firstHandshake(peer.PublicKey, first);
            }
        }

        // Last, so that a word that could not be taken is said again at the next dump.
        _seen = after.ToImmutable();
    }

    private sealed record Observation(DateTimeOffset? LastHandshake, IPEndPoint? Endpoint);
}
