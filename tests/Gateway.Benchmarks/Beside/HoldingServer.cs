using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Gateway.Benchmarks.Beside;

/// <summary><c>hold</c>: a homeserver that holds every <c>/sync</c> for ever, and says <c>{}</c> to everything else. Ends with its input.</summary>
internal static class HoldingServer
{
    private static readonly byte[] Answer = Encoding.ASCII.GetBytes("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}");

    public static async Task<int> RunAsync()
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, Place.Holding));
        listener.Listen(4096);
        _ = AcceptAsync(listener);
        await Console.In.ReadToEndAsync();
        return 0;
    }

    private static async Task AcceptAsync(Socket listener)
    {
        while (true)
        {
            _ = ServeAsync(await listener.AcceptAsync());
        }
    }

    private static async Task ServeAsync(Socket socket)
    {
        using (socket)
        {
            var buffer = new byte[2048];
            try
            {
                while (await socket.ReceiveAsync(buffer) is > 0 and var length)
                {
                    if (!buffer.AsSpan(0, length).StartsWith("GET /_matrix/client/v3/sync"u8))
                    {
                        await socket.SendAsync(Answer);
                    }
                }
            }
            catch (SocketException)
            {
                // Whoever asked has gone.
            }
        }
    }
}
