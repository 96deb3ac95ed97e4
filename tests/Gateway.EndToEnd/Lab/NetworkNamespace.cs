using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;

namespace Gateway.EndToEnd.Lab;

/// <summary>
/// One machine of the lab: a network namespace with its loopback up and no way out but the links it is given. Programs run
/// in it, and sockets of the test itself can be opened in it.
/// </summary>
public sealed class NetworkNamespace : IAsyncDisposable
{
    /// <summary>ip-netns(8) looks here; Debian does not make it.</summary>
    public const string EtcFolders = "/etc/netns";

    private NetworkNamespace(string name) => Name = name;

    public string Name { get; }

    /// <summary>The kernel's own name for it, by which its programs can be found even when ours is gone.</summary>
    public string Identity { get; private set; } = "";

    /// <summary>Files here stand in for those of /etc, for programs of this namespace only (ip-netns(8)).</summary>
    public string EtcFolder => Path.Combine(EtcFolders, Name);

    public static async Task<NetworkNamespace> MakeAsync(LabName lab, string role)
    {
        var made = new NetworkNamespace($"{lab.Text}-{role}");
        (await Command.RunAsync("ip", "netns", "add", made.Name)).Expect();
        made.Identity = await made.InsideAsync(() => new FileInfo("/proc/thread-self/ns/net").LinkTarget!);
        await made.IpAsync("link", "set", "lo", "up");
        // No name server: a name is either in this file or unknown.
        Directory.CreateDirectory(made.EtcFolder);
        await File.WriteAllTextAsync(Path.Combine(made.EtcFolder, "resolv.conf"), string.Empty);
        await made.SetHostsAsync();
        return made;
    }

    /// <summary>The only names that programs started from now on can resolve.</summary>
    public Task SetHostsAsync(params IEnumerable<string> lines) =>
        File.WriteAllLinesAsync(Path.Combine(EtcFolder, "hosts"), ["127.0.0.1 localhost", .. lines]);

    /// <summary><c>ip</c> in this namespace; it must succeed.</summary>
    public async Task<string> IpAsync(params string[] arguments) => (await Command.RunAsync("ip", ["-n", Name, .. arguments])).Expect();

    public Task<Finished> RunAsync(string program, params string[] arguments) => FeedAsync(null, program, arguments);

    public Task<Finished> FeedAsync(string? input, string program, params string[] arguments) =>
        Command.FeedAsync(input, "ip", ["netns", "exec", Name, program, .. arguments]);

    /// <summary>How a program is started here; <c>ip</c> replaces itself by it, so the process id is the program's own.</summary>
    public ProcessStartInfo Describe(string program, params IEnumerable<string> arguments) =>
        Command.Describe("ip", ["netns", "exec", Name, program, .. arguments]);

    /// <summary>
    /// Makes something, such as a socket, that belongs to this namespace. Runs on a thread of its own, which goes back before
    /// it ends: a pool thread started from inside would carry the namespace into other tests.
    /// </summary>
    public Task<T> InsideAsync<T>(Func<T> make) => Task.Factory.StartNew(
        () =>
        {
            using var outside = File.OpenHandle("/proc/thread-self/ns/net");
            using var inside = File.OpenHandle($"/run/netns/{Name}");
            Enter(inside);
            try
            {
                return make();
            }
            finally
            {
                Enter(outside);
            }
        },
        CancellationToken.None,
        TaskCreationOptions.LongRunning | TaskCreationOptions.RunContinuationsAsynchronously,
        TaskScheduler.Default);

    public Task<Socket> OpenTcpAsync(AddressFamily family = AddressFamily.InterNetwork) => InsideAsync(() => new Socket(family, SocketType.Stream, ProtocolType.Tcp));

    public Task<Socket> OpenUdpAsync(AddressFamily family) => InsideAsync(() => new Socket(family, SocketType.Dgram, ProtocolType.Udp));

    public async Task<IReadOnlyList<int>> ProcessesAsync()
    {
        var ids = (await Command.RunAsync("ip", "netns", "pids", Name)).Expect();
        return [.. ids.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(id => int.Parse(id, CultureInfo.InvariantCulture))];
    }

    public async ValueTask DisposeAsync() => await RemoveAsync(Name);

    /// <summary>Ends every process in the namespace by its id, then removes the namespace with its links and its files in /etc.</summary>
    internal static async Task RemoveAsync(string name)
    {
        var space = new NetworkNamespace(name);
        var asked = Stopwatch.StartNew();
        await Until.ValueAsync($"processes in {name} end", TimeSpan.FromSeconds(10), () => space.EndProcessesAsync(asked.Elapsed), left => left == 0);
        (await Command.RunAsync("ip", "netns", "del", name)).Expect();
        if (Directory.Exists(space.EtcFolder))
        {
            Directory.Delete(space.EtcFolder, recursive: true);
        }
    }

    /// <summary>First asks, because wireguard-go removes its socket only then; after a while insists.</summary>
    private async Task<int> EndProcessesAsync(TimeSpan sinceAsked)
    {
        var left = await ProcessesAsync();
        foreach (var id in left)
        {
            // A process that ended in between is no fault.
            _ = Libc.Signal(id, sinceAsked < TimeSpan.FromSeconds(2) ? Libc.Terminate : Libc.Kill);
        }

        return left.Count;
    }

    private static void Enter(Microsoft.Win32.SafeHandles.SafeFileHandle space)
    {
        if (Libc.SetNamespace((int)space.DangerousGetHandle(), Libc.NetworkNamespaceKind) != 0)
        {
            throw new Win32Exception();
        }
    }
}
