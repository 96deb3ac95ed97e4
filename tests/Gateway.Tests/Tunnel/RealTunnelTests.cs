using System.Globalization;
using Gateway.Onboarding.Devices;
using Gateway.Onboarding.Keys;
using Gateway.Tests.Testing;
using Gateway.Tunnel;
using Microsoft.Extensions.Logging.Abstractions;

namespace Gateway.Tests.Tunnel;

/// <summary>The reconciler on a real interface, and a real handshake with it.</summary>
public sealed class RealTunnelTests
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task The_reconciler_keeps_a_real_interface_as_desired()
    {
        await using var gateway = await NetworkNamespace.CreateAsync();
        await gateway.RunAsync(async () =>
        {
            var (alice, bob, stranger) = (SomePeers.Number(2), SomePeers.Number(3), SomePeers.Number(66));
            var desired = DesiredPeers.Of(1, [alice, bob]);
            var tunnel = new WireGuardInterface(new(gateway.Name, UserspaceMode.Auto));
            using var reconciler = new PeerReconciler(
                tunnel, SomePeers.Settings(), () => desired, new((_, _) => { }, _ => { }, SomePeers.Clock(TimeProvider.System)), TimeProvider.System, NullLogger<PeerReconciler>.Instance);

            await reconciler.ReconcileOnceAsync(CancellationToken.None);
            Assert.Equal(1, reconciler.VerifiedGeneration);
            Assert.Equal(2, (await tunnel.DumpAsync(CancellationToken.None)).Count);

            // By hand: a peer that takes alice's address, and bob gone.
            await Wg("set", gateway.Name, "peer", stranger.PublicKey.ToString(), "allowed-ips", $"{alice.TunnelAddress}/32");
            await Wg("set", gateway.Name, "peer", bob.PublicKey.ToString(), "remove");
            desired = DesiredPeers.Of(2, [alice, bob]);
            await reconciler.ReconcileOnceAsync(CancellationToken.None);
            Assert.Equal(2, reconciler.VerifiedGeneration);

            await gateway.IpAsync("link", "delete", gateway.Name);
            desired = DesiredPeers.Of(3, [alice]);
            await Eventually.Is(async () => await ReconciledAsync(reconciler, 3), Deadline);
            Assert.Equal(alice.PublicKey, Assert.Single(await tunnel.DumpAsync(CancellationToken.None)).PublicKey);
        });
    }

    [Fact]
    public async Task A_handshake_is_seen_alike_through_wg_and_through_the_socket()
    {
        await using var gateway = await NetworkNamespace.CreateAsync();
        await using var phone = await NetworkNamespace.CreateAsync();
        await gateway.CableAsync("outer", "203.0.113.1/24", phone, "eth", "203.0.113.2/24");
        using var phoneKey = PrivateKey.Generate(new Entropy());
        var device = SomePeers.Number(2) with { PublicKey = phoneKey.PublicKey() };
        var settings = SomePeers.Settings();
        var before = TimeProvider.System.GetUtcNow().AddSeconds(-1);

        await phone.RunAsync(() => SwitchOnAsync(phone, phoneKey, device, settings));
        await gateway.RunAsync(async () =>
        {
            var link = new NetworkLink(gateway.Name, UserspaceMode.Always);
            var socket = new UserspaceSocket(link);
            await socket.EnsureAsync(settings, CancellationToken.None);
            await socket.SetAsync([device], CancellationToken.None);
            var firsts = new List<(PublicKey, DateTimeOffset)>();
            var watch = new HandshakeWatch((peer, at) => firsts.Add((peer, at)), _ => { }, SomePeers.Clock(TimeProvider.System));

            await Eventually.Is(
                async () =>
                {
                    watch.Observe(await socket.DumpAsync(CancellationToken.None));
                    return firsts.Count > 0;
                },
                Deadline);

            var bySocket = Assert.Single(await socket.DumpAsync(CancellationToken.None));
            var byWg = Assert.Single(await new WgTool(link).DumpAsync(CancellationToken.None));
            Assert.InRange(bySocket.LastHandshake!.Value, before, TimeProvider.System.GetUtcNow().AddSeconds(1));
            Assert.Equal(bySocket.LastHandshake.Value.ToUnixTimeSeconds(), byWg.LastHandshake!.Value.ToUnixTimeSeconds());
            Assert.Equal("203.0.113.2", bySocket.Endpoint!.Address.ToString());
            Assert.Equal(bySocket.Endpoint, byWg.Endpoint);
            Assert.True(byWg.ReceivedBytes > 0);
            Assert.Equal(bySocket.LastHandshake, watch.LastHandshake(device.PublicKey));
            Assert.Equal(device.PublicKey, Assert.Single(firsts).Item1);
        });
    }

    /// <summary>The device's side: its own interface, the gateway as its peer, a keepalive so that it speaks first.</summary>
    private static async Task SwitchOnAsync(NetworkNamespace phone, PrivateKey key, DesiredPeer device, InterfaceSettings gateway)
    {
        var settings = new InterfaceSettings(key, 40001, device.TunnelAddress, 32);
        var tunnel = new WireGuardInterface(new(phone.Name, UserspaceMode.Auto));
        await tunnel.EnsureAsync(settings, CancellationToken.None);
        await tunnel.SetAsync([device with { PublicKey = gateway.PrivateKey.PublicKey(), TunnelAddress = gateway.Address }], CancellationToken.None);
        await Wg(
            "set", phone.Name, "peer", gateway.PrivateKey.PublicKey().ToString(),
            "endpoint", $"203.0.113.1:{gateway.ListenPort.ToString(CultureInfo.InvariantCulture)}", "persistent-keepalive", "1");
    }

    private static async Task<bool> ReconciledAsync(PeerReconciler reconciler, long generation)
    {
        try
        {
            await reconciler.ReconcileOnceAsync(CancellationToken.None);
        }
        catch (TunnelException)
        {
            // wireguard-go has not noticed yet that its link is gone.
        }

        return reconciler.VerifiedGeneration == generation;
    }

    /// <summary>In the namespace of the caller.</summary>
    private static Task<string> Wg(params string[] arguments) => NetworkNamespace.OutputAsync("wg", arguments);
}
