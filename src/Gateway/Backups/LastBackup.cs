using System.Text.Json;

namespace Gateway.Backups;

/// <summary>
/// How the last backups went, in the data directory, for the doctor, the metrics and whoever asks. <see cref="At"/>: when the
/// last good one was made; <see cref="FailedAt"/> and <see cref="Failure"/>: a later one that was not.
/// </summary>
internal sealed record LastBackup(DateTimeOffset? At, string? File, long Bytes, DateTimeOffset? FailedAt = null, string? Failure = null)
{
    private const string FileName = "backup.json";

    public static LastBackup? Read(string dataDirectory)
    {
        try
        {
            return JsonSerializer.Deserialize(System.IO.File.ReadAllBytes(Path.Combine(dataDirectory, FileName)), BackupJson.Default.LastBackup);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException or JsonException)
        {
            return null;
        }
    }

    /// <summary>Root writes it, the gateway's own user reads it; nobody else gets into the directory (0700).</summary>
    public void Write(string dataDirectory)
    {
        var unfinished = Path.Combine(dataDirectory, FileName + ".new");
        System.IO.File.Delete(unfinished);
        System.IO.File.WriteAllBytes(unfinished, JsonSerializer.SerializeToUtf8Bytes(this, BackupJson.Default.LastBackup));
        System.IO.File.SetUnixFileMode(unfinished, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead);
        System.IO.File.Move(unfinished, Path.Combine(dataDirectory, FileName), overwrite: true);
    }
}
