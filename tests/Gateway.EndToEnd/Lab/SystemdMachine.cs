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
