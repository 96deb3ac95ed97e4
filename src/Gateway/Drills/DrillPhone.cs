using System.Net;
using System.Net.NetworkInformation;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using Gateway.Onboarding.Keys;
using Gateway.Tunnel;

namespace Gateway.Drills;

/// <summary>What the drill needs to know of the gateway's configuration. <see cref="Certificate"/>: the leaf that it serves, in DER.</summary>
internal sealed record DrillPlace(string ServerName, int HttpsPort, string Interface, int ListenPort, UserspaceMode Userspace, byte[] Certificate);

/// <summary>
/// A phone on this host: a WireGuard interface of its own, in a network namespace where nothing else is, and what an app would send
/// through it. What it sends goes the whole way of a member's phone but for the first mile: encrypted, to the gateway's UDP port on
/// loopback, since a host behind a port forwarding does not reach itself by its public name.
/// </summary>
internal sealed class DrillPhone : IAsyncDisposable
{
    private const string Prefix = "drill-";
    private const string Digits = "0123456789abcdef";
    private const int DigitCount = 8;

    private static readonly TimeSpan HandshakeDeadline = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(100);

    private readonly OwnNamespace _space;
    private readonly string _link;
    private readonly IPEndPoint _gateway;

    private DrillPhone(OwnNamespace space, string link, IPEndPoint gateway, DrillPlace place)
    {
        (_space, _link, _gateway) = (space, link, gateway);
#pragma warning disable CA2000 // The client owns its handler.
        Http = new HttpClient(Handler(place)) { BaseAddress = new Uri($"https://{place.ServerName}:{place.HttpsPort}/"), Timeout = Timeout.InfiniteTimeSpan };
#pragma warning restore CA2000
    }

    public HttpClient Http { get; }

    /// <summary>Takes up a code's text, as a phone does that scans it. Throws <see cref="TunnelException"/> or <see cref="DrillException"/>.</summary>
    public static async Task<DrillPhone> ScanAsync(string config, DrillPlace place, OwnNamespace space, Entropy entropy, CancellationToken cancellationToken)
    {
        var name = $"{Prefix}{entropy.Word(Digits, DigitCount)}";
        try
        {
            await new NetworkLink(name, place.Userspace).MakeAsync(cancellationToken);
            await Tool.RunAsync("wg", ["setconf", name, "/dev/stdin"], cancellationToken, Plain(config, place.ListenPort));
            await Tool.RunAsync("ip", ["link", "set", "dev", name, "netns", space.File], cancellationToken);
            var phone = new DrillPhone(space, name, new(IPAddress.Parse(ValueOf(config, "AllowedIPs").Split('/')[0]), place.HttpsPort), place);
            await phone.UpAsync(ValueOf(config, "Address"), cancellationToken);
            return phone;
        }
        catch
        {
            // What was moved already goes with its namespace.
            await Tool.TryRunAsync("ip", ["link", "delete", "dev", name], CancellationToken.None);
            throw;
        }
    }

    /// <summary>Links of a drill that was killed before it could put them away.</summary>
    public static async Task RemoveLeftoversAsync(CancellationToken cancellationToken)
    {
        foreach (var one in NetworkInterface.GetAllNetworkInterfaces().Where(one => IsOurs(one.Name)))
        {
            await Tool.TryRunAsync("ip", ["link", "delete", "dev", one.Name], cancellationToken);
        }
    }

    /// <summary>Until the gateway has answered; throws <see cref="DrillException"/> where it does not.</summary>
    public async Task ShakeHandsAsync(CancellationToken cancellationToken)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(HandshakeDeadline);
        try
        {
            // Key, tab, seconds since the epoch; 0 for never (wg(8)).
            while ((await InsideAsync("wg", ["show", _link, "latest-handshakes"], deadline.Token)).Trim().EndsWith("\t0", StringComparison.Ordinal))
            {
                await Task.Delay(Look, deadline.Token);
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new DrillException($"no handshake within {HandshakeDeadline.TotalSeconds} s", "gateway doctor; does a firewall keep loopback from the UDP port?");
        }
    }

    /// <summary>Whether anybody takes a new connection at the gateway's tunnel address.</summary>
    public async Task<bool> ReachesAsync(TimeSpan patience, CancellationToken cancellationToken)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(patience);
        try
        {
            await using var stream = await ConnectAsync(deadline.Token);
            return true;
        }
        catch (Exception e) when (e is SocketException || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            return false;
        }
    }

    /// <summary>The link goes first: wireguard-go takes that for its end.</summary>
    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await Tool.TryRunAsync("nsenter", [$"--net={_space.File}", "ip", "link", "delete", "dev", _link], CancellationToken.None);
    }

    private static bool IsOurs(string name) => name.Length == Prefix.Length + DigitCount && name.StartsWith(Prefix, StringComparison.Ordinal) && name[Prefix.Length..].All(Digits.Contains);

    private async Task UpAsync(string address, CancellationToken cancellationToken)
    {
        await InsideAsync("ip", ["address", "add", address, "dev", _link], cancellationToken);
        await InsideAsync("ip", ["link", "set", "dev", _link, "mtu", "1280", "up"], cancellationToken);
        await InsideAsync("ip", ["route", "add", $"{_gateway.Address}/32", "dev", _link], cancellationToken);
    }

    private Task<string> InsideAsync(string program, string[] arguments, CancellationToken cancellationToken) =>
        Tool.RunAsync("nsenter", [$"--net={_space.File}", program, .. arguments], cancellationToken);

    /// <summary>What wg(8) understands of wg-quick(8)'s text, to the gateway's port on this host.</summary>
    private static string Plain(string config, int port) => string.Join('\n', config.Split('\n')
        .Where(line => !line.StartsWith("Address", StringComparison.Ordinal) && !line.StartsWith("MTU", StringComparison.Ordinal))
        .Select(line => line.StartsWith("Endpoint", StringComparison.Ordinal) ? $"Endpoint = 127.0.0.1:{port}" : line));

    private static string ValueOf(string config, string key) =>
        config.Split('\n').Single(line => line.StartsWith(key + " ", StringComparison.Ordinal)).Split('=', 2)[1].Trim();

    /// <summary>The certificate is compared with the gateway's own: whether phones trust it is the doctor's to say, and here a stranger's must not pass.</summary>
    private SocketsHttpHandler Handler(DrillPlace place) => new()
    {
        UseProxy = false,
        UseCookies = false,
        AllowAutoRedirect = false,
        SslOptions = new SslClientAuthenticationOptions
        {
            // Nothing is fetched for it from anywhere.
            CertificateChainPolicy = new X509ChainPolicy { DisableCertificateDownloads = true, RevocationMode = X509RevocationMode.NoCheck },
            RemoteCertificateValidationCallback = (_, seen, _, _) => seen?.GetRawCertData().AsSpan().SequenceEqual(place.Certificate) == true,
        },
        ConnectCallback = (_, cancellationToken) => ConnectAsync(cancellationToken),
    };

    private async ValueTask<Stream> ConnectAsync(CancellationToken cancellationToken)
    {
        var socket = await _space.InsideAsync(() => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true });
        try
        {
            await socket.ConnectAsync(_gateway, cancellationToken);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
