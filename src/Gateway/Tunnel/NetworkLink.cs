using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;

namespace Gateway.Tunnel;

/// <summary>
/// The network link under the WireGuard interface, driven with <c>ip(8)</c>: made if missing, addressed, up. Knows
/// what is in our own network namespace, which neither wireguard-go's socket (shared through the file system) nor
/// /sys (which may be another namespace's mount) can tell.
/// </summary>
internal sealed class NetworkLink(string name, UserspaceMode userspace)
{
    /// <summary>IPv6's minimum: passes every mobile network without fragments.</summary>
    private const int Mtu = 1280;

    /// <summary>Of which kind the link of this number is; the number's link never changes its kind.</summary>
    private (uint Index, bool InKernel) _kind;

    private readonly byte[] _nameForLibc = Encoding.ASCII.GetBytes(name + "\0");

    public string Name => name;

    /// <summary>The link's number in our own network namespace, 0 where it is not there; a rebuilt link has a new one.</summary>
    public uint Index => if_nametoindex(_nameForLibc);

    /// <summary>
    /// Throws where the link is not ours, or where a socket of its name is another's: <c>wg</c> asks the socket first,
    /// even for a kernel link, and would give our key and peers to the wireguard-go of another network namespace.
    /// </summary>
    public async Task RequireAsync(CancellationToken cancellationToken)
    {
        var index = Index;
        if (index == 0)
        {
            throw new TunnelException($"The interface {name} does not exist here.");
        }

        if (_kind.Index != index)
        {
            _kind = (index, await IsInKernelAsync(cancellationToken));
        }

        if (_kind.InKernel && await UserspaceSocket.AnswersAsync(name, cancellationToken))
        {
            throw new TunnelException($"{UserspaceSocket.PathOf(name)} belongs to a wireguard-go of another network namespace: choose another Tunnel:Interface");
        }
    }

    /// <summary>Makes the link if missing; address, MTU and up only where they differ. True where it had to be made.</summary>
    public async Task<bool> EnsureAsync(InterfaceSettings settings, CancellationToken cancellationToken)
    {
        var made = Index == 0;
        if (made)
        {
            await MakeAsync(cancellationToken);
        }

        await RequireAsync(cancellationToken);
        using var seen = JsonDocument.Parse(await Tool.RunAsync("ip", ["-json", "address", "show", "dev", name], cancellationToken));
        var link = seen.RootElement[0];
        await AddressAsync(link, settings, cancellationToken);
        if (link.GetProperty("mtu").GetInt32() != Mtu || !link.GetProperty("flags").EnumerateArray().Any(flag => flag.ValueEquals("UP")))
        {
            await Tool.RunAsync("ip", ["link", "set", "dev", name, "mtu", Mtu.ToString(CultureInfo.InvariantCulture), "up"], cancellationToken);
        }

        return made;
    }

    /// <summary>A new link, without address and down. Throws <see cref="TunnelException"/>.</summary>
    public async Task MakeAsync(CancellationToken cancellationToken)
    {
        if (userspace != UserspaceMode.Always && await MakeInKernelAsync(cancellationToken))
        {
            return;
        }

        // A session of its own, so that what ends the gateway (a signal to its process group) leaves the tunnels up.
        string[] command = ["--wait", "wireguard-go", name];
        var (exitCode, output, errors) = await Tool.TryRunAsync("setsid", command, cancellationToken);
        if (exitCode == 127)
        {
            throw new TunnelException("`wireguard-go` is not installed and the kernel has no WireGuard (Debian: apt install wireguard-go)");
        }

        if (exitCode != 0)
        {
            // It explains failures on its output and fills the error stream with a banner.
            var reason = output.Trim().Length > 0 ? output : errors;
            throw Tool.Failure("setsid", command, $"{reason.Trim()} (it opens /dev/net/tun and writes in /run/wireguard)");
        }

        // Until it answers it is still setting the link up, and would undo our MTU.
        await new UserspaceSocket(this).DumpAsync(cancellationToken);
    }

    /// <summary>False where the kernel has no WireGuard and wireguard-go may stand in.</summary>
    private async Task<bool> MakeInKernelAsync(CancellationToken cancellationToken)
    {
        string[] command = ["link", "add", "dev", name, "type", "wireguard"];
        var (exitCode, _, errors) = await Tool.TryRunAsync("ip", command, cancellationToken);
        if (exitCode == 0)
        {
            return true;
        }

        var unknownType = errors.Contains("Unknown device type", StringComparison.Ordinal)
            || errors.Contains("Operation not supported", StringComparison.Ordinal);
        return unknownType && userspace == UserspaceMode.Auto
            ? false
            : throw Tool.Failure("ip", command, unknownType ? $"{errors.Trim()} The kernel has no WireGuard: load the module, or allow Tunnel:Userspace" : errors);
    }

    private async Task<bool> IsInKernelAsync(CancellationToken cancellationToken)
    {
        using var seen = JsonDocument.Parse(await Tool.RunAsync("ip", ["-details", "-json", "link", "show", "dev", name], cancellationToken));
        return seen.RootElement[0].TryGetProperty("linkinfo", out var info)
            && info.TryGetProperty("info_kind", out var kind) && kind.ValueEquals("wireguard");
    }

    private async Task AddressAsync(JsonElement link, InterfaceSettings settings, CancellationToken cancellationToken)
    {
        var wanted = $"{settings.Address}/{settings.PrefixLength}";
        var standing = link.GetProperty("addr_info").EnumerateArray()
            .Where(address => address.GetProperty("family").ValueEquals("inet"))
            .Select(address => $"{address.GetProperty("local").GetString()}/{address.GetProperty("prefixlen").GetInt32()}")
            .ToList();
        if (!standing.Contains(wanted, StringComparer.Ordinal))
        {
            await Tool.RunAsync("ip", ["address", "add", wanted, "dev", name], cancellationToken);
        }

        // An address of an earlier configuration would keep a route to a network that no device has any more.
        foreach (var other in standing.Where(other => other != wanted))
        {
            await Tool.RunAsync("ip", ["address", "del", other, "dev", name], cancellationToken);
        }
    }

    [DllImport("libc", ExactSpelling = true), DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern uint if_nametoindex(byte[] name);
}
