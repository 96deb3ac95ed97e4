using System.Text.Json;
using System.Text.Json.Serialization;

namespace Gateway.Backups;

/// <summary>The first entry of a backup: what it is of. Its places are the only ones that a restore writes to.</summary>
internal sealed record Manifest
{
    /// <summary>The version of this layout. A newer gateway reads older ones; a newer layout is refused.</summary>
    public const int CurrentFormat = 1;

    public const string Name = "manifest.json";

    /// <summary>The last entry: what there should be, <see cref="ManifestEntry"/> by <see cref="ManifestEntry"/>.</summary>
    public const string EntriesName = "entries.json";

    /// <summary>Files lie below it under their own absolute paths.</summary>
    public const string Files = "files";

    /// <summary>The homeserver's database: an SQLite file, or a dump of pg_dump(1) in its custom form.</summary>
    public const string Database = "homeserver-database";

    public required int Format { get; init; }

    public required string GatewayVersion { get; init; }

    public required string ServerName { get; init; }

    public required DateTimeOffset At { get; init; }

    /// <summary>The gateway stood still for good when this was made: nothing was revoked since.</summary>
    public required bool IsFinal { get; init; }

    public required string DataDirectory { get; init; }

    /// <summary>The configuration file.</summary>
    public required string Configuration { get; init; }

    /// <summary>Absolute paths of the files and folders that are in it, the homeserver's SQLite file included.</summary>
    public required IReadOnlyList<string> Places { get; init; }

    /// <summary>Where the database goes: a path or a connection string; null where it is not in the backup.</summary>
    public required string? HomeserverDatabase { get; init; }

    public byte[] ToBytes() => JsonSerializer.SerializeToUtf8Bytes(this, BackupJson.Default.Manifest);

    public static Manifest Read(Stream? stream)
    {
        try
        {
            using var document = JsonDocument.Parse(stream ?? Stream.Null);
            return document.RootElement.TryGetProperty("format", out var format) && format.TryGetInt32(out var number) && number > CurrentFormat
                ? throw new BackupException($"this backup was made by a newer gateway (format {number}, and this one reads up to {CurrentFormat})", "install that version or a later one, and restore again")
                : document.Deserialize(BackupJson.Default.Manifest)!;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new BackupException("the file is no backup of a gateway, or its head is damaged", "use another backup; nothing was changed", e);
        }
    }
}

/// <summary><see cref="Path"/> as in the archive; <see cref="Sha256"/> in hexadecimal.</summary>
internal sealed record ManifestEntry(string Path, long Size, string Sha256);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, WriteIndented = true, RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(Manifest))]
[JsonSerializable(typeof(IReadOnlyList<ManifestEntry>))]
[JsonSerializable(typeof(LastBackup))]
internal sealed partial class BackupJson : JsonSerializerContext;
