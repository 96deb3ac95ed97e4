using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Text.Json.Nodes;

namespace Gateway.EndToEnd.Lab;

/// <summary>
/// A member's device: a namespace somewhere on the Internet that was given nothing but the text of a QR code, and brought
/// its tunnel up with <c>wg-quick</c> and wireguard-go.
/// </summary>
public sealed class Phone : IDisposable
{
    private static readonly Uri Server = new($"https://{GatewayHost.ServerName}/");

    private Phone(NetworkNamespace space, string link, IPAddress gateway, Authority authority, string folder)
    {
        Space = space;
        Link = link;
        Folder = folder;
        Gateway = gateway;
        Http = NamespaceHttp.Client(space, gateway, Server, authority.Trust);
    }

    public NetworkNamespace Space { get; }

    /// <summary>The gateway's tunnel address.</summary>
    public IPAddress Gateway { get; }

    /// <summary>The phone's own WireGuard interface.</summary>
    public string Link { get; }

    /// <summary>HTTPS to the gateway through the tunnel, as an app of this phone.</summary>
    public HttpClient Http { get; }

    /// <summary>The phone's files; the authority it trusts is <c>authority.pem</c> in it.</summary>
    public string Folder { get; }

    /// <summary>Sets a new phone up with the text unchanged; <paramref name="names"/> are further ones that it can resolve.</summary>
    public static async Task<Phone> ConnectAsync(NetworkNamespace space, LabName lab, Authority authority, IPAddress gateway, string config, params IEnumerable<string> names)
    {
        await space.SetHostsAsync([$"{gateway} {GatewayHost.ServerName}", .. names]);
        var link = lab.NextLink();
        var folder = Directory.CreateDirectory(Path.Combine(lab.Folder, link)).FullName;
        await File.WriteAllTextAsync(Path.Combine(folder, "authority.pem"), authority.Pem);
        var phone = new Phone(space, link, gateway, authority, folder);
        // wg-quick names the interface after the file.
        var file = Path.Combine(folder, $"{link}.conf");
        await using (var writer = new StreamWriter(file, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite }))
        {
            await writer.WriteAsync(config);
        }

        (await space.RunAsync("wg-quick", "up", file)).Expect();
        return phone;
    }

    /// <summary>Switches the tunnel off and on, after a name has come to mean another address: apps resolve the endpoint then.</summary>
    public async Task ToggleAsync(params IEnumerable<string> names)
    {
        var file = Path.Combine(Folder, $"{Link}.conf");
        (await Space.RunAsync("wg-quick", "down", file)).Expect();
        await Space.SetHostsAsync([$"{Gateway} {GatewayHost.ServerName}", .. names]);
        (await Space.RunAsync("wg-quick", "up", file)).Expect();
    }

    public async Task<string> PublicKeyAsync() => (await Space.RunAsync("wg", "show", Link, "public-key")).Expect().Trim();

    /// <summary>When the last handshake was, in seconds since 1970; 0 where there was none.</summary>
    public async Task<long> LastHandshakeAsync()
    {
        var line = (await Space.RunAsync("wg", "show", Link, "latest-handshakes")).Expect();
        return long.Parse(line.Split('\t')[1], System.Globalization.CultureInfo.InvariantCulture);
    }

    public Task WaitForHandshakeAsync() =>
        Until.ValueAsync("a handshake", TimeSpan.FromSeconds(10), LastHandshakeAsync, at => at > 0);

    /// <summary>What the owner of a phone can change on it: more addresses are sent into the tunnel, and taken out of it.</summary>
    public async Task AllowAlsoAsync(IPAddress address, int prefix = 32)
    {
        var route = $"{address}/{prefix}";
        var allowed = (await Space.RunAsync("wg", "show", Link, "allowed-ips")).Expect().Trim().Split('\t');
        (await Space.RunAsync("wg", "set", Link, "peer", allowed[0], "allowed-ips", $"{allowed[1]},{route}")).Expect();
        await Space.IpAsync("route", "replace", route, "dev", Link);
    }

    /// <summary>What any Matrix client asks first; 200 says that the way through the tunnel to the homeserver is whole.</summary>
    public async Task<MatrixAnswer> GetAsync(string target, string? accessToken = null)
    {
        using var request = MatrixAnswer.Request(HttpMethod.Get, target, accessToken);
        return await MatrixAnswer.ReadAsync(await Http.SendAsync(request));
    }

    /// <summary>The serial number of the certificate that a new connection is shown.</summary>
    public async Task<string> CertificateSerialAsync(Authority authority)
    {
        using var socket = await Space.OpenTcpAsync();
        await socket.ConnectAsync(new IPEndPoint(Gateway, 443));
        await using var stream = new SslStream(new NetworkStream(socket));
        var trust = authority.Trust;
        trust.TargetHost = GatewayHost.ServerName;
        await stream.AuthenticateAsClientAsync(trust);
        using var certificate = System.Security.Cryptography.X509Certificates.X509CertificateLoader.LoadCertificate(stream.RemoteCertificate!.GetRawCertData());
        return certificate.SerialNumber;
    }

    /// <summary>Syncs until there was no news for a second, and returns from where the next one waits.</summary>
    public async Task<string> CalmAsync(string accessToken)
    {
        var since = (await GetAsync("_matrix/client/v3/sync?timeout=0", accessToken)).Json.GetProperty("next_batch").GetString()!;
        await Until.TrueAsync("no news for a second", TimeSpan.FromSeconds(20), async () =>
        {
            var before = since;
            since = (await GetAsync($"_matrix/client/v3/sync?since={before}&timeout=1000", accessToken)).Json.GetProperty("next_batch").GetString()!;
            return since == before;
        });
        return since;
    }

    /// <summary>A login with a code in the place of the password, as a client that knows only passwords sends it.</summary>
    public async Task<MatrixAnswer> LoginAsync(string member, string code)
    {
        using var request = MatrixAnswer.Request(HttpMethod.Post, "_matrix/client/v3/login", null);
        request.Content = JsonContentOf(new JsonObject
        {
            ["type"] = "m.login.password",
            ["identifier"] = new JsonObject { ["type"] = "m.id.user", ["user"] = member },
            ["password"] = code,
        });
        return await MatrixAnswer.ReadAsync(await Http.SendAsync(request));
    }

    public void Dispose() => Http.Dispose();

    internal static StringContent JsonContentOf(JsonNode json) => new(json.ToJsonString(), new System.Net.Http.Headers.MediaTypeHeaderValue("application/json"));
}
