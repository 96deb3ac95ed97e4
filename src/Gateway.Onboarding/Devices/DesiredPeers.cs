using System.Collections.Immutable;
using System.Net;
using Gateway.Onboarding.Keys;

namespace Gateway.Onboarding.Devices;

/// <summary>One peer as it must stand on the interface: exactly one allowed IP, the device's tunnel address as /32.</summary>
public sealed record DesiredPeer(PublicKey PublicKey, PresharedKey PresharedKey, IPAddress TunnelAddress);

/// <summary>
/// All peers that must stand on the interface, and no others. <see cref="Generation"/> grows with every change of the
/// state, so that a slow pass can see that the world moved on while it worked.
/// </summary>
public sealed record DesiredPeers(long Generation, ImmutableDictionary<PublicKey, DesiredPeer> Peers)
{
    private Dictionary<PublicKey, DesiredPeer>? _index;

    /// <summary><see cref="Peers"/> for whoever looks up many, made when it is first asked for.</summary>
    public IReadOnlyDictionary<PublicKey, DesiredPeer> Index => _index ??= new(Peers);

    public static DesiredPeers Of(long generation, params IEnumerable<DesiredPeer> peers) => new(generation, peers.ToImmutableDictionary(peer => peer.PublicKey));

    /// <summary>The last changes, oldest first: with which generation, and to whose peer.</summary>
    public ImmutableArray<(long Generation, PublicKey Key)> Changes { get; init; } = [];

    /// <summary>From which generation on <see cref="Changes"/> has them all; where nobody says, from this one on.</summary>
    public long ChangesSince { get; init; } = Generation;
}
