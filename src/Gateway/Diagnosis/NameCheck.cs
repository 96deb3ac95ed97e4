using System.Net;
using System.Net.Sockets;
using Gateway.Tunnel;

namespace Gateway.Diagnosis;

/// <summary>Asks for a name's addresses; throws <see cref="SocketException"/> where there are none.</summary>
internal delegate Task<IPAddress[]> NameLookup(string name, CancellationToken cancellationToken);

/// <summary>The server's name leads into the tunnel, and nowhere else.</summary>
internal sealed class NameCheck(GatewayOptions gateway, TunnelOptions tunnel, NameLookup lookup) : ICheck
{
    public string Name => "name";

    public async Task<IReadOnlyList<Finding>> LookAsync(CancellationToken cancellationToken)
    {
        var wayOut = $"one A record: {gateway.ServerName} → {tunnel.GatewayAddress}, TTL 300, and no AAAA (docs/certificates.md)";
        try
        {
            var addresses = await lookup(gateway.ServerName, cancellationToken);
            return addresses.Length > 0 && addresses.All(address => address.Equals(tunnel.GatewayAddress))
                ? [Finding.Ok(Name, $"{gateway.ServerName} is {tunnel.GatewayAddress}")]
                : [Finding.Fault(Name, $"{gateway.ServerName} is {string.Join(", ", addresses.AsEnumerable())}: phones look for the gateway there", wayOut)];
        }
        catch (SocketException fault)
        {
            return [Finding.Warning(Name, $"{gateway.ServerName} has no address as seen from here: {fault.Message}", wayOut)];
        }
    }
}
