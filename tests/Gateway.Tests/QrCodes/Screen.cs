using System.Diagnostics;

namespace Gateway.Tests.QrCodes;

/// <summary>A terminal window on a screen that nobody sees.</summary>
internal sealed class Screen : IAsyncDisposable
{
    private readonly List<Process> _processes = [];
    private string _display = "";

    public static async Task<Screen> StartAsync()
    {
        var screen = new Screen();
        var server = Tool.Start("Xvfb", "-displayfd", "1", "-screen", "0", "1280x1280x24", "-nolisten", "tcp");
        screen._processes.Add(server);
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        var number = await server.StandardOutput.ReadLineAsync(deadline.Token);
        screen._display = $":{number}";
        return screen;
    }

    /// <summary>A terminal of 80 columns that shows <paramref name="file"/> and stays.</summary>
    public void OpenTerminal(string file, string background, string foreground) => _processes.Add(Tool.Start(
        "xterm", "-display", _display, "-fa", "DejaVu Sans Mono", "-fs", "9", "-geometry", "80x46+0+0", "-bg", background, "-fg", foreground,
        "-u8", "-e", "tail", "-f", "-n", "+1", file));

    /// <summary>Photographs the terminal until a code can be read, or gives up.</summary>
    public async Task<string?> ScanAsync(string picture)
    {
        var start = TimeProvider.System.GetTimestamp();
        string? text = null;
        while (text is null && TimeProvider.System.GetElapsedTime(start) < TimeSpan.FromSeconds(30))
        {
            await Tool.RunAsync("import", "-display", _display, "-window", "root", picture);
            text = await Tool.ScanAsync(picture);
        }

        return text;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var process in _processes.AsEnumerable().Reverse())
        {
            process.Kill(entireProcessTree: true);
            await process.WaitForExitAsync();
            process.Dispose();
        }
    }
}
