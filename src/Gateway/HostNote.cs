using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Gateway.Onboarding.Store;

namespace Gateway;

/// <summary>
/// What a command of root's leaves beside the store for the gateway to read: how the last backup went, and the last drill. A small
/// JSON file, replaced as a whole.
/// </summary>
internal static class HostNote
{
    /// <summary>Null where there is none, or nothing that can be read.</summary>
    public static T? Read<T>(string dataDirectory, string name, JsonTypeInfo<T> type)
        where T : class
    {
        try
        {
            return JsonSerializer.Deserialize(File.ReadAllBytes(Path.Combine(dataDirectory, name)), type);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException or JsonException)
        {
            return null;
        }
    }

    /// <summary>On the disk when it returns. The gateway's own user reads it; nobody else gets into the directory (0700).</summary>
    public static void Write<T>(string dataDirectory, string name, T note, JsonTypeInfo<T> type)
    {
        var unfinished = Path.Combine(dataDirectory, name + ".new");
        File.Delete(unfinished);
        using (var file = File.Create(unfinished))
        {
            JsonSerializer.Serialize(file, note, type);
            file.Flush(flushToDisk: true);
        }

        File.SetUnixFileMode(unfinished, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead);
        File.Move(unfinished, Path.Combine(dataDirectory, name), overwrite: true);
        DirectorySync.Sync(dataDirectory);
    }
}
