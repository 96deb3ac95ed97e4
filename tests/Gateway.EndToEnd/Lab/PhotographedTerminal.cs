using System.Globalization;

namespace Gateway.EndToEnd.Lab;

/// <summary>A real terminal on a screen that nobody sees: xterm under Xvfb, 80 columns wide, and a camera in front of it.</summary>
public sealed class PhotographedTerminal : IAsyncDisposable
{
    private readonly NetworkNamespace space;
    private readonly RunningProgram screen;
    private readonly RunningProgram terminal;
    private readonly string display;

    private PhotographedTerminal(NetworkNamespace space, RunningProgram screen, RunningProgram terminal, string display)
    {
        this.space = space;
        this.screen = screen;
        this.terminal = terminal;
        this.display = display;
    }

    public static async Task<PhotographedTerminal> RunAsync(NetworkNamespace space, string background, string foreground, params string[] command)
    {
        // It chooses a free display itself and prints the number.
        var server = new RunningProgram(space.Describe("Xvfb", "-displayfd", "1", "-screen", "0", "1000x1400x24", "-nolisten", "tcp"), "screen");
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        var number = int.Parse(await server.Lines.ReadAsync(patience.Token), CultureInfo.InvariantCulture);
        var name = string.Create(CultureInfo.InvariantCulture, $":{number}");
        string[] look = ["-geometry", "80x65", "-fa", "DejaVu Sans Mono", "-fs", "9", "-bg", background, "-fg", foreground, "-u8"];
        var start = space.Describe("xterm", [.. look, "-e", .. command]);
        start.Environment["DISPLAY"] = name;
        start.Environment["LANG"] = "C.UTF-8";
        return new PhotographedTerminal(space, server, new RunningProgram(start, "terminal"), name);
    }

    /// <summary>Photographs the screen until a QR on it can be read, and returns what it says.</summary>
    public async Task<string> ScanAsync()
    {
        var picture = TestLogs.Picture($"terminal{display.Replace(':', '-')}");
        var seen = await Until.ValueAsync(
            "a QR on the screen",
            TimeSpan.FromSeconds(30),
            async () =>
            {
                (await space.RunAsync("import", "-display", display, "-window", "root", picture)).Expect();
                // As a camera sees it: not pixel by pixel, but with soft edges.
                (await Command.RunAsync("mogrify", "-resize", "200%", "-blur", "0x2", picture)).Expect();
                return await QrReader.ReadAsync(picture);
            },
            text => text is not null);
        return seen!;
    }

    public async ValueTask DisposeAsync()
    {
        // Asked and not killed: the X server removes its socket and its lock only then.
        await terminal.StopAsync();
        await screen.StopAsync();
        await terminal.DisposeAsync();
        await screen.DisposeAsync();
    }
}
