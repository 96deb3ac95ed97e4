using System.Net;
using Gateway.Onboarding.Devices;
using Gateway.Onboarding.Keys;

namespace Gateway.Tunnel;

/// <summary>
/// The gateway's WireGuard interface. Two implementations ship: <c>wg</c> for every kind, and userspace's own socket
/// (cross-platform protocol of wireguard-go) where it is there. Every call has a deadline of its own and throws
/// <see cref="TunnelException"/> with a text for the operator; every call may be repeated.
/// </summary>
internal interface IWireGuardInterface
{
    /// <summary>Makes the link if it is missing (kernel, else wireguard-go) and sets key, port, address, MTU and up. Changes nothing that is right. True where the link had to be made.</summary>
    Task<bool> EnsureAsync(InterfaceSettings settings, CancellationToken cancellationToken);

    /// <summary>What stands on the interface now.</summary>
    Task<IReadOnlyList<Peer>> DumpAsync(CancellationToken cancellationToken);

    /// <summary>Adds or corrects these peers, in one go where the interface has one; other peers' sessions are untouched.</summary>
    Task SetAsync(IReadOnlyList<DesiredPeer> peers, CancellationToken cancellationToken);

    /// <summary>Removes one peer and its session keys; a peer that is not there is no error.</summary>
    Task RemoveAsync(PublicKey peer, CancellationToken cancellationToken);
}

/// <summary>What the link itself must be. <see cref="Address"/> is the gateway's own tunnel address.</summary>
internal sealed record InterfaceSettings(PrivateKey PrivateKey, int ListenPort, IPAddress Address, int PrefixLength);

/// <summary>An observed peer, as <c>wg show IF dump</c> tells it. <see cref="LastHandshake"/> is null where there was none.</summary>
internal sealed record Peer(
    PublicKey PublicKey,
    PresharedKey? PresharedKey,
    IPEndPoint? Endpoint,
    IReadOnlyList<IPNetwork> AllowedIPs,
    DateTimeOffset? LastHandshake,
    long ReceivedBytes,
    long SentBytes);

/// <summary>The whole observed interface: its own key and port, and all peers. Port 0: none yet.</summary>
internal sealed record InterfaceDump(PrivateKey? PrivateKey, int ListenPort, IReadOnlyList<Peer> Peers)
{
    /// <summary>Whether key and port are as wanted, so that nothing has to be set.</summary>
    public bool Matches(InterfaceSettings settings) =>
        ListenPort == settings.ListenPort && PrivateKey is not null && PrivateKey.Matches(settings.PrivateKey);
}

/// <summary>The interface could not be driven: the message names what was tried and what it answered, never a key.</summary>
internal sealed class TunnelException(string message, Exception? inner = null) : Exception(message, inner);
