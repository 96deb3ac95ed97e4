using System.Globalization;
using System.Text.Json;
using Gateway.Onboarding.Store;

namespace Gateway.Backups;

/// <summary>
/// The word in a data directory that its gateway has moved to another server. Two servers with the same keys would take each other's
/// members, and a revocation on one would not hold on the other: so this one never serves again, whoever starts it.
/// </summary>
internal static class Fence
{
    private const string FileName = "moved.json";

    /// <summary>Since when, in words for the admin; null where it has not moved.</summary>
    public static string? Of(string dataDirectory)
    {
        var file = PathOf(dataDirectory);
        return File.Exists(file)
            ? $"this gateway has moved to another server, {File.GetLastWriteTimeUtc(file).ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture)} UTC"
            : null;
    }

    public static string WayOut(string dataDirectory) => $"if the other one never served anybody, and will not: delete {PathOf(dataDirectory)}";

    /// <summary>On the disk when it returns.</summary>
    public static void Raise(string dataDirectory, DateTimeOffset at) => LeftFile.Write(dataDirectory, FileName, JsonSerializer.SerializeToUtf8Bytes(at));

    public static void Lower(string dataDirectory) => File.Delete(PathOf(dataDirectory));

    private static string PathOf(string dataDirectory) => Path.Combine(dataDirectory, FileName);
}
