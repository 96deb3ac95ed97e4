using Gateway.Onboarding.Keys;
using Gateway.Onboarding.Store;

namespace Gateway.Tunnel;

/// <summary>
/// What the interface's dumps say about who connects: the last handshake of each peer, as one immutable picture swapped
/// as a whole, word to <paramref name="firstHandshake"/> when a peer is first seen connected, and to
/// <paramref name="keyCopied"/> when two phones use one key. A word may come again: its receiver must not mind.
/// It rides on the dumps that the reconciler takes anyway.
/// </summary>
internal sealed class HandshakeWatch(Action<PublicKey, DateTimeOffset> firstHandshake, Action<PublicKey> keyCopied, SteadyClock time)
{
    /// <summary>A peer without a handshake for so long is not connected (whitepaper, section 6.1); its endpoint is not looked at.</summary>
    private static readonly TimeSpan Connected = TimeSpan.FromSeconds(180);

    private readonly long _start = time.GetTimestamp();

    /// <summary>Never changed once it is here.</summary>
    private volatile Dictionary<PublicKey, Observation> _seen = [];

    /// <summary>Called after each dump that was taken in; it must be quick.</summary>
    public Action Observed { get; set; } = () => { };

    public DateTimeOffset? LastHandshake(PublicKey peer) => _seen.GetValueOrDefault(peer)?.Happened;

    /// <summary>Takes the next dump. Not for two callers at once: the reconciler is the one.</summary>
    public void Observe(IReadOnlyCollection<Peer> dump)
    {
        var now = time.GetElapsedTime(_start);
        var before = _seen;
        var after = new Dictionary<PublicKey, Observation>(dump.Count);
        foreach (var peer in dump)
        {
            var known = before.GetValueOrDefault(peer.PublicKey);
            var seen = after[peer.PublicKey] = Next(known, peer, now);
            if (known?.LastHandshake is null && peer.LastHandshake is { } first)
            {
                firstHandshake(peer.PublicKey, time.OfMachine(first));
            }

            if (now - seen.Moved < Connected && seen.Use?.See(peer.Endpoint, peer.LastHandshake, now) == true)
            {
                keyCopied(peer.PublicKey);
            }
        }

        // Last, so that a word that could not be taken is said again at the next dump.
        _seen = after;
        Observed();
    }

    private Observation Next(Observation? known, Peer peer, TimeSpan now)
    {
        var isNew = peer.LastHandshake is not null && peer.LastHandshake != known?.LastHandshake;

        // A rebuilt interface forgets; the last handshake did happen all the same.
        return known is not null && !isNew
            ? known
            : new(peer.LastHandshake, peer.LastHandshake is { } at ? time.OfMachine(at) : null, now, isNew ? known?.Use ?? new KeyUse() : null);
    }

    /// <summary><paramref name="LastHandshake"/> as the dump says it, by the machine's clock; <paramref name="Happened"/> by ours; <paramref name="Moved"/>: when it was first seen.</summary>
    private sealed record Observation(DateTimeOffset? LastHandshake, DateTimeOffset? Happened, TimeSpan Moved, KeyUse? Use);
}
