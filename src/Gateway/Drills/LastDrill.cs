using System.Text.Json.Serialization;

namespace Gateway.Drills;

/// <summary>One thing that was played, or looked at, and how it went; <see cref="Milliseconds"/> is how long it took.</summary>
internal sealed record DrillStep(string Name, bool Ok, string Detail, long Milliseconds);

/// <summary>A drill as a whole. <see cref="Ok"/>: every step was. Not <see cref="Played"/>: it came to nothing before a phone was lost, and tells nothing about one.</summary>
internal sealed record DrillReport(bool Ok, bool Played, DateTimeOffset At, IReadOnlyList<DrillStep> Steps);

/// <summary>
/// How the last drills went, in the data directory, for the doctor. <see cref="At"/>: the last one in which every step was as it
/// should be; <see cref="FailedAt"/> and <see cref="Failure"/>: a later one that was not.
/// </summary>
internal sealed record LastDrill(DateTimeOffset? At, DateTimeOffset? FailedAt = null, string? Failure = null)
{
    private const string FileName = "drill.json";

    public static LastDrill? Read(string dataDirectory) => HostNote.Read(dataDirectory, FileName, DrillJson.Default.LastDrill);

    public void Write(string dataDirectory) => HostNote.Write(dataDirectory, FileName, this, DrillJson.Default.LastDrill);
}

[JsonSourceGenerationOptions(System.Text.Json.JsonSerializerDefaults.Web, WriteIndented = true)]
[JsonSerializable(typeof(LastDrill))]
[JsonSerializable(typeof(DrillReport))]
internal sealed partial class DrillJson : JsonSerializerContext;
