using System.Globalization;
using System.Net;
using System.Runtime.CompilerServices;
using Gateway.Tests.Testing;

namespace Gateway.EndToEnd.Lab;

/// <summary>
/// A gateway whose server has IPv6 as well, a stranger in the same data centre, and <c>deploy/firewall</c> as the admin
/// runs it, on a copy of the scripts and with the lab's own configuration folder.
/// </summary>
public sealed class FirewallLab : IAsyncLifetime
{
    private readonly List<NetworkNamespace> guests = [];
    private readonly List<IDisposable> phones = [];
    private readonly Authority authority = new();
    private FakeHomeserver? homeserver;
    private NetworkNamespace? server;
    private NetworkNamespace? stranger;
    private GatewayHost? gateway;

    public static IPAddress ServerV4 { get; } = IPAddress.Parse(TestLab.PublicAddress);

    public static IPAddress ServerV6 { get; } = IPAddress.Parse("2001:db8:1::10");

    /// <summary>The data centre's own prefixes, where the stranger is; phones are elsewhere.</summary>
    public static string StrangersPrefixes => "203.0.113.0/24\n2001:db8:1::/64\n";

    public TestNetwork Network { get; } = new();

    public NetworkNamespace Server => server!;

    public NetworkNamespace Stranger => stranger!;

    public GatewayHost Gateway => gateway!;

    /// <summary>A copy of <c>deploy</c>, for tests to break.</summary>
    public string Scripts => Path.Combine(Network.Name.Folder, "deploy");

    private string ConfigFolder => Path.GetDirectoryName(Gateway.AdminSocket)!;

    public async ValueTask InitializeAsync()
    {
        await Network.StartAsync();
        server = await Network.AddHostAsync("server", TestNetwork.DataCentre, 10);
        stranger = await Network.AddHostAsync("stranger", TestNetwork.DataCentre, 99);
        await server.IpAsync("address", "add", $"{ServerV6}/64", "dev", "eth0", "nodad");
        await stranger.IpAsync("address", "add", "2001:db8:1::99/64", "dev", "eth0", "nodad");
        (await Command.RunAsync("cp", "-r", DeployFolder(), Scripts)).Expect();
        var socket = Path.Combine(Network.Name.Folder, "homeserver.sock");
        homeserver = await FakeHomeserver.StartAsync($"http://unix:{socket}");
        gateway = new GatewayHost(server, Network.Name, TestLab.PublicAddress, authority);
        gateway.Settings["Homeserver:BaseUrl"] = $"unix:{socket}";
        // What the unit tests' homeserver is called.
        gateway.Settings["Gateway:ServerName"] = "chat.example";
        await gateway.StartAsync();
    }

    /// <summary><c>deploy/firewall …</c> on the server.</summary>
    public Task<Finished> FirewallAsync(params string[] arguments) =>
        Server.RunAsync("env", [$"GATEWAY_CONFIG_DIR={ConfigFolder}", Path.Combine(Scripts, "firewall"), .. arguments]);

    /// <summary>The same in a login of its own, as pam_loginuid(8) makes one.</summary>
    public Task<Finished> LogInAsync(string script) =>
        Server.FeedAsync($"set -e\necho 0 >/proc/self/loginuid\nfirewall() {{ {Path.Combine(Scripts, "firewall")} \"$@\"; }}\n{script}\n", "env", $"GATEWAY_CONFIG_DIR={ConfigFolder}", "bash", "-s");

    /// <summary>The same in a session of its own, of which nothing is left the moment after.</summary>
    public Task<Finished> CutOffAsync(params string[] arguments) =>
        Server.RunAsync("setsid", ["--wait", "env", $"GATEWAY_CONFIG_DIR={ConfigFolder}", "sh", "-c", "\"$@\"; kill -KILL 0", "sh", Path.Combine(Scripts, "firewall"), .. arguments]);

    /// <summary>The same, confirmed.</summary>
    public async Task LoadAsync(params string[] arguments)
    {
        var said = (await FirewallAsync(["on", .. arguments])).Expect();
        if (said.StartsWith("On trial", StringComparison.Ordinal))
        {
            (await FirewallAsync("confirm", "--here")).Expect();
        }
    }

    /// <summary>A file beside the configuration with these lines.</summary>
    public async Task<string> WriteAsync(string name, string text)
    {
        var file = Path.Combine(Network.Name.Folder, name);
        await File.WriteAllTextAsync(file, text);
        return file;
    }

    /// <summary>All that nftables holds on the server, without what it counts and whom it remembers.</summary>
    public async Task<string> RulesAsync() => (await Server.RunAsync("nft", "--stateless", "--terse", "list", "ruleset")).Expect();

    /// <summary>What lies beside the gateway's own files.</summary>
    public IReadOnlyList<string> Remembered() =>
        [.. Directory.EnumerateDirectories(ConfigFolder, "firewall*").Select(folder => Path.GetFileName(folder)).Order(StringComparer.Ordinal)];

    /// <summary>A device that was enrolled just now, and its phone.</summary>
    public async Task<(Enrolment Enrolment, Phone Phone)> JoinAsync(string member)
    {
        var enrolment = await Gateway.EnrolAsync(member, "phone");
        var space = await Network.AddPhoneHostAsync();
        guests.Add(space);
        var phone = await ConnectAsync(space, enrolment.Config);
        phones.Add(phone);
        return (enrolment, phone);
    }

    public Task<Phone> ConnectAsync(NetworkNamespace space, string config) =>
        Phone.ConnectAsync(space, Network.Name, authority, Gateway.TunnelAddress, config);

    /// <summary>What a reboot does to the firewall: the kernel forgets, counts its boots anew, and the unit loads its file.</summary>
    public async Task RebootAsync()
    {
        (await Server.RunAsync("nft", "flush", "ruleset")).Expect();
        await File.WriteAllTextAsync(Path.Combine(ConfigFolder, "firewall.trial", "id"), "the boot before\n");
        var unit = await File.ReadAllLinesAsync(Path.Combine(Scripts, "systemd", "gateway-firewall.service"));
        var start = unit.Single(line => line.StartsWith("ExecStart=", StringComparison.Ordinal))[10..].Replace("/etc/gateway", ConfigFolder, StringComparison.Ordinal).Split(' ');
        // With the rights that the unit leaves it.
        (await Server.RunAsync("setpriv", ["--bounding-set=-all,+net_admin", "--inh-caps=-all,+net_admin", "--no-new-privs", .. start])).Expect();
    }

    /// <summary>As if the configuration had been brought here with a backup.</summary>
    public Task ComeFromAnotherServerAsync() =>
        File.WriteAllTextAsync(Path.Combine(ConfigFolder, "firewall", "machine"), "0123456789abcdef0123456789abcdef\n");

    /// <summary>Whether the gateway itself is reached through the phone's tunnel.</summary>
    public Task<bool> IsThroughAsync(Phone phone) => Doorbell.OpensAsync(phone.Space, Gateway.TunnelAddress, 443);

    /// <summary>How many datagrams got as far as a socket of the server, read or not.</summary>
    public async Task<long> ArrivedAsync()
    {
        // proc_net(5): InDatagrams is counted when they are read, InErrors when there was no more room.
        var v4 = (await Server.RunAsync("cat", "/proc/net/snmp")).Expect().Split('\n').Where(line => line.StartsWith("Udp: ", StringComparison.Ordinal)).Select(line => line.Split(' ')).ToList();
        var v6 = (await Server.RunAsync("cat", "/proc/net/snmp6")).Expect().Split('\n').Select(line => line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)).ToList();
        return Number(v4[1][Array.IndexOf(v4[0], "InDatagrams")]) + Number(v4[1][Array.IndexOf(v4[0], "InErrors")])
            + Number(v6.Single(line => line is ["Udp6InDatagrams", _])[1]) + Number(v6.Single(line => line is ["Udp6InErrors", _])[1]);
    }

    /// <summary>The host as it was, without phones.</summary>
    public async ValueTask EndStoryAsync()
    {
        phones.ForEach(phone => phone.Dispose());
        phones.Clear();
        foreach (var guest in guests)
        {
            await Network.RemoveAsync(guest);
        }

        guests.Clear();
        (await FirewallAsync("off")).Expect();
        (await Server.RunAsync("nft", "flush", "ruleset")).Expect();
    }

    /// <summary>Also after a start that failed half way.</summary>
    public async ValueTask DisposeAsync()
    {
        phones.ForEach(phone => phone.Dispose());
        if (gateway is not null)
        {
            await gateway.DisposeAsync();
        }

        if (homeserver is not null)
        {
            await homeserver.DisposeAsync();
        }

        authority.Dispose();
        await Network.DisposeAsync();
    }

    private static long Number(string text) => long.Parse(text, CultureInfo.InvariantCulture);

    private static string DeployFolder([CallerFilePath] string file = "") =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(file)!, "../../../deploy"));
}

/// <summary>The firewall's stories share one gateway; each ends with the host open again.</summary>
[CollectionDefinition(Name)]
public sealed class SharedFirewallLab : ICollectionFixture<FirewallLab>
{
    public const string Name = "firewall";
}
