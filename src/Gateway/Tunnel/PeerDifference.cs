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
        foreach (var key in standing.Keys)
        {
            if (!wanted.ContainsKey(key))
            {
                return $"peer {key.Prefix}: not removed";
            }
        }

        foreach (var (key, peer) in wanted)
        {
            if (Of(peer, standing.GetValueOrDefault(key)) is { } why)
            {
                return $"peer {key.Prefix}: {why}";
            }
        }

        return null;
    }

    /// <summary>
    /// The same for what was wanted <paramref name="then"/>, as far as it still is: what came since may be missing, and what
    /// went since may stand.
    /// </summary>
    public static string? Since(IReadOnlyDictionary<PublicKey, DesiredPeer> then, IReadOnlyDictionary<PublicKey, DesiredPeer> now, Dictionary<PublicKey, Peer> standing) => First(
        now.Where(peer => then.ContainsKey(peer.Key)).ToDictionary(),
        standing.Where(peer => then.ContainsKey(peer.Key) == now.ContainsKey(peer.Key)).ToDictionary());
}
