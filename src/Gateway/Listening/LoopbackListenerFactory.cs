using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Options;

namespace Gateway.Listening;

/// <summary>Binds the listeners of the console and of the metrics to loopback, which no packet from outside reaches; any other address is the interface's (<see cref="InterfaceListenerFactory"/>).</summary>
internal sealed class LoopbackListenerFactory(IOptions<SocketTransportOptions> options, ILoggerFactory logs) : IConnectionListenerFactory, IConnectionListenerFactorySelector
{
    private readonly SocketTransportFactory _sockets = new(options, logs);

    public bool CanBind(EndPoint endpoint) => IsLoopback(endpoint);

    /// <summary>Throws where the port is taken: another program there would be shown to the admin as the console.</summary>
    public async ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
    {
        try
        {
            return await _sockets.BindAsync(endpoint, cancellationToken);
        }
        catch (AddressInUseException fault)
        {
            throw new IOException($"{(endpoint as LoopbackEndPoint)?.Setting}: another program has {endpoint}: set another port, or 0 for none.", fault);
        }
    }

    public static bool IsLoopback(EndPoint endpoint) => endpoint is IPEndPoint { Address: var address } && IPAddress.IsLoopback(address);
}

/// <summary>A port on loopback, and the setting that it comes from.</summary>
internal sealed class LoopbackEndPoint(int port, string setting) : IPEndPoint(IPAddress.Loopback, port)
{
    public string Setting => setting;
}
