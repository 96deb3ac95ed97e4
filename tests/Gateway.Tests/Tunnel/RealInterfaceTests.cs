using System.Globalization;
using System.Net;
using Gateway.Tests.Testing;
using Gateway.Tunnel;

namespace Gateway.Tests.Tunnel;

/// <summary>Each implementation against a real interface in a namespace of its own: the kernel's where it has one, else wireguard-go.</summary>
public sealed class RealInterfaceTests
{
    private static readonly CancellationToken None = CancellationToken.None;

    [Theory]
    [InlineData("wg")]
    [InlineData("socket")]
    [InlineData("chosen")]
    public async Task Ensure_makes_the_interface_and_a_second_one_changes_nothing(string implementation)
    {
        await Inside(implementation, async (tunnel, space) =>
        {
            var settings = SomePeers.Settings();

            Assert.True(await tunnel.EnsureAsync(settings, None));

            var link = await space.IpAsync("-json", "address", "show", "dev", space.Name);
            Assert.Contains("\"local\":\"198.19.0.1\",\"prefixlen\":18", link, StringComparison.Ordinal);
            Assert.Contains("\"mtu\":1280", link, StringComparison.Ordinal);
            Assert.Contains("\"UP\"", link, StringComparison.Ordinal);
            var dump = await Wg(space, "show", space.Name, "dump");
            Assert.StartsWith($"{settings.PrivateKey.Reveal()}\t{settings.PrivateKey.PublicKey()}\t47123\t", dump, StringComparison.Ordinal);

            Assert.False(await tunnel.EnsureAsync(settings, None));
            Assert.Equal(link, await space.IpAsync("-json", "address", "show", "dev", space.Name));
            Assert.Equal(dump, await Wg(space, "show", space.Name, "dump"));
        });
    }

    [Theory]
    [InlineData("wg")]
    [InlineData("socket")]
    [InlineData("chosen")]
    public async Task Peers_are_set_corrected_and_removed_one_by_one(string implementation)
    {
        await Inside(implementation, async (tunnel, space) =>
        {
            await tunnel.EnsureAsync(SomePeers.Settings(), None);
            var (alice, bob) = (SomePeers.Number(2), SomePeers.Number(3));

            await tunnel.SetAsync([alice], None);
            await tunnel.SetAsync([bob], None);
            await tunnel.SetAsync([alice with { TunnelAddress = IPAddress.Parse("198.19.0.9") }], None);

            var peers = (await tunnel.DumpAsync(None)).ToDictionary(peer => peer.PublicKey);
            Assert.Equal(2, peers.Count);
            Assert.Equal(IPNetwork.Parse("198.19.0.9/32"), Assert.Single(peers[alice.PublicKey].AllowedIPs));
            Assert.True(peers[alice.PublicKey].PresharedKey!.Matches(alice.PresharedKey));
            Assert.Null(peers[alice.PublicKey].LastHandshake);
            Assert.Null(peers[alice.PublicKey].Endpoint);

            await tunnel.RemoveAsync(alice.PublicKey, None);
            await tunnel.RemoveAsync(alice.PublicKey, None);
            Assert.Equal(bob.PublicKey, Assert.Single(await tunnel.DumpAsync(None)).PublicKey);
            Assert.Contains(bob.PublicKey.ToString(), await Wg(space, "show", space.Name, "dump"), StringComparison.Ordinal);
        });
    }

    [Theory]
    [InlineData("wg")]
    [InlineData("socket")]
    [InlineData("chosen")]
    public async Task A_deleted_interface_is_made_again(string implementation)
    {
        await Inside(implementation, async (tunnel, space) =>
        {
            var settings = SomePeers.Settings();
            await tunnel.EnsureAsync(settings, None);
            await space.IpAsync("link", "delete", space.Name);

            // wireguard-go needs a moment to notice that its link is gone and to end.
            await Eventually.Is(async () => await MadeAsync(tunnel, settings), TimeSpan.FromSeconds(10));

            await tunnel.SetAsync([SomePeers.Number(2)], None);
            Assert.Single(await tunnel.DumpAsync(None));
        });
    }

    [Fact]
    public async Task A_change_of_network_and_port_is_applied_without_losing_peers()
    {
        await Inside("chosen", async (tunnel, space) =>
        {
            var settings = SomePeers.Settings();
            await tunnel.EnsureAsync(settings, None);
            await tunnel.SetAsync([SomePeers.Number(2)], None);

            await tunnel.EnsureAsync(settings with { ListenPort = 47124, Address = IPAddress.Parse("10.9.0.1"), PrefixLength = 24 }, None);

            var link = await space.IpAsync("-json", "address", "show", "dev", space.Name);
            Assert.Contains("\"local\":\"10.9.0.1\",\"prefixlen\":24", link, StringComparison.Ordinal);
            Assert.DoesNotContain("198.19.0.1", link, StringComparison.Ordinal);
            Assert.Contains("\t47124\t", await Wg(space, "show", space.Name, "dump"), StringComparison.Ordinal);
            Assert.Single(await tunnel.DumpAsync(None));
        });
    }

    [Fact]
    public async Task A_dead_process_socket_is_survived()
    {
        await Inside("chosen", async (tunnel, space) =>
        {
            await LeaveStaleSocketAsync(space.Name);
            Assert.True(File.Exists(UserspaceSocket.PathOf(space.Name)));
            Assert.False(await UserspaceSocket.AnswersAsync(space.Name, None));

            Assert.True(await tunnel.EnsureAsync(SomePeers.Settings(), None));
            Assert.Empty(await tunnel.DumpAsync(None));
        });
    }

    [Theory]
    [InlineData("wg")]
    [InlineData("socket")]
    [InlineData("chosen")]
    public async Task An_interface_of_another_namespace_is_neither_read_nor_changed(string implementation)
    {
        await Inside("wg", async (theirs, other) =>
        {
            await theirs.EnsureAsync(SomePeers.Settings(), None);
            var before = await Wg(other, "show", other.Name, "dump");
            await using var space = await NetworkNamespace.CreateAsync();
            await space.RunAsync(async () =>
            {
                var ours = Make(implementation, other.Name);
                await Assert.ThrowsAsync<TunnelException>(() => ours.DumpAsync(None));
                await Assert.ThrowsAsync<TunnelException>(() => ours.SetAsync([SomePeers.Number(2)], None));
                await Assert.ThrowsAsync<TunnelException>(() => ours.EnsureAsync(SomePeers.Settings(), None));
            });
            Assert.Equal(before, await Wg(other, "show", other.Name, "dump"));
        });
    }

    [Fact]
    public async Task Wireguard_go_is_a_process_of_its_own_session()
    {
        await Inside("chosen", UserspaceMode.Always, async (tunnel, space) =>
        {
            await tunnel.EnsureAsync(SomePeers.Settings(), None);

            Assert.NotEqual(Session("self"), Session(await DaemonAsync(space)));
        });
    }

    [Theory]
    [InlineData("wg", "did not finish within 5 s")]
    [InlineData("socket", "did not answer")]
    public async Task A_stopped_wireguard_go_is_given_up_after_the_deadline(string implementation, string words)
    {
        await Inside(implementation, UserspaceMode.Always, async (tunnel, space) =>
        {
            await tunnel.EnsureAsync(SomePeers.Settings(), None);
            var daemon = await DaemonAsync(space);
            await NetworkNamespace.OutputAsync("kill", ["-STOP", daemon]);
            try
            {
                // The signal is only sent when kill returns: a thread may still be answering.
                await Eventually.Is(() => IsStopped(daemon), TimeSpan.FromSeconds(10));
                var fault = await Assert.ThrowsAsync<TunnelException>(() => tunnel.RemoveAsync(SomePeers.Number(2).PublicKey, None));
                Assert.Contains(words, fault.Message, StringComparison.Ordinal);
            }
            finally
            {
                await NetworkNamespace.OutputAsync("kill", ["-CONT", daemon]);
            }

            Assert.Empty(await tunnel.DumpAsync(None));
        });
    }

    [Fact]
    public async Task A_port_in_use_is_named()
    {
        await Inside("chosen", async (tunnel, _) =>
        {
            using var other = new System.Net.Sockets.UdpClient(47123);
            var fault = await Assert.ThrowsAsync<TunnelException>(() => tunnel.EnsureAsync(SomePeers.Settings(47123), None));
            Assert.Contains("in use", fault.Message, StringComparison.Ordinal);

            other.Close();
            await tunnel.EnsureAsync(SomePeers.Settings(47123), None);
        });
    }

    /// <summary>The third field of /proc/PID/task/TID/stat, behind the name in parentheses (<c>proc(5)</c>).</summary>
    private static bool IsStopped(string process) =>
        Directory.GetDirectories($"/proc/{process}/task").All(thread => File.ReadAllText(Path.Join(thread, "stat")).Split(") ")[^1].StartsWith('T'));

    private static Task Inside(string implementation, Func<IWireGuardInterface, NetworkNamespace, Task> act) =>
        Inside(implementation, implementation == "socket" ? UserspaceMode.Always : UserspaceMode.Auto, act);

    private static async Task Inside(string implementation, UserspaceMode mode, Func<IWireGuardInterface, NetworkNamespace, Task> act)
    {
        await using var space = await NetworkNamespace.CreateAsync();
        await space.RunAsync(() => act(Make(implementation, space.Name, mode), space));
    }

    private static IWireGuardInterface Make(string implementation, string name, UserspaceMode mode = UserspaceMode.Auto)
    {
        var link = new NetworkLink(name, mode);
        return implementation switch
        {
            "wg" => new WgTool(link),
            "socket" => new UserspaceSocket(link),
            _ => new WireGuardInterface(link),
        };
    }

    private static async Task<bool> MadeAsync(IWireGuardInterface tunnel, InterfaceSettings settings)
    {
        try
        {
            return await tunnel.EnsureAsync(settings, None);
        }
        catch (TunnelException)
        {
            return false;
        }
    }

    private static async Task LeaveStaleSocketAsync(string name)
    {
        Directory.CreateDirectory("/run/wireguard");
        await NetworkNamespace.OutputAsync("python3", ["-c", $"import socket; socket.socket(socket.AF_UNIX).bind('/run/wireguard/{name}.sock')"]);
    }

    private static async Task<string> DaemonAsync(NetworkNamespace space)
    {
        // The list names its own maker, too, which is gone when it is read.
        var pids = (await NetworkNamespace.OutputAsync("ip", ["netns", "pids", space.Name])).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        return Assert.Single(pids, pid => Path.Exists($"/proc/{pid}") && File.ReadAllText($"/proc/{pid}/comm") == "wireguard-go\n");
    }

    /// <summary>Field 6 of /proc/PID/stat (proc(5)); the name before it may hold spaces, so counted from its closing parenthesis.</summary>
    private static int Session(string pid)
    {
        var stat = File.ReadAllText($"/proc/{pid}/stat");
        return int.Parse(stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[3], CultureInfo.InvariantCulture);
    }

    private static Task<string> Wg(NetworkNamespace space, params string[] arguments) =>
        NetworkNamespace.OutputAsync("ip", ["netns", "exec", space.Name, "wg", .. arguments]);
}
