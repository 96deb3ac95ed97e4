using System.Net.Sockets;
using System.Text;

namespace Gateway.Proxy;

/// <summary>How bytes get to the homeserver: TCP or a Unix socket, nothing followed, decoded, remembered or added on the way.</summary>
internal static class HomeserverConnection
{
    public static SocketsHttpHandler Handler(HomeserverOptions options) => new()
    {
        UseProxy = false,
        AllowAutoRedirect = false,
        AutomaticDecompression = System.Net.DecompressionMethods.None,
        UseCookies = false,
        ActivityHeadersPropagator = null,

        // As the members' listener reads them: the name of an app may have accents.
        RequestHeaderEncodingSelector = (_, _) => Encoding.UTF8,
        ConnectTimeout = TimeSpan.FromSeconds(5),
        PooledConnectionLifetime = TimeSpan.FromMinutes(10),

        // Shorter than Synapse's own, so that it never closes a connection that we are about to use.
        PooledConnectionIdleTimeout = TimeSpan.FromSeconds(30),
        ConnectCallback = options.UnixSocket is { } path ? (_, token) => ConnectAsync(path, token) : null,
    };

    private static async ValueTask<Stream> ConnectAsync(string path, CancellationToken cancellationToken)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancellationToken);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
