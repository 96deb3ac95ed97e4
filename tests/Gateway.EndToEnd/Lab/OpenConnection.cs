using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Gateway.EndToEnd.Lab;

/// <summary>One TLS connection of a phone that stays open, and the certificate that it was shown.</summary>
internal sealed class OpenConnection : IAsyncDisposable
{
    private readonly SslStream stream;

    private OpenConnection(SslStream stream) => this.stream = stream;

    public string Serial => Certificate.SerialNumber;

    public bool IsFor(string name) => Certificate.MatchesHostname(name);

    private X509Certificate2 Certificate => (X509Certificate2)stream.RemoteCertificate!;

    /// <summary>Throws <see cref="System.Security.Authentication.AuthenticationException"/> where the phone does not trust what it is shown.</summary>
    public static async Task<OpenConnection> OpenAsync(Phone phone, SslClientAuthenticationOptions trust)
    {
        var socket = await phone.Space.OpenTcpAsync();
        await socket.ConnectAsync(new IPEndPoint(phone.Gateway, 443));
        var tls = new SslStream(new NetworkStream(socket, ownsSocket: true));
        try
        {
            trust.TargetHost = GatewayHost.ServerName;
            await tls.AuthenticateAsClientAsync(trust);
            return new OpenConnection(tls);
        }
        catch
        {
            await tls.DisposeAsync();
            throw;
        }
    }

    /// <summary>The status line of an answer that comes on this very connection.</summary>
    public async Task<string> AskAsync()
    {
        await stream.WriteAsync(Encoding.ASCII.GetBytes($"GET /_matrix/client/versions HTTP/1.1\r\nHost: {GatewayHost.ServerName}\r\n\r\n"));
        var answer = new StringBuilder();
        var buffer = new byte[4096];
        while (!answer.ToString().Contains("\r\n\r\n", StringComparison.Ordinal))
        {
            var count = await stream.ReadAsync(buffer);
            if (count == 0)
            {
                break;
            }

            answer.Append(Encoding.ASCII.GetString(buffer, 0, count));
        }

        return answer.ToString().Split("\r\n")[0];
    }

    public ValueTask DisposeAsync() => stream.DisposeAsync();
}
