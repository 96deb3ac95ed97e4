using System.Diagnostics.Metrics;

namespace Gateway.Monitoring;

/// <summary>
/// What all of the program's instruments belong to. Every label has a small, fixed set of values: none names a person, a device, an
/// address, a room or a path.
/// </summary>
internal sealed class GatewayMeter() : Meter("Gateway")
{
    public const string Seconds = "s";

    /// <summary>From a write to a disk, or a look at the interface, to one that somebody should look into.</summary>
    public static readonly InstrumentAdvice<double> Work = new() { HistogramBucketBoundaries = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5] };

    public static KeyValuePair<string, object?> Label(string name, string value) => new(name, value);
}
