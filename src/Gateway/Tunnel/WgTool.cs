using System.Globalization;
using Gateway.Onboarding.Devices;
using Gateway.Onboarding.Keys;

namespace Gateway.Tunnel;

/// <summary>Drives the interface with <c>wg(8)</c>, which speaks to the kernel module and to wireguard-go alike.</summary>
internal sealed class WgTool(NetworkLink link) : IWireGuardInterface
{
    public async Task<bool> EnsureAsync(InterfaceSettings settings, CancellationToken cancellationToken)
    {
        var made = await link.EnsureAsync(settings, cancellationToken);
        var seen = await ReadAsync(cancellationToken);
        if (!seen.Matches(settings))
        {
            var port = settings.ListenPort.ToString(CultureInfo.InvariantCulture);
            await SetAsync(["private-key", "/dev/stdin", "listen-port", port], settings.PrivateKey, cancellationToken);
        }

        return made;
    }

    public async Task<IReadOnlyList<Peer>> DumpAsync(CancellationToken cancellationToken) =>
        (await ReadAsync(cancellationToken)).Peers;

    public Task SetAsync(DesiredPeer peer, CancellationToken cancellationToken) =>
        SetAsync(["peer", peer.PublicKey.ToString(), "preshared-key", "/dev/stdin", "allowed-ips", $"{peer.TunnelAddress}/32"], peer.PresharedKey, cancellationToken);

    public Task RemoveAsync(PublicKey peer, CancellationToken cancellationToken) =>
        SetAsync(["peer", peer.ToString(), "remove"], secret: null, cancellationToken);

    private async Task<InterfaceDump> ReadAsync(CancellationToken cancellationToken)
    {
        await link.RequireAsync(cancellationToken);
        return WgDump.Parse(await Tool.RunAsync("wg", ["show", link.Name, "dump"], cancellationToken));
    }

    private async Task SetAsync(string[] what, SecretKey? secret, CancellationToken cancellationToken)
    {
        await link.RequireAsync(cancellationToken);
        await Tool.RunAsync("wg", ["set", link.Name, .. what], cancellationToken, secret?.Reveal());
    }
}
