using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;

namespace Gateway.Benchmarks.Beside;

/// <summary>One phone's open <c>/sync</c>, from its own address on loopback; it knows when it ended.</summary>
internal sealed class Poll : IDisposable
{
    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private Stream _stream = Stream.Null;

    public Poll(int device) => Device = device;

    public int Device { get; }

    /// <summary>When its last byte, or its end, was seen; null while it is open.</summary>
    public DateTimeOffset? Ended { get; private set; }

    public async Task OpenAsync(int port, bool tls)
    {
        var (third, fourth) = Place.Host(Device);
        _socket.Bind(new IPEndPoint(new IPAddress([127, 19, third, fourth]), 0));
        await _socket.ConnectAsync(IPAddress.Loopback, port);
        _stream = new NetworkStream(_socket);
        if (tls)
        {
            var secured = new SslStream(_stream, leaveInnerStreamOpen: false, (_, _, _, _) => true);
            await secured.AuthenticateAsClientAsync(Place.ServerName);
            _stream = secured;
        }

        await _stream.WriteAsync(Encoding.ASCII.GetBytes($"GET {Place.Target} HTTP/1.1\r\nHost: {Place.ServerName}\r\nAuthorization: Bearer {Place.Token(Device)}\r\n\r\n"));
        _ = WatchAsync();
    }

    public void Dispose()
    {
        _stream.Dispose();
        _socket.Dispose();
    }

    private async Task WatchAsync()
    {
        try
        {
            var buffer = new byte[512];
            while (await _stream.ReadAsync(buffer) > 0)
            {
                // An answer; its end is what counts.
            }
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
        {
            // Aborted, as it shall be.
        }

        Ended = TimeProvider.System.GetUtcNow();
    }
}
