using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;

namespace Gateway.Tests.Testing;

/// <summary>
/// A page of the documentation, and what it tells people to type: the lines of <c>```bash</c> blocks, and what stands after <c># </c> in
/// <c>```console</c> ones, which show a session with its output.
/// </summary>
internal sealed partial record Page(string Name, string Text)
{
    public static IReadOnlyList<Page> All { get; } =
    [
        .. Directory.GetFiles(Path.Combine(Root(), "docs"), "*.md").Append(Path.Combine(Root(), "README.md")).Order(StringComparer.Ordinal)
            .Select(file => new Page(Path.GetRelativePath(Root(), file), File.ReadAllText(file))),
    ];

    public IReadOnlyList<PageBlock> Blocks => [.. Fence().Matches(Text).Select(block => new PageBlock(
        block.Groups["language"].Value, block.Groups["reason"] is { Success: true } reason ? reason.Value : null, block.Groups["content"].Value))];

    /// <summary>All that is typed and not marked as not run.</summary>
    public IReadOnlyList<string> Commands => [.. Blocks.Where(block => block.NotRun is null).SelectMany(block => block.Commands)];

    public static string Root([CallerFilePath] string file = "") => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(file)!, "../../.."));

    public static Page Of(string name) => All.Single(page => page.Name == name);

    [GeneratedRegex(@"^(?:<!-- not run: (?<reason>[^\n]+) -->\n)?```(?<language>\w*)\n(?<content>.*?)^```$", RegexOptions.Singleline | RegexOptions.Multiline | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Fence();
}

/// <summary>What stands between two fences. <see cref="NotRun"/>: why no test types it, from the line above.</summary>
internal sealed record PageBlock(string Language, string? NotRun, string Content)
{
    public IReadOnlyList<string> Commands => Language switch
    {
        "bash" => Lines.Aggregate(new List<string>(), Joined),
        "console" => [.. Lines.Where(line => line.StartsWith("# ", StringComparison.Ordinal)).Select(line => line[2..])],
        _ => [],
    };

    private IEnumerable<string> Lines => Content.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    /// <summary>A loop is one command.</summary>
    private static List<string> Joined(List<string> commands, string line)
    {
        if (line.StartsWith(' ') || line == "done")
        {
            commands[^1] += "\n" + line;
        }
        else
        {
            commands.Add(line);
        }

        return commands;
    }
}
