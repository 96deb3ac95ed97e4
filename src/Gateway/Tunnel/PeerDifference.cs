using Gateway.Onboarding.Devices;
using Gateway.Onboarding.Keys;

namespace Gateway.Tunnel;

/// <summary>Compares what stands on the interface with what is wanted, in words for the log.</summary>
internal static class PeerDifference
{
    /// <summary>Why the standing peer is not the desired one; null where it is.</summary>
    public static string? Of(DesiredPeer wanted, Peer? standing) => standing switch
    {
        null => "missing",
        _ when standing.AllowedIPs is not [{ PrefixLength: 32 } only] || !only.BaseAddress.Equals(wanted.TunnelAddress) => "wrong allowed IPs",
        _ when standing.PresharedKey is null || !standing.PresharedKey.Matches(wanted.PresharedKey) => "wrong preshared key",
        _ => null,
    };

    /// <summary>The first thing by which the whole interface differs from what is wanted; null where it is equal.</summary>
    public static string? First(IReadOnlyDictionary<PublicKey, DesiredPeer> wanted, Dictionary<PublicKey, Peer> standing)
    {
        foreach (var (key, peer) in standing)
        {
            if (!wanted.TryGetValue(key, out var known))
            {
                return $"peer {key.Prefix}: not removed";
            }

            if (Of(known, peer) is { } why)
            {
                return $"peer {key.Prefix}: {why}";
            }
        }

        // Each that stands is wanted: if they are as many, none is missing.
        return standing.Count == wanted.Count ? null : $"peer {wanted.Keys.First(key => !standing.ContainsKey(key)).Prefix}: missing";
    }

    /// <summary>
    /// The same for what was wanted <paramref name="then"/>, as far as it still is: what came since may be missing, and what
    /// went since may stand.
    /// </summary>
    public static string? Since(IReadOnlyDictionary<PublicKey, DesiredPeer> then, IReadOnlyDictionary<PublicKey, DesiredPeer> now, Dictionary<PublicKey, Peer> standing) => First(
        now.Where(peer => then.ContainsKey(peer.Key)).ToDictionary(),
        standing.Where(peer => then.ContainsKey(peer.Key) == now.ContainsKey(peer.Key)).ToDictionary());
}
