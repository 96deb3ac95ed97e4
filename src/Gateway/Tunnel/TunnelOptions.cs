using System.Net;

namespace Gateway.Tunnel;

/// <summary>The <c>Tunnel</c> section of the configuration. Texts are parsed by <see cref="TunnelOptionsValidator"/>, which reports every fault at once; the computed members are valid after it passed.</summary>
internal sealed class TunnelOptions
{
    public string Interface { get; set; } = "wg0";

    /// <summary>Outside RFC 1918 and 100.64/10, so that no hotel's or carrier's network clashes with it.</summary>
    public string Network { get; set; } = "198.19.0.0/18";

    /// <summary>The UDP port of the interface; chosen at installation, hence no default.</summary>
    public int ListenPort { get; set; }

    /// <summary>host:port as phones reach it; the port may differ from <see cref="ListenPort"/> behind a port forwarding.</summary>
    public string Endpoint { get; set; } = "";

    /// <summary>auto: wireguard-go only where the kernel has no WireGuard; never; always.</summary>
    public string Userspace { get; set; } = "auto";

    public IPNetwork Subnet => IPNetwork.Parse(Network);

    /// <summary>The gateway's own tunnel address: the first of the network.</summary>
    public IPAddress GatewayAddress
    {
        get
        {
            var bytes = Subnet.BaseAddress.GetAddressBytes();
            bytes[3] |= 1;
            return new IPAddress(bytes);
        }
    }

    public UserspaceMode UserspaceMode => Enum.Parse<UserspaceMode>(Userspace, ignoreCase: true);
}

/// <summary>When wireguard-go may stand in for the kernel's WireGuard.</summary>
internal enum UserspaceMode
{
    Auto = 0,
    Never,
    Always,
}
