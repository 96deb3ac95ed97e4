namespace Gateway.Admin;

/// <summary>Section <c>Console</c> of the configuration.</summary>
internal sealed class ConsoleOptions
{
    /// <summary>The console's port on loopback, for an SSH tunnel; 0 switches it off.</summary>
    public int Port { get; set; } = 8080;

    /// <summary>The console's port on the tunnel address, for devices that the admin has marked; 0, the default, switches it off.</summary>
    public int TunnelPort { get; set; }

    /// <summary><paramref name="membersPort"/> is taken on the tunnel address already.</summary>
    public IEnumerable<string> Faults(int membersPort)
    {
        if (Port is < 0 or > 65535)
        {
            yield return $"Console:Port is {Port}: give a TCP port, 1 to 65535, or 0 for no console on loopback";
        }

        if (TunnelPort is < 0 or > 65535)
        {
            yield return $"Console:TunnelPort is {TunnelPort}: give a TCP port, 1 to 65535, or 0 for no console in the tunnel";
        }
        else if (TunnelPort != 0 && TunnelPort == membersPort)
        {
            yield return $"Console:TunnelPort is {TunnelPort}, which is the members' port: give another, for example 8443";
        }
    }
}
