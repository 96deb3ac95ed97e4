using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.RegularExpressions;

namespace Gateway.Benchmarks.Beside;

/// <summary><c>hold</c>: a homeserver that holds every <c>/sync</c> for ever, makes every account, and says <c>{}</c> to everything else. Ends with its input.</summary>
internal static partial class HoldingServer
{
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
                var request = "";
                while (await socket.ReceiveAsync(buffer) is > 0 and var length)
                {
                    request += Encoding.ASCII.GetString(buffer, 0, length);
                    var registers = request.StartsWith("POST /_matrix/client/v3/register", StringComparison.Ordinal);
                    var username = Username().Match(request);
                    if (request.StartsWith("GET /_matrix/client/v3/sync", StringComparison.Ordinal) || (registers && !username.Success))
                    {
                        continue;
                    }

                    var body = registers ? $$"""{"user_id":"@{{username.Groups["name"].Value}}:{{Place.ServerName}}"}""" : "{}";
                    await socket.SendAsync(Encoding.ASCII.GetBytes($"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {body.Length}\r\n\r\n{body}"));
                    request = "";
                }
            }
            catch (SocketException)
            {
                // Whoever asked has gone.
            }
        }
    }

    [GeneratedRegex("\"username\":\"(?<name>[^\"]+)\"", RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking)]
    private static partial Regex Username();
}
