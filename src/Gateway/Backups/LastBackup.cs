namespace Gateway.Backups;

/// <summary>
/// How the last backups went, in the data directory, for the doctor, the metrics and whoever asks. <see cref="At"/>: when the
/// last good one was made; <see cref="FailedAt"/> and <see cref="Failure"/>: a later one that was not.
/// </summary>
internal sealed record LastBackup(DateTimeOffset? At = null, string? File = null, long Bytes = 0, DateTimeOffset? FailedAt = null, string? Failure = null)
{
    public const string FileName = "backup.json";

    /// <summary>Null where none was ever made, and where what is there cannot be read.</summary>
    public static LastBackup? Read(string dataDirectory) => HostNote.Read(dataDirectory, FileName, BackupJson.Default.LastBackup);

    public void Write(string dataDirectory) => HostNote.Write(dataDirectory, FileName, this, BackupJson.Default.LastBackup);
}
