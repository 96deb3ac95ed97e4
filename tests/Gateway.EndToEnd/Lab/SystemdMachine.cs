using System.Globalization;

namespace Gateway.EndToEnd.Lab;

/// <summary>A machine that boots with the real systemd: this one's files with what is written there kept in memory, in namespaces of its own.</summary>
internal sealed class SystemdMachine : IAsyncDisposable
{
    private readonly LabName name = new();
    private readonly RunningProgram boot;
    private string systemd = "";

    private SystemdMachine() => boot = new RunningProgram(
        Command.Describe(
            Path.Combine(AppContext.BaseDirectory, "Lab", "boot-systemd"),
            name.Folder, Cgroup, Path.GetDirectoryName(Requirements.Gateway)!, Path.Combine(AppContext.BaseDirectory, "deploy"), Requirements.SynapseRoot),
        "systemd");

    private static string Unified => Directory.Exists("/sys/fs/cgroup/unified") ? "/sys/fs/cgroup/unified" : "/sys/fs/cgroup";

    private string Cgroup => Path.Combine(Unified, name.Text);

    public static async Task<SystemdMachine> BootAsync()
    {
        var machine = new SystemdMachine();
        await Until.TrueAsync("systemd is up", TimeSpan.FromSeconds(30), machine.IsUpAsync);
        return machine;
    }

    /// <summary>Runs a script of bash there, as root, in /srv.</summary>
    public Task<Finished> RunAsync(string script) => Command.RunAsync(
        "nsenter", "--target", systemd, "--all", "--root", "--wd",
        "env", "-i", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8", "bash", "-euo", "pipefail", "-c", $"cd /srv\n{script}");

    /// <summary>A file there, as this machine's root sees it.</summary>
    public string PathOf(string file) => $"/proc/{systemd}/root{file}";

    /// <summary>A phone on a host of its own, whose tunnel to 10.9.0.1 is up when it returns.</summary>
    public Task ConnectPhoneAsync(string configuration) => ExpectAsync($"""
        ip netns add phone
        ip link add house0 type veth peer name eth0 netns phone
        ip addr add 10.9.0.1/24 dev house0
        ip link set house0 up
        ip -n phone addr add 10.9.0.2/24 dev eth0
        ip -n phone link set eth0 up
        ip netns exec phone wireguard-go phone0 >/dev/null 2>&1
        wg-quick strip {configuration} >/tmp/phone.wg
        ip netns exec phone wg setconf phone0 /tmp/phone.wg
        ip -n phone addr add $(sed -n 's/^Address = //p' {configuration}) dev phone0
        ip -n phone link set phone0 mtu 1280 up
        ip -n phone route add 198.19.0.1/32 dev phone0
        """);

    /// <summary>What the phone is answered through its tunnel.</summary>
    public Task<string> AskByPhoneAsync(string path) => ExpectAsync($"""
        printf 'GET {path} HTTP/1.1\r\nHost: chat.example.org\r\nConnection: close\r\n\r\n' |
          timeout 20 ip netns exec phone openssl s_client -quiet -servername chat.example.org -connect 198.19.0.1:443 2>/dev/null || true
        """);

    public async Task<string> ExpectAsync(string script) => (await RunAsync(script)).Expect().Trim();

    /// <summary>With its first process everything in it goes: processes, mounts, interfaces.</summary>
    public async ValueTask DisposeAsync()
    {
        await boot.DisposeAsync();
        await Until.TrueAsync("the machine is gone", TimeSpan.FromSeconds(15), () => Task.FromResult(RemoveCgroup()));
        Directory.Delete(name.Folder, recursive: true);
    }

    private async Task<bool> IsUpAsync()
    {
        if (boot.HasEnded)
        {
            throw new InvalidOperationException($"systemd did not start: {boot.LastWords}");
        }

        var id = boot.Id.ToString(CultureInfo.InvariantCulture);
        systemd = (await File.ReadAllTextAsync($"/proc/{id}/task/{id}/children")).Trim();
        return systemd.Length > 0
            && (await Command.RunAsync("readlink", $"/proc/{systemd}/exe")).Output.Contains("systemd", StringComparison.Ordinal)
            && (await RunAsync("systemctl is-active basic.target")).ExitCode == 0;
    }

    private bool RemoveCgroup()
    {
        try
        {
            foreach (var group in Directory.EnumerateDirectories(Cgroup, "*", SearchOption.AllDirectories).OrderByDescending(path => path.Length).Append(Cgroup))
            {
                Directory.Delete(group);
            }

            return true;
        }
        catch (IOException)
        {
            return false;
        }
    }
}
