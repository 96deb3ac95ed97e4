using System.Drawing;

namespace Gateway.EndToEnd.Lab;

/// <summary>
/// nheko, a desktop app as Debian ships it, on a laptop's screen that nobody sees: driven by mouse and keyboard like its
/// member would. Its buttons are found by their colour.
/// </summary>
public sealed class Nheko : IAsyncDisposable
{
    private const string Button = "#464D5D";
    private const string FieldLine = "#38A3D8";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly Screen screen;
    private readonly RunningProgram program;
    private readonly string folder;
    private int pictures;

    private Nheko(Screen screen, RunningProgram program, string folder)
    {
        this.screen = screen;
        this.program = program;
        this.folder = folder;
    }

    private string HandedOver => Path.Combine(folder, "address");

    public static async Task<Nheko> StartAsync(Phone laptop)
    {
        var home = Directory.CreateDirectory(Path.Combine(laptop.Folder, "nheko")).FullName;
        await WriteFilesAsync(laptop, home);
        var display = await Screen.StartAsync(laptop.Space, "1000x700x24");
        var start = laptop.Space.Describe("nheko", "--log-level", "debug", "--log-type", "stderr");
        start.Environment["DISPLAY"] = display.Display;
        start.Environment["HOME"] = home;
        start.Environment["PATH"] = $"{home}:{Environment.GetEnvironmentVariable("PATH")}";
        start.Environment["LANG"] = "C.UTF-8";
        start.Environment["QT_QPA_PLATFORM"] = "xcb";
        start.Environment["QT_QUICK_BACKEND"] = "software";
        foreach (var (name, place) in new[] { ("CONFIG_HOME", "config"), ("DATA_HOME", "data"), ("CACHE_HOME", "cache"), ("RUNTIME_DIR", "run") })
        {
            start.Environment[$"XDG_{name}"] = Path.Combine(home, place);
        }

        // No desktop around it, whatever surrounds the test.
        start.Environment.Remove("DBUS_SESSION_BUS_ADDRESS");
        return new Nheko(display, new RunningProgram(start, "nheko"), home);
    }

    /// <summary>From the welcome page to the browser: returns the address that the browser was called with.</summary>
    public async Task<string> AskForBrowserAsync(string matrixUserId)
    {
        var welcome = await ButtonsAsync("the welcome page", buttons => buttons is [var register, var login] && register.Y == login.Y);
        await screen.ClickAsync(Middle(welcome[1]));
        await ButtonsAsync("the login page", buttons => buttons is [_]);
        var lines = await Screen.AreasAsync(await PhotographAsync(), FieldLine, new Size(300, 1));
        await screen.ClickAsync(new Point(lines[0].X + 100, lines[0].Y - 10));
        await screen.TypeAsync("nheko", matrixUserId, "Tab");
        var ways = await ButtonsAsync("two ways to sign in", buttons => buttons is [var password, var sso] && password.Y < sso.Y);
        await screen.ClickAsync(Middle(ways[1]));
        await Until.TrueAsync($"the browser is called; it said last: {program.LastWords}", Patience, () => Task.FromResult(File.Exists(HandedOver)));
        return await File.ReadAllTextAsync(HandedOver);
    }

    /// <summary>For whoever looks at the test's pictures.</summary>
    public async Task<string> PhotographAsync()
    {
        var picture = TestLogs.Picture($"nheko-{++pictures:00}");
        await screen.PhotographAsync(picture);
        return picture;
    }

    public async ValueTask DisposeAsync()
    {
        await program.DisposeAsync();
        await screen.DisposeAsync();
    }

    /// <summary>Waits until the page shows these buttons and stands still.</summary>
    private async Task<IReadOnlyList<Rectangle>> ButtonsAsync(string page, Func<IReadOnlyList<Rectangle>, bool> isIt)
    {
        IReadOnlyList<Rectangle> before = [];
        return await Until.ValueAsync(
            page,
            Patience,
            async () =>
            {
                var picture = TestLogs.Picture("nheko-now");
                await screen.PhotographAsync(picture);
                var buttons = await Screen.AreasAsync(picture, Button, new Size(60, 30));
                var isStill = buttons.SequenceEqual(before);
                before = buttons;
                return isStill ? buttons : [];
            },
            isIt);
    }

    private static Point Middle(Rectangle area) => new(area.X + (area.Width / 2), area.Y + (area.Height / 2));

    private static async Task WriteFilesAsync(Phone laptop, string folder)
    {
        Directory.CreateDirectory(Path.Combine(folder, "run"), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        var config = Directory.CreateDirectory(Path.Combine(folder, "config", "nheko")).FullName;
        // There is no keyring to ask for.
        await File.WriteAllTextAsync(Path.Combine(config, "nheko.conf"), "[General]\nrun_without_secure_secrets_service=true\n");
        // The browser: hands the address to the test.
        var browser = Path.Combine(folder, "xdg-open");
        await File.WriteAllTextAsync(browser, $"#!/bin/sh\nprintf %s \"$1\" >'{folder}/address.new'\nmv '{folder}/address.new' '{folder}/address'\n");
        File.SetUnixFileMode(browser, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        // It trusts whom its system trusts.
        var certificates = Directory.CreateDirectory(Path.Combine(laptop.Space.EtcFolder, "ssl", "certs")).FullName;
        File.Copy(Path.Combine(laptop.Folder, "authority.pem"), Path.Combine(certificates, "ca-certificates.crt"));
    }
}
