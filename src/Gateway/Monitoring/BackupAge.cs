using System.Diagnostics.Metrics;
using Gateway.Backups;

namespace Gateway.Monitoring;

/// <summary>
/// How old the last good backup is. Where there never was one nothing is said; where the word of it went away, or cannot be read, it is
/// older than any.
/// </summary>
internal sealed class BackupAge(GatewayOptions gateway, TimeProvider time)
{
    private bool _seen;

    public IEnumerable<Measurement<double>> Observe()
    {
        _seen |= File.Exists(Path.Combine(gateway.DataDirectory, LastBackup.FileName));
        return _seen ? [new(LastBackup.Read(gateway.DataDirectory)?.At is { } at ? (time.GetUtcNow() - at).TotalSeconds : double.PositiveInfinity)] : [];
    }
}
