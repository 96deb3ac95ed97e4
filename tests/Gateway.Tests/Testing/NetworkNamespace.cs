using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Threading.Channels;
using Microsoft.Win32.SafeHandles;

namespace Gateway.Tests.Testing;

/// <summary>
/// A network namespace of the test's own. Code given to <see cref="RunAsync"/> runs on one thread that has entered
/// it, awaits included, so that the sockets it opens and the children it starts are inside. Everything in it ends
/// with it: processes by their own number, interfaces, the name.
/// </summary>
internal sealed class NetworkNamespace : IAsyncDisposable
{
    private const int CloneNewNet = 0x40000000;

    private readonly Channel<Action> _work = Channel.CreateUnbounded<Action>();

    private NetworkNamespace() => new Thread(Work) { IsBackground = true, Name = Name }.Start();

    /// <summary>Short enough to name interfaces after it; unlike any other, as wireguard-go's sockets share one directory.</summary>
    public string Name { get; } = $"gwt{Convert.ToHexStringLower(Unique())}";

    public static async Task<NetworkNamespace> CreateAsync()
    {
        Assert.True(Environment.IsPrivilegedProcess, "This test makes network namespaces: run it as root.");
        var space = new NetworkNamespace();
        await Ip("netns", "add", space.Name);
        await space.RunAsync(() =>
        {
            using var handle = File.OpenHandle($"/run/netns/{space.Name}");
            Assert.True(setns(handle, CloneNewNet) == 0, $"setns: errno {Marshal.GetLastPInvokeError()}");
            return Task.CompletedTask;
        });
        await Ip("-n", space.Name, "link", "set", "lo", "up");
        return space;
    }

    /// <summary>Runs an asynchronous act inside; await it outside.</summary>
    public Task RunAsync(Func<Task> act)
    {
        var started = new TaskCompletionSource<Task>(TaskCreationOptions.RunContinuationsAsynchronously);
        _work.Writer.TryWrite(() => started.SetResult(CallAsync(act)));
        return started.Task.Unwrap();
    }

    /// <summary>Runs <c>ip(8)</c> inside this namespace.</summary>
    public Task<string> IpAsync(params string[] arguments) => Ip(["-n", Name, .. arguments]);

    /// <summary>A cable between two namespaces: on each side a link with an address.</summary>
    public async Task CableAsync(string link, string address, NetworkNamespace other, string otherLink, string otherAddress)
    {
        await IpAsync("link", "add", link, "type", "veth", "peer", "name", otherLink, "netns", other.Name);
        await other.IpAsync("address", "add", otherAddress, "dev", otherLink);
        await other.IpAsync("link", "set", otherLink, "up");
        await IpAsync("link", "set", link, "up");
        await IpAsync("address", "add", address, "dev", link);
    }

    /// <summary>A program's output; what it wrote to its error stream fails the test if it failed.</summary>
    public static async Task<string> OutputAsync(string program, string[] arguments, string? input = null)
    {
        using var child = Process.Start(new ProcessStartInfo(program, arguments)
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        await child.StandardInput.WriteAsync(input);
        child.StandardInput.Close();
        var errors = child.StandardError.ReadToEndAsync(deadline.Token);
        var output = await child.StandardOutput.ReadToEndAsync(deadline.Token);
        await child.WaitForExitAsync(deadline.Token);
        Assert.True(child.ExitCode == 0, $"{program} {string.Join(' ', arguments)}: {await errors}");
        return output;
    }

    public async ValueTask DisposeAsync()
    {
        _work.Writer.Complete();
        foreach (var pid in (await Ip("netns", "pids", Name)).Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            End(int.Parse(pid, CultureInfo.InvariantCulture));
        }

        await Ip("netns", "delete", Name);
        foreach (var socket in Directory.Exists("/run/wireguard") ? Directory.GetFiles("/run/wireguard", $"{Name}*") : [])
        {
            File.Delete(socket);
        }
    }

    private static void End(int pid)
    {
        // Our own threads that entered the namespace show as ourselves.
        if (pid == Environment.ProcessId)
        {
            return;
        }

        try
        {
            using var process = Process.GetProcessById(pid);
            process.Kill();
        }
        catch (ArgumentException)
        {
            // It ended by itself.
        }
    }

    private void Work()
    {
        SynchronizationContext.SetSynchronizationContext(new Pump(_work.Writer));
        foreach (var item in _work.Reader.ReadAllAsync().ToBlockingEnumerable())
        {
            item();
        }
    }

    /// <summary>So that what an act throws at once is in its task, too.</summary>
    private static async Task CallAsync(Func<Task> act) => await act();

    private static Task<string> Ip(params string[] arguments) => OutputAsync("ip", arguments);

    private static byte[] Unique()
    {
        var bytes = new byte[4];
#pragma warning disable RS0030 // Names of a test's namespaces need no seed.
        RandomNumberGenerator.Fill(bytes);
#pragma warning restore RS0030
        return bytes;
    }

    [DllImport("libc", SetLastError = true, ExactSpelling = true), DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int setns(SafeFileHandle fd, int kind);

    private sealed class Pump(ChannelWriter<Action> work) : SynchronizationContext
    {
        public override void Post(SendOrPostCallback d, object? state) => work.TryWrite(() => d(state));
    }
}
