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
public sealed record DesiredPeers(long Generation, ImmutableArray<DesiredPeer> Peers);
