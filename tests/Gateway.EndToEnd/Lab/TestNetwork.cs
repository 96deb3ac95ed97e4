namespace Gateway.EndToEnd.Lab;

/// <summary>
/// A small Internet of namespaces with two segments, joined by a router: the data centre, where the rented server and its
/// neighbours stand, and the access network of the phones. Nothing in it has a way to the machine's own links.
/// </summary>
public sealed class TestNetwork : IAsyncDisposable
{
    private readonly List<NetworkNamespace> hosts = [];
    private NetworkNamespace? internet;
    private readonly List<string> identities = [];
    private int count;

    public static string DataCentre => "203.0.113";

    public static string AccessNetwork => "198.51.100";

    public LabName Name { get; } = new();

    public async Task StartAsync()
    {
        await Leftovers.SweepAsync();
        Directory.CreateDirectory(Name.Folder);
        internet = await NetworkNamespace.MakeAsync(Name, "internet");
        Keep(internet);
        await AddSegmentAsync("dc", DataCentre);
        await AddSegmentAsync("access", AccessNetwork);
        (await internet.RunAsync("sysctl", "-qw", "net.ipv4.ip_forward=1")).Expect();
    }

    /// <summary>A new machine in a segment, with its address on <c>eth0</c> and its default route to the Internet.</summary>
    public async Task<NetworkNamespace> AddHostAsync(string role, string segment, int host)
    {
        var machine = await NetworkNamespace.MakeAsync(Name, role);
        Keep(machine);
        var port = $"port{++count}";
        await internet!.IpAsync("link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", machine.Name);
        await internet!.IpAsync("link", "set", port, "master", segment == DataCentre ? "dc" : "access", "up");
        await machine.IpAsync("address", "add", $"{segment}.{host}/24", "dev", "eth0");
        await machine.IpAsync("link", "set", "eth0", "up");
        await machine.IpAsync("route", "add", "default", "via", $"{segment}.1");
        return machine;
    }

    /// <summary>A new machine of somebody who sits where phones sit.</summary>
    public Task<NetworkNamespace> AddPhoneHostAsync() => AddHostAsync($"phone{count + 1}", AccessNetwork, 10 + count);

    public async Task RemoveAsync(NetworkNamespace host)
    {
        await host.DisposeAsync();
        hosts.Remove(host);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var host in Enumerable.Reverse(hosts))
        {
            await host.DisposeAsync();
        }

        if (Directory.Exists(Name.Folder))
        {
            Directory.Delete(Name.Folder, recursive: true);
        }

        Leftovers.RemoveIfEmpty(NetworkNamespace.EtcFolders);
        await Leftovers.AssertNoneAsync(Name, identities);
    }

    private void Keep(NetworkNamespace host)
    {
        hosts.Add(host);
        identities.Add(host.Identity);
    }

    private async Task AddSegmentAsync(string bridge, string segment)
    {
        await internet!.IpAsync("link", "add", bridge, "type", "bridge");
        await internet!.IpAsync("address", "add", $"{segment}.1/24", "dev", bridge);
        await internet!.IpAsync("link", "set", bridge, "up");
    }
}
