using System.Text.RegularExpressions;
using Gateway.Commands;
using Gateway.Tests.Testing;

namespace Gateway.Tests.Conventions;

/// <summary>What the documentation tells people to type: a story types it, or the page says why none does; and what it names is there.</summary>
public sealed partial class PageTests
{
    private const string Stories = "tests/Gateway.EndToEnd/Stories";

    /// <summary>Of fences. Those of the last line hold no commands.</summary>
    private static readonly string[] Languages =
    [
        "bash", "console",
        "text", "yaml", "dockerfile",
    ];

    /// <summary>In the language that the tests type.</summary>
    public static TheoryData<string> PagesWithCommands =>
        [.. Page.All.Where(page => page.Commands.Count > 0 && !page.Name.EndsWith(".fr.md", StringComparison.Ordinal)).Select(page => page.Name)];

    public static TheoryData<string> French => [.. Page.All.Select(page => page.Name).Where(name => name.EndsWith(".fr.md", StringComparison.Ordinal))];

    [Fact]
    public void The_pages_are_found_with_what_they_tell_to_type()
    {
        Assert.Superset(new HashSet<string> { "README.md", "docs/operate.md", "docs/install.md", "docs/recovery.md", "docs/firewall.md" }, PagesWithCommands.Select(row => row.Data).ToHashSet());
        Assert.True(French.Count >= 2);
        Assert.Contains("gateway revoke alice/phone", Page.Of("docs/operate.md").Commands);
        Assert.Contains("gateway devices --member alice", Page.Of("README.md").Commands);
        Assert.Contains(Page.Of("docs/recovery.md").Commands, command => command.StartsWith("gateway members", StringComparison.Ordinal) && command.EndsWith("\ndone", StringComparison.Ordinal));
    }

    [Fact]
    public void Every_block_says_what_it_is()
    {
        foreach (var page in Page.All)
        {
            Assert.All(page.Blocks, block => Assert.True(Languages.Contains(block.Language), $"{page.Name}: ```{block.Language}\n{block.Content}"));
            Assert.True(page.Text.Split('\n').Count(line => line.Contains("```", StringComparison.Ordinal)) == page.Blocks.Count * 2, $"{page.Name}: a fence that is indented, or not closed");
            Assert.All(page.Blocks.Where(block => block.Commands.Count == 0), block => Assert.DoesNotMatch(LikeACommand(), block.Content));
            Assert.All(page.Blocks.Where(block => block.NotRun is not null), block => Assert.NotEmpty(block.Commands));
            Assert.True(Marker().Count(page.Text) == page.Blocks.Count(block => block.NotRun is not null), $"{page.Name}: 'not run' stands in the line above a block");
        }
    }

    /// <summary>PagesStory fails at its end where it did not type all of a page that it names. InstallStory has the words themselves.</summary>
    [Theory]
    [MemberData(nameof(PagesWithCommands))]
    public void Every_command_is_typed_by_a_story_or_the_page_says_why_not(string name)
    {
        var followed = FollowedPages().Match(Source("PagesStory"));
        Assert.True(followed.Success);
        if (followed.Groups["pages"].Value.Contains($"\"{name}\"", StringComparison.Ordinal))
        {
            return;
        }

        var story = Source("InstallStory").Replace("{Install}", "deploy/install --from gateway", StringComparison.Ordinal);
        Assert.All(Page.Of(name).Commands, command => Assert.Contains(command, story, StringComparison.Ordinal));
    }

    [Theory]
    [MemberData(nameof(French))]
    public void In_French_the_same_is_typed(string name)
    {
        var english = Page.Of(name.Replace(".fr.md", ".md", StringComparison.Ordinal));

        Assert.Equal(Typed(english), Typed(Page.Of(name)));

        static IEnumerable<string> Typed(Page page) => page.Blocks.Select(block => $"{block.Language} {block.NotRun}\n{string.Join('\n', block.Commands)}");
    }

    /// <summary>Also where it is only named, in a sentence or a table.</summary>
    [Fact]
    public void Every_command_that_a_page_names_is_there_with_its_options()
    {
        var named = Page.All.SelectMany(page => Spans(page).Concat(page.Blocks.SelectMany(block => block.Commands)).Select(command => (page.Name, Command: command.Replace("sudo ", "", StringComparison.Ordinal)))).ToList();
        Assert.True(named.Count > 100, "the commands are found");

        var gateway = named.Where(one => one.Command.StartsWith("gateway ", StringComparison.Ordinal)).SelectMany(one => Strange(one.Command).Select(word => $"{one.Name}: {one.Command}: {word}"));
        var scripts = named.Where(one => one.Command.StartsWith("deploy/", StringComparison.Ordinal)).SelectMany(one => Missing(one.Command).Select(word => $"{one.Name}: {one.Command}: {word}"));

        Assert.Empty(gateway.Concat(scripts));
    }

    /// <summary>What is between backticks outside of blocks.</summary>
    private static IEnumerable<string> Spans(Page page) =>
        Span().Matches(page.Blocks.Aggregate(page.Text, (text, block) => text.Replace(block.Content, "", StringComparison.Ordinal)).Replace("```", "", StringComparison.Ordinal)).Select(match => match.Groups["content"].Value);

    /// <summary>Words that the command line does not know. A value that is missing is none of them: a page may name the command alone.</summary>
    private static IEnumerable<string> Strange(string command)
    {
        using var input = new StringReader("");
        var words = Words(command).Skip(1).ToArray();
        var context = new CommandContext(new Terminal(TextWriter.Null, TextWriter.Null, input, false, TimeProvider.System), TimeProvider.System, new Dictionary<string, string>(), AdminClient.OverSocket);
        return CommandLine.Build(context, (_, _) => Task.FromResult(0)).Parse(words).UnmatchedTokens;
    }

    /// <summary>A script, its ways and its options have to stand in it.</summary>
    private static IEnumerable<string> Missing(string command)
    {
        var words = Words(command).ToArray();
        var file = Path.Combine(Page.Root(), words[0]);
        return Path.Exists(file)
            ? words.Skip(1).Where(word => ScriptWord().IsMatch(word) && !File.ReadAllText(file).Contains(word, StringComparison.Ordinal))
            : [words[0]];
    }

    /// <summary>Of the first command in a line, without what a shell would do with its output.</summary>
    private static IEnumerable<string> Words(string command) =>
        Word().Matches(command).Select(match => match.Value.Trim('"')).TakeWhile(word => word is not ("|" or "#" or ">")).Where(word => word != "…");

    private static string Source(string story) => File.ReadAllText(Path.Combine(Page.Root(), Stories, $"{story}.cs"));

    [GeneratedRegex(@"^(# )?(gateway|deploy/\w+|tests/\w+|sudo|systemctl|docker) ", RegexOptions.Multiline | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex LikeACommand();

    [GeneratedRegex("<!-- not run", RegexOptions.None, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Marker();

    [GeneratedRegex(@"string\[\] Pages = \[(?<pages>[^\]]+)\]", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex FollowedPages();

    [GeneratedRegex("`(?<content>[^`]+)`", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Span();

    [GeneratedRegex(@"""[^""]*""|\S+", RegexOptions.None, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Word();

    [GeneratedRegex("^(--)?[a-z][a-z-]*$", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex ScriptWord();
}
