using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Gateway.EndToEnd.Lab;

namespace Gateway.EndToEnd.Stories;

/// <summary>What comes in from outside behind <c>deploy/firewall</c>, over IPv4 and IPv6: the tunnel and what the admin named.</summary>
[Collection(SharedFirewallLab.Name)]
public sealed class FirewallStory(FirewallLab lab) : IAsyncDisposable
{
    private const int SshPort = 22;
    private const int OwnPort = 5432;
    private const int Burst = 1000;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    public ValueTask DisposeAsync() => lab.EndStoryAsync();

    [Theory]
    [InlineData("0.0.0.0", TestServer.V4, 65535)]
    [InlineData("::", TestServer.V6, 6000)]
    public async Task A_scan_finds_the_chosen_port_and_no_sign_of_another(string any, string server, int ports)
    {
        using var ssh = await Doorbell.HangAsync(lab.Server, IPAddress.Parse(any), SshPort);
        using var own = await Doorbell.HangAsync(lab.Server, IPAddress.Parse(any), OwnPort);
        var before = await ScanAsync("-sS", "1-6000", server);
        await lab.LoadAsync("--ssh", "22");

        var tcp = await ScanAsync("-sS", $"1-{ports}", server);
        var udp = await ScanAsync("-sU", $"1-600,{GatewayHost.ListenPort}", server);

        Assert.Contains("5432/open/", before, StringComparison.Ordinal);
        Assert.Contains("Ignored State: closed", before, StringComparison.Ordinal);
        Assert.Contains($"Ports: {SshPort}/open/tcp", tcp, StringComparison.Ordinal);
        // "filtered" and "open|filtered" mean that no answer came at all.
        Assert.Contains($"Ignored State: filtered ({ports - 1})", tcp, StringComparison.Ordinal);
        Assert.Contains("Ignored State: open|filtered (601)", udp, StringComparison.Ordinal);
        Assert.Equal(1, (await lab.Stranger.RunAsync("ping", "-c", "1", "-W", "1", server)).ExitCode);
        Assert.True(await Doorbell.IsHeardAsync(lab.Stranger, IPAddress.Parse(server), SshPort));
    }

    [Theory]
    [InlineData(TestServer.V4)]
    [InlineData(TestServer.V6)]
    public async Task Nobody_is_told_that_nothing_listens_on_an_open_port(string server)
    {
        const int Silent = 3478;
        Assert.True(await IsRefusedAsync(server, Silent));
        await lab.LoadAsync("--ssh", "none", "--open", $"{Silent}/udp");

        Assert.False(await IsRefusedAsync(server, Silent));
    }

    [Theory]
    [InlineData(TestServer.V4)]
    [InlineData(TestServer.V6)]
    public async Task Ssh_can_be_kept_to_some_addresses(string server)
    {
        var address = IPAddress.Parse(server);
        using var ssh = await Doorbell.HangAsync(lab.Server, address, SshPort);

        await lab.LoadAsync("--ssh", "22", "--ssh-from", "192.0.2.0/24,2001:db8:9::/48");
        Assert.False(await Doorbell.IsHeardAsync(lab.Stranger, address, SshPort));

        await lab.LoadAsync("--ssh-from", "192.0.2.0/24,2001:db8:9::/48,203.0.113.99,2001:db8:1::99");
        Assert.True(await Doorbell.IsHeardAsync(lab.Stranger, address, SshPort));
    }

    [Fact]
    public async Task The_tunnels_addresses_are_out_of_reach_even_for_an_open_port()
    {
        var tunnelV6 = IPAddress.Parse("fd00:9::1");
        await lab.Server.IpAsync("address", "replace", $"{tunnelV6}/64", "dev", lab.Gateway.Link, "nodad");
        await lab.Stranger.IpAsync("route", "replace", lab.Gateway.TunnelAddress.ToString(), "via", TestServer.V4);
        await lab.Stranger.IpAsync("route", "replace", tunnelV6.ToString(), "via", TestServer.V6);
        using var v4 = await Doorbell.HangAsync(lab.Server, IPAddress.Any, SshPort);
        using var v6 = await Doorbell.HangAsync(lab.Server, IPAddress.IPv6Any, SshPort);
        Assert.True(await Doorbell.IsHeardAsync(lab.Stranger, lab.Gateway.TunnelAddress, SshPort));
        Assert.True(await Doorbell.IsHeardAsync(lab.Stranger, tunnelV6, SshPort));

        await new Firewall(lab.Server, lab.Gateway).LoadAsync();
        await lab.LoadAsync("--ssh", "22");

        Assert.False(await Doorbell.IsHeardAsync(lab.Stranger, lab.Gateway.TunnelAddress, SshPort));
        Assert.False(await Doorbell.IsHeardAsync(lab.Stranger, tunnelV6, SshPort));
        Assert.True(await Doorbell.IsHeardAsync(lab.Stranger, FirewallLab.ServerV4, SshPort));
        Assert.True(await Doorbell.IsHeardAsync(lab.Stranger, FirewallLab.ServerV6, SshPort));
        await lab.Server.IpAsync("address", "delete", $"{tunnelV6}/64", "dev", lab.Gateway.Link);
        await lab.Stranger.IpAsync("route", "delete", lab.Gateway.TunnelAddress.ToString());
        await lab.Stranger.IpAsync("route", "delete", tunnelV6.ToString());
    }

    [Fact]
    public async Task A_member_gets_in_over_either_family_and_reaches_the_gateway_alone()
    {
        await new Firewall(lab.Server, lab.Gateway).LoadAsync();
        await lab.LoadAsync("--ssh", "none");
        using var own = await Doorbell.HangAsync(lab.Server, IPAddress.Any, OwnPort);
        var (enrolment, phone) = await lab.JoinAsync("anna");

        await Until.TrueAsync("over IPv4", Patience, () => lab.IsThroughAsync(phone));
        Assert.False(await Doorbell.IsHeardAsync(phone.Space, lab.Gateway.TunnelAddress, OwnPort));

        // The same QR on a machine with IPv6 alone: the stranger's.
        (await phone.Space.RunAsync("ip", "link", "delete", phone.Link)).Expect();
        var config = enrolment.Config.Replace($"{TestServer.V4}:", $"[{TestServer.V6}]:", StringComparison.Ordinal);
        Assert.Contains(TestServer.V6, config, StringComparison.Ordinal);
        using var other = await lab.ConnectAsync(lab.Stranger, config);
        await Until.TrueAsync("over IPv6", Patience, () => lab.IsThroughAsync(other));
        (await lab.Stranger.RunAsync("ip", "link", "delete", other.Link)).Expect();
    }

    [Fact]
    public async Task What_keeps_the_host_on_its_network_gets_in()
    {
        var linkLocal = await LinkLocalAsync(lab.Server);
        using var ssh = await Doorbell.HangAsync(lab.Server, IPAddress.IPv6Any, SshPort);
        await lab.LoadAsync("--ssh", "22");

        // IPv6's neighbour discovery, both ways, begins anew.
        await lab.Server.IpAsync("-6", "neighbour", "flush", "all");
        await lab.Stranger.IpAsync("-6", "neighbour", "flush", "all");
        Assert.True(await Doorbell.IsHeardAsync(lab.Stranger, FirewallLab.ServerV6, SshPort));
        // What a DHCP server says to a client that asked everybody; from a router of this link alone over IPv6.
        Assert.True(await ArrivesAsync(IPAddress.Any, 67, FirewallLab.ServerV4, 68));
        Assert.True(await ArrivesAsync(IPAddress.IPv6Any, 547, linkLocal, 546));
        Assert.False(await ArrivesAsync(IPAddress.IPv6Any, 547, FirewallLab.ServerV6, 546));
    }

    [Fact]
    public async Task What_a_container_publishes_is_shut_unless_it_is_named()
    {
        const int Published = 8080;
        await using var container = await NetworkNamespace.MakeAsync(lab.Network.Name, "container");
        await lab.Server.IpAsync("link", "add", "container0", "type", "veth", "peer", "name", "eth0", "netns", container.Name);
        await lab.Server.IpAsync("address", "add", "10.77.0.1/24", "dev", "container0");
        await lab.Server.IpAsync("link", "set", "container0", "up");
        await container.IpAsync("address", "add", "10.77.0.2/24", "dev", "eth0");
        await container.IpAsync("link", "set", "eth0", "up");
        await container.IpAsync("route", "add", "default", "via", "10.77.0.1");
        using var web = await Doorbell.HangAsync(container, IPAddress.Any, 80);
        (await lab.Server.RunAsync("sysctl", "-qw", "net.ipv4.ip_forward=1")).Expect();
        (await lab.Server.FeedAsync($$"""
            table ip containers {
                chain prerouting {
                    type nat hook prerouting priority dstnat
                    tcp dport {{Published}} dnat to 10.77.0.2:80
                }
            }
            """, "nft", "-f", "-")).Expect();
        Assert.True(await Doorbell.IsHeardAsync(lab.Stranger, FirewallLab.ServerV4, Published));

        await lab.LoadAsync("--ssh", "none");
        Assert.False(await Doorbell.IsHeardAsync(lab.Stranger, FirewallLab.ServerV4, Published));

        await lab.LoadAsync("--open", $"{Published}/tcp");
        Assert.True(await Doorbell.IsHeardAsync(lab.Stranger, FirewallLab.ServerV4, Published));
        (await lab.Server.RunAsync("sysctl", "-qw", "net.ipv4.ip_forward=0")).Expect();
    }

    [Theory]
    [InlineData(TestServer.V4)]
    [InlineData(TestServer.V6)]
    public async Task One_source_may_bring_a_whole_group_back_at_once_and_not_more(string server)
    {
        var target = IPAddress.Parse(server);
        await lab.LoadAsync("--ssh", "none");
        var before = await lab.ArrivedAsync();

        await Datagrams.SendAsync(lab.Stranger, target, Datagrams.Initiation, Burst);
        await ArriveAsync(before + Burst);

        var clock = Stopwatch.StartNew();
        await Datagrams.SendAsync(lab.Stranger, target, Datagrams.Initiation, 20 * Burst);
        var limit = before + Burst + (int)(50 * (clock.Elapsed.TotalSeconds + 3));
        Assert.InRange(await lab.ArrivedAsync(), before + Burst, limit);

        // What is no initiation is never counted; and the last of it comes after all before it.
        var data = await lab.ArrivedAsync();
        await Datagrams.SendAsync(lab.Stranger, target, Datagrams.Data, 20 * Burst);
        await ArriveAsync(data + (20 * Burst));
    }

    [Fact]
    public async Task An_ipv6_source_is_its_64_bit_prefix()
    {
        IPAddress[] neighbours = [.. Enumerable.Range(1, 4).Select(host => IPAddress.Parse($"2001:db8:1::a{host}"))];
        var elsewhere = IPAddress.Parse("2001:db8:2::1");
        foreach (var address in neighbours.Append(elsewhere))
        {
            await lab.Stranger.IpAsync("address", "add", $"{address}/64", "dev", "eth0", "nodad");
        }

        await lab.Server.IpAsync("route", "replace", "2001:db8:2::/64", "dev", "eth0");
        await lab.LoadAsync("--ssh", "none");
        var before = await lab.ArrivedAsync();
        var clock = Stopwatch.StartNew();

        foreach (var address in neighbours)
        {
            await Datagrams.SendAsync(lab.Stranger, FirewallLab.ServerV6, Datagrams.Initiation, Burst / 2, address);
        }

        await ArriveAsync(before + Burst);
        Assert.InRange(await lab.ArrivedAsync(), before + Burst, before + Burst + (int)(50 * (clock.Elapsed.TotalSeconds + 1)));

        await Datagrams.SendAsync(lab.Stranger, FirewallLab.ServerV6, Datagrams.Initiation, Burst / 2, elsewhere);
        await ArriveAsync(before + Burst + (Burst / 2));
        foreach (var address in neighbours.Append(elsewhere))
        {
            await lab.Stranger.IpAsync("address", "delete", $"{address}/64", "dev", "eth0");
        }
    }

    [Fact]
    public async Task A_flood_from_one_address_keeps_nobody_else_out()
    {
        await lab.LoadAsync("--ssh", "none");
        var (_, old) = await lab.JoinAsync("bruno");
        await Until.TrueAsync("the tunnel is up", Patience, () => lab.IsThroughAsync(old));
        await using var flood = await Flood.StartAsync(lab.Stranger, FirewallLab.ServerV4, forged: false);
        await Until.TrueAsync("the stranger's share is used up", Patience, () => Task.FromResult(flood.Sent > 5 * Burst));

        Assert.True(await lab.IsThroughAsync(old));
        var (_, young) = await lab.JoinAsync("clara");
        await Until.TrueAsync("a new member gets in", Patience, () => lab.IsThroughAsync(young));
    }

    [Fact]
    public async Task A_flood_from_forged_addresses_is_bounded_and_a_known_device_gets_back_in_through_it()
    {
        await lab.LoadAsync("--ssh", "none");
        var (_, phone) = await lab.JoinAsync("dora");
        await Until.TrueAsync("the tunnel is up", Patience, () => lab.IsThroughAsync(phone));
        var before = await lab.ArrivedAsync();
        var clock = Stopwatch.StartNew();
        await using var flood = await Flood.StartAsync(lab.Stranger, FirewallLab.ServerV4, forged: true);
        int Allowed() => (int)(2 * Burst * (clock.Elapsed.TotalSeconds + 2));
        await Until.TrueAsync("the strangers' share is used up", Patience, () => Task.FromResult(flood.Sent > 2 * Allowed()));

        Assert.True(await lab.IsThroughAsync(phone));
        await ForgetSessionAsync(phone);
        // At its first try: WireGuard would make the second after five seconds.
        await Until.TrueAsync("it gets back in", TimeSpan.FromSeconds(4), () => lab.IsThroughAsync(phone));

        Assert.InRange(await lab.ArrivedAsync() - before, 2 * Burst, Allowed());
    }

    /// <summary>The phone's app begins anew with the same socket: what it has to do first is a handshake.</summary>
    private static async Task ForgetSessionAsync(Phone phone)
    {
        var config = (await phone.Space.RunAsync("wg", "showconf", phone.Link)).Expect();
        var key = config.Split('\n').Single(line => line.StartsWith("PublicKey = ", StringComparison.Ordinal))[12..];
        (await phone.Space.RunAsync("wg", "set", phone.Link, "peer", key, "remove")).Expect();
        (await phone.Space.FeedAsync(config, "wg", "addconf", phone.Link, "/dev/stdin")).Expect();
    }

    private Task<long> ArriveAsync(long count) =>
        Until.ValueAsync($"{count} datagrams arrive", Patience, lab.ArrivedAsync, arrived => arrived >= count);

    /// <summary>Whether an ICMP error says that nothing listens there.</summary>
    private async Task<bool> IsRefusedAsync(string server, int port)
    {
        var address = IPAddress.Parse(server);
        using var socket = await lab.Stranger.OpenUdpAsync(address.AddressFamily);
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(1));
        await socket.ConnectAsync(new IPEndPoint(address, port));
        await socket.SendAsync(new byte[1]);
        try
        {
            await socket.ReceiveAsync(new byte[1], patience.Token);
            return false;
        }
        catch (SocketException fault)
        {
            return fault.SocketErrorCode == SocketError.ConnectionRefused;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    private async Task<bool> ArrivesAsync(IPAddress any, int from, IPAddress server, int port)
    {
        using var client = await lab.Server.OpenUdpAsync(any.AddressFamily);
        client.Bind(new IPEndPoint(any, port));
        using var sender = await lab.Stranger.OpenUdpAsync(any.AddressFamily);
        sender.Bind(new IPEndPoint(any, from));
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(1));
        await sender.SendToAsync(new byte[1], new IPEndPoint(server, port));
        try
        {
            return await client.ReceiveAsync(new byte[1], patience.Token) == 1;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    /// <summary>The server's on eth0, as the stranger has to write it: with the number of its own eth0.</summary>
    private async Task<IPAddress> LinkLocalAsync(NetworkNamespace space)
    {
        var links = JsonElement.Parse(await space.IpAsync("-json", "-6", "address", "show", "dev", "eth0"));
        var scope = JsonElement.Parse(await lab.Stranger.IpAsync("-json", "link", "show", "dev", "eth0"))[0].GetProperty("ifindex").GetInt64();
        // iproute2 leaves an empty object for each link that it was not asked for.
        var address = links.EnumerateArray().Single(link => link.TryGetProperty("addr_info", out _)).GetProperty("addr_info").EnumerateArray().First(one => one.GetProperty("scope").GetString() == "link").GetProperty("local").GetString()!;
        return new IPAddress(IPAddress.Parse(address).GetAddressBytes(), scope);
    }

    /// <summary>nmap(1) in its format for programs: ports that answered alike are counted together.</summary>
    private async Task<string> ScanAsync(string kind, string ports, string server) =>
        (await lab.Stranger.RunAsync(
            "nmap", [kind, "-n", "-Pn", .. server.Contains(':', StringComparison.Ordinal) ? ["-6"] : Array.Empty<string>(),
            "--max-retries", "1", "--min-rate", "50000", "-p", ports, "-oG", "-", server])).Expect();

    private static class TestServer
    {
        public const string V4 = "203.0.113.10";
        public const string V6 = "2001:db8:1::10";
    }
}
