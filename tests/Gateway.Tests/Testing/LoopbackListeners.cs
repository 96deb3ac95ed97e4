using System.Collections.Concurrent;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace Gateway.Tests.Testing;

/// <summary>
/// Stands in for the tunnel: members' connections arrive on loopback, from 127.19.x.y, and are shown to the program as
/// coming from 198.19.x.y. Everything after the transport is the real Kestrel.
/// </summary>
internal sealed class LoopbackListeners : IConnectionListenerFactory, IConnectionListenerFactorySelector
{
    private readonly SocketTransportFactory _sockets = new(Options.Create(new SocketTransportOptions()), NullLoggerFactory.Instance);

    private readonly ConcurrentDictionary<EndPoint, int> _ports = new();

    /// <summary>The members' listener.</summary>
    public int Port => PortOf(Gateway, 443);

    private static IPAddress Gateway { get; } = IPAddress.Parse("198.19.0.1");

    public bool CanBind(EndPoint endpoint) => endpoint is IPEndPoint;

    public async ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
    {
        var wanted = (IPEndPoint)endpoint;
        var local = IPAddress.IsLoopback(wanted.Address);
        var listener = await _sockets.BindAsync(new IPEndPoint(local ? IPAddress.Loopback : IPAddress.Any, 0), cancellationToken);
        _ports[wanted] = ((IPEndPoint)listener.EndPoint).Port;
        return local ? listener : new Translated(listener);
    }

    /// <summary>Where a listener that was to have this address and port is in truth.</summary>
    public int PortOf(IPAddress address, int port) => _ports[new IPEndPoint(address, port)];

    /// <summary>A client that the gateway sees at this tunnel address.</summary>
    public HttpClient ClientAt(IPAddress tunnelAddress, X509Certificate2 trusted, int port = 443) => new(new SocketsHttpHandler
    {
        UseCookies = false,
        AllowAutoRedirect = false,
        SslOptions = TlsOptions(trusted),
        ConnectCallback = async (_, token) => await ConnectAsync(tunnelAddress, port, token),
    })
    {
        BaseAddress = new Uri($"https://chat.example:{port}"),
        Timeout = TimeSpan.FromSeconds(20),
    };

    /// <summary>A TLS connection from this tunnel address, for bytes that no client library would send.</summary>
    public async Task<SslStream> RawAt(IPAddress tunnelAddress, X509Certificate2 trusted, SslApplicationProtocol protocol)
    {
        var options = TlsOptions(trusted);
        options.ApplicationProtocols = [protocol];
        var stream = new SslStream(await ConnectAsync(tunnelAddress, 443, default));
        await stream.AuthenticateAsClientAsync(options);
        return stream;
    }

    private async Task<NetworkStream> ConnectAsync(IPAddress tunnelAddress, int port, CancellationToken cancellationToken)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(WithFirstByte(tunnelAddress, 127), 0));
        await socket.ConnectAsync(IPAddress.Loopback, PortOf(Gateway, port), cancellationToken);
        return new NetworkStream(socket, ownsSocket: true);
    }

    private static SslClientAuthenticationOptions TlsOptions(X509Certificate2 trusted) => new()
    {
        TargetHost = "chat.example",
        CertificateChainPolicy = new()
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            CustomTrustStore = { trusted },
            RevocationMode = X509RevocationMode.NoCheck,
        },
    };

    private static IPAddress WithFirstByte(IPAddress address, byte first)
    {
        var bytes = address.GetAddressBytes();
        bytes[0] = first;
        return new IPAddress(bytes);
    }

    private sealed class Translated(IConnectionListener inner) : IConnectionListener
    {
        public EndPoint EndPoint => inner.EndPoint;

        public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
        {
            var connection = await inner.AcceptAsync(cancellationToken);
            if (connection?.RemoteEndPoint is IPEndPoint from)
            {
                connection.RemoteEndPoint = new IPEndPoint(WithFirstByte(from.Address, 198), from.Port);
            }

            return connection;
        }

        public ValueTask UnbindAsync(CancellationToken cancellationToken = default) => inner.UnbindAsync(cancellationToken);

        public ValueTask DisposeAsync() => inner.DisposeAsync();
    }
}
