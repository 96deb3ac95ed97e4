using Gateway.Tests.Testing;

namespace Gateway.EndToEnd.Lab;

/// <summary>
/// The real gateway on a real WireGuard interface, with the unit tests' homeserver instead of Synapse: for speed, and for
/// faults on command. The homeserver answers on a Unix socket, so the test's own process can be it. Nothing is started yet.
/// </summary>
public sealed class SmallLab : IAsyncDisposable
{
    /// <summary>What <see cref="FakeHomeserver"/> is the homeserver of.</summary>
    private const string ServerName = "chat.example";

    private readonly Authority authority = new();
    private readonly List<Handset> handsets = [];
    private NetworkNamespace? server;
    private GatewayHost? gateway;
    private FakeHomeserver? homeserver;

    private SmallLab()
    {
    }

    public TestNetwork Network { get; } = new();

    public NetworkNamespace Server => server!;

    public GatewayHost Gateway => gateway!;

    internal FakeHomeserver Homeserver => homeserver!;

    public static async Task<SmallLab> MakeAsync()
    {
        var lab = new SmallLab();
        try
        {
            await lab.PrepareAsync();
            return lab;
        }
        catch
        {
            await lab.DisposeAsync();
            throw;
        }
    }

    public async Task<Handset> AddHandsetAsync()
    {
        var handset = await Handset.MakeAsync(Network, authority, Gateway.TunnelAddress, new Uri($"https://{ServerName}/"));
        handsets.Add(handset);
        return handset;
    }

    public async ValueTask DisposeAsync()
    {
        if (gateway is not null)
        {
            await gateway.DisposeAsync();
        }

        if (homeserver is not null)
        {
            await homeserver.DisposeAsync();
        }

        handsets.ForEach(handset => handset.Dispose());
        authority.Dispose();
        await Network.DisposeAsync();
    }

    private async Task PrepareAsync()
    {
        await Network.StartAsync();
        server = await Network.AddHostAsync("server", TestNetwork.DataCentre, 10);
        var socket = Path.Combine(Network.Name.Folder, "homeserver.sock");
        homeserver = await FakeHomeserver.StartAsync($"http://unix:{socket}");
        gateway = new GatewayHost(server, Network.Name, TestLab.PublicAddress, authority);
        authority.Issue(ServerName, gateway.CertificatePath, gateway.KeyPath);
        gateway.Settings["Gateway:ServerName"] = ServerName;
        gateway.Settings["Homeserver:BaseUrl"] = $"unix:{socket}";
    }
}
