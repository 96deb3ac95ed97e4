using System.Runtime.InteropServices;
using Gateway.Onboarding.Store;
using Gateway.Tunnel;

namespace Gateway.Diagnosis;

/// <summary>The clock, on which deadlines and certificates depend.</summary>
internal sealed class ClockCheck(SteadyClock clock) : ICheck
{
    // adjtimex(2): struct timex on a 64-bit machine is 208 bytes, its status the int at 40.
    private const int Size = 208;
    private const int Status = 40;
    private const int Unsynchronised = 0x40;

    public string Name => "clock";

    public async Task<IReadOnlyList<Finding>> LookAsync(CancellationToken cancellationToken) =>
        [Judge(clock.Fault, IsSynchronised() ?? await AskAsync(cancellationToken))];

    internal static Finding Judge(string? fault, bool? isSynchronised) =>
        fault is not null ? Finding.Fault("clock", fault, "set the clock; deadlines go on by the machine's own seconds until the gateway restarts")
        : isSynchronised switch
        {
            true => Finding.Ok("clock", "synchronised"),
            false => Finding.Warning("clock", "no time service keeps it right", "apt install systemd-timesyncd"),
            null => Finding.Warning("clock", "whether a time service keeps it right cannot be seen from here", "timedatectl"),
        };

    /// <summary>Null where the call is shut: a unit with <c>ProtectClock=</c> may not even read.</summary>
    private static bool? IsSynchronised()
    {
        var time = new byte[Size];
        return adjtimex(time) < 0 ? null : (BitConverter.ToInt32(time, Status) & Unsynchronised) == 0;
    }

    /// <summary>systemd's timedated(8), which may.</summary>
    private static async Task<bool?> AskAsync(CancellationToken cancellationToken)
    {
        try
        {
            var (exitCode, output, _) = await Tool.TryRunAsync("timedatectl", ["show", "--property=NTPSynchronized", "--value"], cancellationToken);
            return exitCode == 0 ? output.Trim() == "yes" : null;
        }
        catch (TunnelException)
        {
            return null;
        }
    }

    [DllImport("libc", ExactSpelling = true), DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int adjtimex(byte[] time);
}

/// <summary>Whether the kernel or wireguard-go carries the tunnel.</summary>
internal sealed class WireGuardCheck(TunnelOptions tunnel, PeerReconciler reconciler) : ICheck
{
    public string Name => "wireguard";

    public async Task<IReadOnlyList<Finding>> LookAsync(CancellationToken cancellationToken) =>
        [Judge(tunnel.Interface, reconciler.Health.Error, await UserspaceSocket.AnswersAsync(tunnel.Interface, cancellationToken))];

    internal static Finding Judge(string name, string? fault, bool inUserspace) =>
        fault is not null ? Finding.Fault("wireguard", fault, "the gateway tries again by itself; see its log")
        : inUserspace ? Finding.Warning("wireguard", $"{name} runs in wireguard-go: slower, and a program more", "a kernel with WireGuard (Debian's has it); then ip link delete, and restart")
        : Finding.Ok("wireguard", $"{name} runs in the kernel");
}
