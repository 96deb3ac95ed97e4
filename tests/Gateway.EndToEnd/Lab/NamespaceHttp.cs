using System.Net;
using System.Net.Security;
using System.Net.Sockets;

namespace Gateway.EndToEnd.Lab;

/// <summary>HTTP from inside a namespace, by the test itself, so that its clock and the gateway's answers stand side by side.</summary>
public static class NamespaceHttp
{
    /// <summary>
    /// A client whose connections go to <paramref name="address"/>, whatever name the URL bears: what a phone's name
    /// resolution does. One connection for each request that runs, as several apps of a phone would.
    /// </summary>
    public static HttpClient Client(NetworkNamespace space, IPAddress address, Uri baseAddress, SslClientAuthenticationOptions? trust = null)
    {
        var handler = new SocketsHttpHandler
        {
            UseProxy = false,
            UseCookies = false,
            AllowAutoRedirect = false,
            SslOptions = trust ?? new SslClientAuthenticationOptions(),
            ConnectCallback = async (context, cancellationToken) =>
            {
                var socket = await space.OpenTcpAsync();
                try
                {
                    socket.NoDelay = true;
                    await socket.ConnectAsync(new IPEndPoint(address, context.DnsEndPoint.Port), cancellationToken);
                    return new NetworkStream(socket, ownsSocket: true);
                }
                catch
                {
                    socket.Dispose();
                    throw;
                }
            },
        };
        return new HttpClient(handler) { BaseAddress = baseAddress, Timeout = TimeSpan.FromSeconds(60) };
    }

    /// <summary>The same over a Unix socket, which is the file system's and no namespace's.</summary>
    public static HttpClient OverSocket(string path, Uri baseAddress) => new(new SocketsHttpHandler
    {
        ConnectCallback = async (_, cancellationToken) =>
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
        },
    })
    { BaseAddress = baseAddress };
}
