using System.Globalization;
using Gateway.Onboarding.Devices;
using Gateway.Onboarding.Keys;

namespace Gateway.Tunnel;

/// <summary>Drives the interface with <c>wg(8)</c>, which speaks to the kernel module and to wireguard-go alike.</summary>
internal sealed class WgTool(NetworkLink link) : IWireGuardInterface
{
    private readonly SettledInterface _settled = new();

    public async Task<bool> EnsureAsync(InterfaceSettings settings, CancellationToken cancellationToken)
    {
        var made = await link.EnsureAsync(settings, cancellationToken);
        if (!_settled.Is(settings, link.Index) && !(await ReadAsync(cancellationToken)).Matches(settings))
        {
            var port = settings.ListenPort.ToString(CultureInfo.InvariantCulture);
            await SetAsync(["private-key", "/dev/stdin", "listen-port", port], settings.PrivateKey, cancellationToken);
        }

        _settled.Put(settings, link.Index);
        return made;
    }

    public async Task<IReadOnlyList<Peer>> DumpAsync(CancellationToken cancellationToken) =>
        (await ReadAsync(cancellationToken)).Peers;

    /// <summary>As a configuration that is added to what stands (<c>wg addconf</c>): one child process for all, and no secret in its arguments.</summary>
    public async Task SetAsync(IReadOnlyList<DesiredPeer> peers, CancellationToken cancellationToken)
    {
        await link.RequireAsync(cancellationToken);
        var configuration = string.Concat(peers.Select(peer =>
            $"[Peer]\nPublicKey = {peer.PublicKey}\nPresharedKey = {peer.PresharedKey.Reveal()}\nAllowedIPs = {peer.TunnelAddress}/32\n"));
        await Tool.RunAsync("wg", ["addconf", link.Name, "/dev/stdin"], cancellationToken, configuration);
    }

    public Task RemoveAsync(PublicKey peer, CancellationToken cancellationToken) =>
        SetAsync(["peer", peer.ToString(), "remove"], secret: null, cancellationToken);

    private async Task<InterfaceDump> ReadAsync(CancellationToken cancellationToken)
    {
        await link.RequireAsync(cancellationToken);
        var dump = WgDump.Parse(await Tool.RunAsync("wg", ["show", link.Name, "dump"], cancellationToken));
        _settled.Saw(dump);
        return dump;
    }

    private async Task SetAsync(string[] what, SecretKey? secret, CancellationToken cancellationToken)
    {
        await link.RequireAsync(cancellationToken);
        await Tool.RunAsync("wg", ["set", link.Name, .. what], cancellationToken, secret?.Reveal());
    }
}
