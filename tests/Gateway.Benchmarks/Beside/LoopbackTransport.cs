using System.Net;
using Gateway.Listening;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace Gateway.Benchmarks.Beside;

/// <summary>
/// Stands in for the tunnel: the members' listener is on loopback, where 127.19.x.y is shown to the program as 198.19.x.y and
/// every other address as the first device's. It costs once for each connection, nothing for a request.
/// </summary>
internal sealed class LoopbackTransport(IOptionsFactory<SocketTransportOptions> options) : IConnectionListenerFactory, IConnectionListenerFactorySelector
{
    private readonly SocketTransportFactory _sockets = new(Options.Create(InterfaceListenerFactory.Transport(options)), NullLoggerFactory.Instance);

    public bool CanBind(EndPoint endpoint) => endpoint is IPEndPoint;

    public async ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default) =>
        new Translated(await _sockets.BindAsync(new IPEndPoint(IPAddress.Any, ((IPEndPoint)endpoint).Port), cancellationToken));

    private static IPAddress Shown(IPAddress address) =>
        address.GetAddressBytes() is [127, 19, var third, var fourth] ? new IPAddress([198, 19, third, fourth]) : new IPAddress([198, 19, 0, 2]);

    private sealed class Translated(IConnectionListener inner) : IConnectionListener
    {
        public EndPoint EndPoint => inner.EndPoint;

        public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
        {
            var connection = await inner.AcceptAsync(cancellationToken);
            if (connection?.RemoteEndPoint is IPEndPoint from)
            {
                connection.RemoteEndPoint = new IPEndPoint(Shown(from.Address), from.Port);
            }

            return connection;
        }

        public ValueTask UnbindAsync(CancellationToken cancellationToken = default) => inner.UnbindAsync(cancellationToken);

        public ValueTask DisposeAsync() => inner.DisposeAsync();
    }
}
