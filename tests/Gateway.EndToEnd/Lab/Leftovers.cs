using System.Net.NetworkInformation;

namespace Gateway.EndToEnd.Lab;

/// <summary>What a lab could leave on the machine: looked for when it ends, and cleared at the start where an earlier run was killed.</summary>
public static class Leftovers
{
    private const string Sockets = "/var/run/wireguard";

    /// <summary>Removes what runs that are no longer there have left; running labs are not touched.</summary>
    public static async Task SweepAsync()
    {
        foreach (var space in (await NamespacesAsync()).Where(LabName.IsStale))
        {
            await NetworkNamespace.RemoveAsync(space);
        }

        foreach (var folder in FoldersIn(NetworkNamespace.EtcFolders).Concat(FoldersIn("/tmp")).Where(folder => LabName.IsStale(Path.GetFileName(folder))))
        {
            Directory.Delete(folder, recursive: true);
        }

        foreach (var socket in SocketFiles().Where(socket => LabName.IsStaleLink(Path.GetFileName(socket))))
        {
            File.Delete(socket);
        }
    }

    /// <summary>Fails where anything of this lab is still on the machine.</summary>
    public static async Task AssertNoneAsync(LabName lab, IReadOnlyCollection<string> identities)
    {
        // Links and sockets go a moment after their namespace: the kernel clears it in the background.
        await Until.ValueAsync("the lab cleans up", TimeSpan.FromSeconds(10), () => FindAsync(lab, identities), left => left.Length == 0);
    }

    /// <summary>What there is of this lab now; <paramref name="identities"/> tells the programs of namespaces whose names are gone.</summary>
    public static async Task<string> FindAsync(LabName lab, IReadOnlyCollection<string> identities)
    {
        var spaces = (await NamespacesAsync()).Where(lab.Owns);
        var folders = FoldersIn(NetworkNamespace.EtcFolders).Concat(FoldersIn("/tmp")).Where(folder => lab.Owns(Path.GetFileName(folder)));
        var links = NetworkInterface.GetAllNetworkInterfaces().Select(link => link.Name).Where(lab.OwnsLink);
        var sockets = SocketFiles().Where(socket => lab.OwnsLink(Path.GetFileName(socket)));
        var programs = Directory.EnumerateDirectories("/proc").Where(process => IsIn(process, identities));
        return string.Join(", ", [.. spaces, .. folders, .. links, .. sockets, .. programs]);
    }

    /// <summary>Removes a folder that several labs share, once the last of them is gone.</summary>
    public static void RemoveIfEmpty(string folder)
    {
        if (Directory.Exists(folder) && !Directory.EnumerateFileSystemEntries(folder).Any())
        {
            Directory.Delete(folder);
        }
    }

    private static async Task<IReadOnlyList<string>> NamespacesAsync()
    {
        var list = (await Command.RunAsync("ip", "netns", "list")).Expect();
        return [.. list.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split(' ')[0])];
    }

    private static IEnumerable<string> FoldersIn(string folder) =>
        Directory.Exists(folder) ? Directory.EnumerateDirectories(folder) : [];

    private static IEnumerable<string> SocketFiles() =>
        Directory.Exists(Sockets) ? Directory.EnumerateFiles(Sockets, $"{LabName.LinkPrefix}*.sock") : [];

    /// <summary>Whether the process (its folder in /proc) is in one of these namespaces.</summary>
    internal static bool IsIn(string process, IReadOnlyCollection<string> identities)
    {
        try
        {
            return new FileInfo(Path.Combine(process, "ns", "net")).LinkTarget is { } space && identities.Contains(space, StringComparer.Ordinal);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // It ended while we looked, or it is not ours to look at.
            return false;
        }
    }
}
