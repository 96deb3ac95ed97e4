using System.Globalization;
using System.Text.RegularExpressions;
using Gateway.Onboarding.Store;

namespace Gateway.Backups;

/// <summary>Where backups lie: one file each, named by its moment. What bears the name is whole; what does not, is removed.</summary>
internal sealed partial class BackupFolder(string path)
{
    private const string Partial = ".partial";
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    public string Path => path;

    /// <summary>A new file for the backup of this moment, for its owner alone, and without its final name.</summary>
    public FileStream Begin(DateTimeOffset at)
    {
        Directory.CreateDirectory(path, OwnerOnly | UnixFileMode.UserExecute);

        // Of one that was killed. Two at once are kept apart by the lock of the maker.
        foreach (var left in Directory.GetFiles(path).Where(file => Name().IsMatch(System.IO.Path.GetFileName(file)) && file.EndsWith(Partial, StringComparison.Ordinal)))
        {
            File.Delete(left);
        }

        var name = string.Create(CultureInfo.InvariantCulture, $"gateway-{at.ToUniversalTime():yyyyMMdd'T'HHmmss'Z'}.tar.gz.age");
        return new(System.IO.Path.Combine(path, name + Partial), new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = OwnerOnly });
    }

    /// <summary>On the disk under its final name when it returns, and the file closed.</summary>
    public string Finish(FileStream file)
    {
        var final = file.Name[..^Partial.Length];
        file.Flush(flushToDisk: true);
        file.Dispose();
        File.Move(file.Name, final);
        DirectorySync.Sync(path);
        return final;
    }

    /// <summary>Takes away what is too many or too old, but never the newest one. Returns what went.</summary>
    public IReadOnlyList<string> Prune(int keep, TimeSpan age, DateTimeOffset now)
    {
        var surplus = Directory.GetFiles(path)
            .Select(file => (File: file, Match: Name().Match(System.IO.Path.GetFileName(file))))
            .Where(one => one.Match.Success && !one.File.EndsWith(Partial, StringComparison.Ordinal))
            .Select(one => (one.File, At: DateTimeOffset.ParseExact(one.Match.Groups["at"].Value, "yyyyMMdd'T'HHmmss'Z'", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal)))
            .OrderByDescending(one => one.At)
            .Where((one, index) => index > 0 && (index >= keep || now - one.At > age))
            .Select(one => one.File)
            .ToList();
        surplus.ForEach(File.Delete);
        return surplus;
    }

    [GeneratedRegex(@"\Agateway-(?<at>[0-9]{8}T[0-9]{6}Z)\.tar\.gz\.age(\.partial)?\z", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Name();
}
