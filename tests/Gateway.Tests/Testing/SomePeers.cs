using System.Net;
using Gateway.Onboarding.Devices;
using Gateway.Onboarding.Keys;
using Gateway.Onboarding.Store;
using Gateway.Tunnel;
using Microsoft.Extensions.Logging.Abstractions;

namespace Gateway.Tests.Testing;

/// <summary>Peers and settings for tests of the tunnel; every number gives a different peer with an address of its own.</summary>
internal static class SomePeers
{
    public static IPAddress GatewayAddress { get; } = IPAddress.Parse("198.19.0.1");

    public static SteadyClock Clock(TimeProvider time) => new(time, stored: null, NullLogger<SteadyClock>.Instance);

    public static DesiredPeer Number(byte number)
    {
        using var key = PrivateKey.Generate(new Entropy());
        return new(key.PublicKey(), PresharedKey.Generate(new Entropy()), new IPAddress([198, 19, 0, number]));
    }

    public static InterfaceSettings Settings(int port = 47123) =>
        new(PrivateKey.Generate(new Entropy()), port, GatewayAddress, 18);

    /// <summary>How the desired peer stands on an interface.</summary>
    public static Peer Standing(DesiredPeer peer, DateTimeOffset? handshake = null) =>
        new(peer.PublicKey, peer.PresharedKey, null, [new IPNetwork(peer.TunnelAddress, 32)], handshake, 0, 0);
}
