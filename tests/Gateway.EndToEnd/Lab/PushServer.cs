using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Threading.Channels;

namespace Gateway.EndToEnd.Lab;

/// <summary>The server of an app's vendor, which Synapse tells that something came (Push Gateway API). It stands on the server's loopback and keeps every word.</summary>
public sealed class PushServer : IDisposable
{
    private readonly Socket listener;
    private readonly Channel<string> notifications = Channel.CreateUnbounded<string>();

    private PushServer(Socket listener)
    {
        this.listener = listener;
        _ = ServeAsync();
    }

    public Uri Address => new($"http://127.0.0.1:{((IPEndPoint)listener.LocalEndPoint!).Port}/_matrix/push/v1/notify");

    public static async Task<PushServer> StartAsync(NetworkNamespace space) => new(await space.InsideAsync(() =>
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        socket.Listen();
        return socket;
    }));

    /// <summary>The whole of the next request, its head too.</summary>
    public async Task<string> NextAsync()
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        return await notifications.Reader.ReadAsync(patience.Token);
    }

    public void Dispose() => listener.Dispose();

    private async Task ServeAsync()
    {
        try
        {
            while (true)
            {
                using var visitor = await listener.AcceptAsync();
                notifications.Writer.TryWrite(await ReadAsync(visitor));
                await visitor.SendAsync("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 15\r\nConnection: close\r\n\r\n{\"rejected\":[]}"u8.ToArray());
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            notifications.Writer.TryComplete();
        }
    }

    private static async Task<string> ReadAsync(Socket visitor)
    {
        var text = "";
        var buffer = new byte[64 * 1024];
        while (!IsWhole(text))
        {
            var read = await visitor.ReceiveAsync(buffer);
            if (read == 0)
            {
                break;
            }

            text += Encoding.UTF8.GetString(buffer, 0, read);
        }

        return text;
    }

    private static bool IsWhole(string text)
    {
        var end = text.IndexOf("\r\n\r\n", StringComparison.Ordinal);
        const string length = "content-length:";
        var line = text.Split("\r\n").FirstOrDefault(line => line.StartsWith(length, StringComparison.OrdinalIgnoreCase));
        return end > 0 && line is not null && text.Length - end - 4 >= int.Parse(line[length.Length..], CultureInfo.InvariantCulture);
    }
}
