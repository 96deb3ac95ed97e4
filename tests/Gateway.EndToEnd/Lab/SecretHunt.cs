using System.Text;

namespace Gateway.EndToEnd.Lab;

/// <summary>Looks for secrets, in every form that a program could have written them in, in files and in what processes show of themselves.</summary>
public sealed class SecretHunt
{
    /// <summary>What is larger than this was not written by an enrolment.</summary>
    private const int MostBytes = 64 * 1024 * 1024;

    private static readonly string[] Faces = ["cmdline", "environ"];

    private readonly List<(string Name, byte[] Bytes)> needles = [];

    /// <summary>32 bytes, given as WireGuard writes them.</summary>
    public void AddKey(string name, string base64)
    {
        var raw = Convert.FromBase64String(base64);
        needles.Add(($"{name}, raw", raw));
        AddText(name, base64);
        AddText($"{name}, hex", Convert.ToHexStringLower(raw));
        AddText($"{name}, HEX", Convert.ToHexString(raw));
    }

    public void AddText(string name, string text)
    {
        needles.Add((name, Encoding.UTF8.GetBytes(text)));
        needles.Add(($"{name}, UTF-16", Encoding.Unicode.GetBytes(text)));
    }

    /// <summary>The names of the secrets that are in there.</summary>
    public IEnumerable<string> In(byte[] bytes) => needles.Where(needle => bytes.AsSpan().IndexOf(needle.Bytes) >= 0).Select(needle => needle.Name);

    /// <summary>Every file under the folder that was written since; those of other programs that went away meanwhile are none.</summary>
    public IReadOnlyList<string> InFiles(string folder, DateTimeOffset since)
    {
        var all = new EnumerationOptions { RecurseSubdirectories = true, IgnoreInaccessible = true, AttributesToSkip = FileAttributes.ReparsePoint };
        // Pipes and sockets are empty, too.
        return [.. new DirectoryInfo(folder).EnumerateFiles("*", all)
            .Where(file => file.LastWriteTimeUtc >= since.UtcDateTime && file.Length is > 0 and < MostBytes)
            .SelectMany(file => In(Read(file)).Select(secret => $"{file.FullName}: {secret}"))];
    }

    /// <summary>Arguments and environments of all processes of these network namespaces.</summary>
    public IEnumerable<string> InProcesses(IReadOnlyCollection<string> identities) =>
        from shown in Shown(identities)
        from secret in In(shown.Bytes)
        select $"{shown.What}: {secret}";

    /// <summary>What those processes show of themselves at this moment.</summary>
    public static IEnumerable<(string What, byte[] Bytes)> Shown(IReadOnlyCollection<string> identities) =>
        from process in Directory.EnumerateDirectories("/proc")
        where char.IsAsciiDigit(Path.GetFileName(process)[0]) && Leftovers.IsIn(process, identities)
        from shown in Faces
        select ($"{shown} of {Encoding.UTF8.GetString(Read(new FileInfo(Path.Combine(process, "comm")))).Trim()}", Read(new FileInfo(Path.Combine(process, shown))));

    private static byte[] Read(FileInfo file)
    {
        try
        {
            // Files of /proc say that they are empty.
            using var stream = file.Open(FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            using var copy = new MemoryStream();
            stream.CopyTo(copy);
            return copy.ToArray();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }
}
