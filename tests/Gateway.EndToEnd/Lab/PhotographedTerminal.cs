namespace Gateway.EndToEnd.Lab;

/// <summary>A real terminal on a screen that nobody sees: xterm under Xvfb, 80 columns wide, and a camera in front of it.</summary>
public sealed class PhotographedTerminal : IAsyncDisposable
{
    private readonly Screen screen;
    private readonly RunningProgram terminal;

    private PhotographedTerminal(Screen screen, RunningProgram terminal)
    {
        this.screen = screen;
        this.terminal = terminal;
    }

    public static async Task<PhotographedTerminal> RunAsync(NetworkNamespace space, string background, string foreground, params string[] command)
    {
        var display = await Screen.StartAsync(space, "1000x1400x24");
        string[] look = ["-geometry", "80x65", "-fa", "DejaVu Sans Mono", "-fs", "9", "-bg", background, "-fg", foreground, "-u8"];
        var start = space.Describe("xterm", [.. look, "-e", .. command]);
        start.Environment["DISPLAY"] = display.Display;
        start.Environment["LANG"] = "C.UTF-8";
        return new PhotographedTerminal(display, new RunningProgram(start, "terminal"));
    }

    /// <summary>Photographs the screen until a QR on it can be read, and returns what it says.</summary>
    public async Task<string> ScanAsync()
    {
        var picture = TestLogs.Picture($"terminal{screen.Display.Replace(':', '-')}");
        var seen = await Until.ValueAsync(
            "a QR on the screen",
            TimeSpan.FromSeconds(30),
            async () =>
            {
                await screen.PhotographAsync(picture);
                // As a camera sees it: not pixel by pixel, but with soft edges.
                (await Command.RunAsync("mogrify", "-resize", "200%", "-blur", "0x2", picture)).Expect();
                return await QrReader.ReadAsync(picture);
            },
            text => text is not null);
        return seen!;
    }

    public async ValueTask DisposeAsync()
    {
        await terminal.StopAsync();
        await terminal.DisposeAsync();
        await screen.DisposeAsync();
    }
}
