using System.Drawing;
using System.Globalization;
using System.Text.RegularExpressions;

namespace Gateway.EndToEnd.Lab;

/// <summary>A screen that nobody sees, with mouse and keyboard: an X server on one machine of the lab.</summary>
public sealed partial class Screen : IAsyncDisposable
{
    private readonly NetworkNamespace space;
    private readonly RunningProgram server;

    private Screen(NetworkNamespace space, RunningProgram server, string display)
    {
        this.space = space;
        this.server = server;
        Display = display;
    }

    /// <summary>What programs find in DISPLAY.</summary>
    public string Display { get; }

    public static async Task<Screen> StartAsync(NetworkNamespace space, string size)
    {
        // It chooses a free display itself and prints the number. Without a reset: else a camera that comes before the first
        // program, and goes, takes the screen away from under it.
        var program = new RunningProgram(space.Describe("Xvfb", "-displayfd", "1", "-screen", "0", size, "-nolisten", "tcp", "-noreset"), "screen");
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        var number = int.Parse(await program.Lines.ReadAsync(patience.Token), CultureInfo.InvariantCulture);
        return new Screen(space, program, string.Create(CultureInfo.InvariantCulture, $":{number}"));
    }

    public async Task PhotographAsync(string picture) =>
        (await space.RunAsync("import", "-display", Display, "-window", "root", picture)).Expect();

    /// <summary>The areas of one colour on a picture that have about this size or more, from top to bottom, then from left to right.</summary>
    public static async Task<IReadOnlyList<Rectangle>> AreasAsync(string picture, string colour, Size atLeast)
    {
        string[] look = ["-fill", "black", "+opaque", colour, "-fill", "white", "-opaque", colour, "-define", "connected-components:verbose=true"];
        var lines = (await Command.RunAsync("convert", [picture, .. look, "-connected-components", "8", "null:"])).Expect();
        return [.. AreaPattern().Matches(lines).Select(Area).Where(area => area.Width >= atLeast.Width && area.Height >= atLeast.Height).OrderBy(area => area.Y).ThenBy(area => area.X)];
    }

    public Task ClickAsync(Point at) => UseAsync("mousemove", $"{at.X}", $"{at.Y}", "click", "1");

    /// <summary>Types into the one window of this name that is there.</summary>
    public async Task TypeAsync(string window, string text, string key)
    {
        await UseAsync("search", "--sync", "--onlyvisible", "--name", $"^{window}$", "windowfocus", "--sync");
        await UseAsync("type", text);
        await UseAsync("key", key);
    }

    public async ValueTask DisposeAsync()
    {
        // Asked and not killed: it removes its socket and its lock only then.
        await server.StopAsync();
        await server.DisposeAsync();
    }

    private async Task UseAsync(params string[] what) => (await space.RunAsync("env", [$"DISPLAY={Display}", "xdotool", .. what])).Expect();

    private static Rectangle Area(Match match)
    {
        int Number(string name) => int.Parse(match.Groups[name].Value, CultureInfo.InvariantCulture);
        return new Rectangle(Number("x"), Number("y"), Number("width"), Number("height"));
    }

    [GeneratedRegex(@"^ *\d+: (?<width>\d+)x(?<height>\d+)\+(?<x>\d+)\+(?<y>\d+) .*(?:gray\(255\)|srgb\(255,255,255\)|white)$", RegexOptions.Multiline, 1000)]
    private static partial Regex AreaPattern();
}
