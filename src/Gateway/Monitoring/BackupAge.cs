using System.Diagnostics.Metrics;
using System.Text.Json;

namespace Gateway.Monitoring;

/// <summary>
/// How old the last good backup is, as the file says that <c>gateway backup</c> leaves: <c>{"at": "2026-11-28T04:00:00Z"}</c>. Where there
/// never was one nothing is said; one that went away, or cannot be read, is older than any.
/// </summary>
internal sealed class BackupAge(GatewayOptions gateway, TimeProvider time)
{
    public const string FileName = "backup.json";

    private bool _seen;

    public IEnumerable<Measurement<double>> Observe()
    {
        var path = Path.Combine(gateway.DataDirectory, FileName);
        _seen |= File.Exists(path);
        return _seen ? [new(At(path) is { } at ? (time.GetUtcNow() - at).TotalSeconds : double.PositiveInfinity)] : [];
    }

    private static DateTimeOffset? At(string path)
    {
        try
        {
            using var json = JsonDocument.Parse(File.ReadAllBytes(path));
            return json.RootElement.GetProperty("at").GetDateTimeOffset();
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException or JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            return null;
        }
    }
}
