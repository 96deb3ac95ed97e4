using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Gateway.Tunnel;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Options;

namespace Gateway.Listening;

/// <summary>
/// Binds every IP listener to the tunnel's interface and not only to its address. Linux accepts a packet for the
/// tunnel address on any interface, so an address-only listener answers hosts outside of the tunnel and believes
/// their source addresses; but for loopback, there is no way round this class to such a listener.
/// </summary>
internal sealed class InterfaceListenerFactory(
    NetworkLink link, IOptionsFactory<SocketTransportOptions> options, TimeProvider time, ILoggerFactory logs)
    : IConnectionListenerFactory, IConnectionListenerFactorySelector
{
    // socket(7)
    private const int SolSocket = 1;
    private const int SoBindToDevice = 25;

    /// <summary>IFNAMSIZ: the kernel refuses to answer into less.</summary>
    private const int LongestName = 16;

    private ImmutableList<InterfaceListener> _listeners = [];

    /// <summary>Every listener in the tunnel hears; false while the interface is away.</summary>
    public bool AllAreBound => _listeners.TrueForAll(listener => listener.IsBound);

    public bool CanBind(EndPoint endpoint) => endpoint is IPEndPoint && !LoopbackListenerFactory.IsLoopback(endpoint);

    /// <summary>Waits for an interface that does not exist yet; throws, so that the start fails, where it cannot be bound to.</summary>
    public async ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
    {
        var transport = Transport(options);
        transport.CreateBoundListenSocket = BindSocket;
        var sockets = new SocketTransportFactory(Options.Create(transport), logs);
        var listener = new InterfaceListener(sockets, link, (IPEndPoint)endpoint, time, logs.CreateLogger<InterfaceListener>());
        await listener.StartAsync(cancellationToken);
        ImmutableInterlocked.Update(ref _listeners, (all, one) => all.Add(one), listener);
        return listener;
    }

    /// <summary>How members' connections are read and written.</summary>
    internal static SocketTransportOptions Transport(IOptionsFactory<SocketTransportOptions> options)
    {
        var transport = options.Create(Options.DefaultName);
        transport.UnsafePreferInlineScheduling = true;
        return transport;
    }

    private Socket BindSocket(EndPoint endpoint)
    {
        var socket = new Socket(endpoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            var name = Encoding.ASCII.GetBytes(link.Name + "\0");

            // Before bind: a socket bound to the address alone would listen to every interface until then.
            socket.SetRawSocketOption(SolSocket, SoBindToDevice, name);
            Span<byte> bound = stackalloc byte[LongestName];
            var length = socket.GetRawSocketOption(SolSocket, SoBindToDevice, bound);
            if (!bound[..length].SequenceEqual(name))
            {
                throw new IOException($"The listener for {endpoint} is not bound to the interface {link.Name} although the kernel took the request.");
            }

            socket.Bind(endpoint);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
