namespace Gateway.Monitoring;

/// <summary>Section <c>Metrics</c> of the configuration.</summary>
internal sealed class MetricsOptions
{
    /// <summary>The port on loopback where a Prometheus of this host finds metrics and health; 0, the default: on the admin's socket alone.</summary>
    public int Port { get; set; }

    /// <summary><paramref name="consolePort"/> is taken on loopback already.</summary>
    public IEnumerable<string> Faults(int consolePort)
    {
        if (Port is < 0 or > 65535)
        {
            yield return $"Metrics:Port is {Port}: give a TCP port, 1 to 65535, or 0 for metrics on the admin's socket alone";
        }
        else if (Port != 0 && Port == consolePort)
        {
            yield return $"Metrics:Port is {Port}, which is the console's port: give another, for example 9464";
        }
    }
}
