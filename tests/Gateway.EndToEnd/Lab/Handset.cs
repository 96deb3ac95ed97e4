using System.Net;

namespace Gateway.EndToEnd.Lab;

/// <summary>A phone whose WireGuard interface stays while it is shown one QR after the other: a new <see cref="Phone"/> for each would cost a round's time.</summary>
public sealed class Handset : IDisposable
{
    private readonly NetworkNamespace space;
    private readonly string link;
    private readonly IPAddress gateway;

    private Handset(NetworkNamespace space, string link, IPAddress gateway, HttpClient http)
    {
        this.space = space;
        this.link = link;
        this.gateway = gateway;
        Http = http;
    }

    public HttpClient Http { get; }

    public static async Task<Handset> MakeAsync(TestNetwork network, Authority authority, IPAddress gateway, Uri server)
    {
        var at = await network.AddPhoneHostAsync();
        var name = network.Name.NextLink();
        (await at.RunAsync("wireguard-go", name)).Expect();
        return new Handset(at, name, gateway, NamespaceHttp.Client(at, gateway, server, authority.Trust));
    }

    /// <summary>Takes up a QR's text, without the lines that only wg-quick(8) knows.</summary>
    public async Task ScanAsync(string config)
    {
        string[] forQuick = ["Address", "MTU"];
        var lines = config.Split('\n');
        var address = lines.Single(line => line.StartsWith("Address", StringComparison.Ordinal)).Split('=')[1].Trim();
        var rest = string.Join('\n', lines.Where(line => !forQuick.Any(key => line.StartsWith(key, StringComparison.Ordinal))));
        (await space.FeedAsync(rest, "wg", "setconf", link, "/dev/stdin")).Expect();
        await space.IpAsync("address", "flush", "dev", link);
        await space.IpAsync("address", "add", address, "dev", link);
        await space.IpAsync("link", "set", link, "mtu", "1280", "up");
        await space.IpAsync("route", "replace", $"{gateway}/32", "dev", link);
    }

    public void Dispose() => Http.Dispose();
}
