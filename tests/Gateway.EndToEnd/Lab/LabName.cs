using System.Globalization;

namespace Gateway.EndToEnd.Lab;

/// <summary>
/// The name that everything of one lab bears: namespaces, links and folders say by it who made them, so that what a killed
/// run left behind can be told from what another run is using now.
/// </summary>
public sealed class LabName
{
    public const string Prefix = "gwt-";
    public const string LinkPrefix = "gt";

    private static int count;

    private readonly int number = Interlocked.Increment(ref count);
    private int links;

    public LabName() => Text = string.Create(CultureInfo.InvariantCulture, $"{Prefix}{Environment.ProcessId}-{StartOf(Environment.ProcessId)}-{number}");

    public string Text { get; }

    private string LinkStem => string.Create(CultureInfo.InvariantCulture, $"{LinkPrefix}{Environment.ProcessId:x}-{number}x");

    /// <summary>Temporary files of this lab; short, because a Unix socket's path must fit into 108 bytes.</summary>
    public string Folder => Path.Combine("/tmp", Text);

    /// <summary>A new link name. wireguard-go's sockets lie in one folder for all namespaces, so it is unique on the machine, in 15 characters.</summary>
    public string NextLink() => string.Create(CultureInfo.InvariantCulture, $"{LinkStem}{Interlocked.Increment(ref links)}");

    public bool Owns(string name) => name.StartsWith(Text + "-", StringComparison.Ordinal) || name == Text;

    public bool OwnsLink(string link) => link.StartsWith(LinkStem, StringComparison.Ordinal);

    /// <summary>A namespace or folder of ours whose maker is no longer there. A process id alone could have been given out again.</summary>
    public static bool IsStale(string name) =>
        name.StartsWith(Prefix, StringComparison.Ordinal)
        && name.Split('-') is [_, var id, var start, ..]
        && int.TryParse(id, NumberStyles.None, CultureInfo.InvariantCulture, out var process)
        && StartOf(process) != start;

    /// <summary>The same for a link, whose name has no room for the start time.</summary>
    public static bool IsStaleLink(string link) =>
        link.StartsWith(LinkPrefix, StringComparison.Ordinal)
        && int.TryParse(link[LinkPrefix.Length..].Split('-')[0], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var process)
        && StartOf(process) is null;

    /// <summary>When the process started, in the kernel's ticks (proc(5), field 22 of stat); null where there is none.</summary>
    private static string? StartOf(int process)
    {
        try
        {
            var stat = File.ReadAllText($"/proc/{process}/stat");
            return stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[19];
        }
        catch (IOException)
        {
            return null;
        }
    }
}
