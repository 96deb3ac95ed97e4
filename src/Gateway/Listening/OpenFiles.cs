using System.Globalization;

namespace Gateway.Listening;

/// <summary>How many connections the process can hold without running out of files: the store and the tools need some, too.</summary>
internal static class OpenFiles
{
    /// <summary>Five hundred members with three devices and some connections each; more would only cost memory.</summary>
    private const long Most = 10_000;

    /// <summary>What listeners, the store and child processes take at most.</summary>
    private const long Kept = 1000;

    /// <summary>A member's connection takes another one to the homeserver.</summary>
    public static long MostConnections { get; } = Of(File.ReadAllText("/proc/self/limits"));

    /// <summary>From the text of proc(5)'s <c>limits</c>; the runtime has raised the soft limit to the hard one.</summary>
    internal static long Of(string limits)
    {
        const string name = "Max open files";
        var line = limits.Split('\n').FirstOrDefault(line => line.StartsWith(name, StringComparison.Ordinal)) ?? "";
        var files = line.Length > name.Length && line[name.Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries) is [_, var hard, ..]
            && long.TryParse(hard, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : long.MaxValue;
        return Math.Clamp((files - Kept) / 2, 100, Most);
    }
}
