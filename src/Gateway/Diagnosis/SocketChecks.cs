using System.Net;
using Gateway.Admin;
using Gateway.Listening;
using Gateway.Proxy;
using Gateway.Tunnel;

namespace Gateway.Diagnosis;

/// <summary>What listens on this host: for members, beside us in the tunnel, for the world; and whether the firewall stands before it.</summary>
internal sealed class SocketChecks(TunnelOptions tunnel, ListenOptions listen, ConsoleOptions console, HomeserverOptions homeserver) : ICheck
{
    public string Name => "listeners";

    public async Task<IReadOnlyList<Finding>> LookAsync(CancellationToken cancellationToken)
    {
        var sockets = ListeningSocket.Parse(await Tool.RunAsync("ss", ["-Hlntu"], cancellationToken));
        var table = await ListAsync(["list", "table", "inet", "gateway"], cancellationToken);
        var outside = await ListAsync(OutsideTable.Listing, cancellationToken);
        return Judge(sockets, table.Contains($"\"{tunnel.Interface}\"", StringComparison.Ordinal), OutsideTable.Parse(outside));
    }

    /// <summary>What nft(8) prints; nothing where there is no such table.</summary>
    private static async Task<string> ListAsync(IReadOnlyList<string> arguments, CancellationToken cancellationToken)
    {
        try
        {
            var (exitCode, table, _) = await Tool.TryRunAsync("nft", arguments, cancellationToken);
            return exitCode == 0 ? table : "";
        }
        catch (TunnelException)
        {
            // Without nft(8) there is no table either.
            return "";
        }
    }

    internal IReadOnlyList<Finding> Judge(IReadOnlyList<ListeningSocket> sockets, bool hasFirewall, OutsideTable? outside) =>
        [Listener(sockets), Firewall(hasFirewall), Tunnel(sockets, hasFirewall), outside is null ? Outside(sockets) : Outside(outside), Homeserver(sockets)];

    private bool IsOurs(ListeningSocket socket) =>
        socket.Protocol == "tcp" && socket.Address.Equals(tunnel.GatewayAddress) && (socket.Port == listen.HttpsPort || (console.TunnelPort != 0 && socket.Port == console.TunnelPort));

    private bool IsWireGuard(ListeningSocket socket) => socket.Protocol == "udp" && socket.Port == tunnel.ListenPort;

    private Finding Listener(IReadOnlyList<ListeningSocket> sockets)
    {
        var at = $"{tunnel.GatewayAddress}:{listen.HttpsPort}";
        var ours = sockets.Where(socket => IsOurs(socket) && socket.Port == listen.HttpsPort).ToList();
        return ours.Count == 0
            ? Finding.Fault("listener", $"nothing listens on {at}: no member gets in", "see 'gateway status': the interface has to be there first")
            : ours.TrueForAll(socket => socket.Interface == tunnel.Interface)
                ? Finding.Ok("listener", $"{at}, bound to {tunnel.Interface}")
                : Finding.Fault("listener", $"{at} is not bound to {tunnel.Interface}: hosts outside of the tunnel are answered", "another program listens there: stop it, and restart the gateway");
    }

    private static Finding Firewall(bool hasFirewall) =>
        hasFirewall
            ? Finding.Ok("firewall", "the table inet gateway is loaded")
            : Finding.Warning("firewall", "the table inet gateway is not loaded: only the listener's own binding protects", "nft -f /etc/gateway/gateway.nft, or deploy/up");

    /// <summary>What members would reach beside the gateway.</summary>
    private Finding Tunnel(IReadOnlyList<ListeningSocket> sockets, bool hasFirewall)
    {
        var others = sockets.Where(socket => !IsOurs(socket) && !IsWireGuard(socket)
            && (socket.IsForEveryAddress || socket.Address.Equals(tunnel.GatewayAddress))
            && (socket.Interface is null || socket.Interface == tunnel.Interface)).ToList();
        return others.Count == 0 ? Finding.Ok("tunnel", "members reach the gateway and nothing else on this host")
            : hasFirewall ? Finding.Ok("tunnel", $"members reach the gateway and nothing else; the firewall keeps them from {Listed(others)}")
            : Finding.Fault("tunnel", $"members reach also {Listed(others)}", "load the firewall: nft -f /etc/gateway/gateway.nft, or deploy/up");
    }

    /// <summary>What the world would reach but for a firewall of the admin's own, which cannot be seen from here.</summary>
    private Finding Outside(IReadOnlyList<ListeningSocket> sockets)
    {
        var open = sockets.Where(socket => !IsWireGuard(socket) && IsForTheWorld(socket)).ToList();
        return open.Count == 0
            ? Finding.Ok("outside", $"UDP port {tunnel.ListenPort} is the only one that listens to the world")
            : Finding.Warning("outside", $"these listen to the world too: {Listed(open)}", "deploy/firewall on shuts them, and asks which port is SSH's");
    }

    /// <summary>The same behind <c>deploy/firewall</c>: it decides, whatever listens.</summary>
    private Finding Outside(OutsideTable outside) =>
        outside.TunnelPort != tunnel.ListenPort
            ? Finding.Fault("outside", $"the firewall lets in UDP port {outside.TunnelPort}, but the tunnel's is {tunnel.ListenPort}: no member gets in", "deploy/up loads it with the port of the configuration")
            : Finding.Ok("outside", $"the firewall lets in UDP port {outside.TunnelPort}{string.Concat(outside.Others.Select(other => $" and {other}"))}, and nothing else");

    private Finding Homeserver(IReadOnlyList<ListeningSocket> sockets)
    {
        if (homeserver.UnixSocket is { } path)
        {
            return Finding.Ok("homeserver", $"on the Unix socket {path}: nobody reaches it around the gateway");
        }

        var url = new Uri(homeserver.Origin);
        if (!url.IsLoopback)
        {
            return Finding.Fault("homeserver", $"{homeserver.BaseUrl} is another host: whoever reads on the way reads along", "run Synapse on this host, on 127.0.0.1 or a Unix socket");
        }

        return sockets.Any(socket => socket.Protocol == "tcp" && socket.Port == url.Port && IsForTheWorld(socket))
            ? Finding.Fault("homeserver", $"port {url.Port} listens to the world: Synapse is reachable around the gateway", "bind_addresses: ['127.0.0.1'] in its listeners, as gateway homeserver-config writes it")
            : Finding.Ok("homeserver", $"on loopback only, port {url.Port}");
    }

    private bool IsForTheWorld(ListeningSocket socket) =>
        !IPAddress.IsLoopback(socket.Address) && !socket.Address.Equals(tunnel.GatewayAddress)
        && socket.Interface != "lo" && socket.Interface != tunnel.Interface;

    private static string Listed(IEnumerable<ListeningSocket> sockets) => string.Join(", ", sockets.Select(socket => socket.ToString()).Distinct(StringComparer.Ordinal));
}
