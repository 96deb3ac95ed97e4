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
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
        {
            return null;
        }
    }

    /// <summary>On the disk when it returns. Throws <see cref="IOException"/> or <see cref="UnauthorizedAccessException"/>.</summary>
    public static void Write<T>(string dataDirectory, string name, T note, JsonTypeInfo<T> type) =>
        LeftFile.Write(dataDirectory, name, JsonSerializer.SerializeToUtf8Bytes(note, type));
}
