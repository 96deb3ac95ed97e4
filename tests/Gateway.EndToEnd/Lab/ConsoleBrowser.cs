using System.Diagnostics;
using System.Text.Json.Nodes;

namespace Gateway.EndToEnd.Lab;

/// <summary>The admin's browser (Clients/console.mjs): on the server itself, where an SSH tunnel ends.</summary>
public sealed class ConsoleBrowser : BrowserProgram
{
    public const string Console = "http://localhost:8080";

    private ConsoleBrowser(ProcessStartInfo start)
        : base(start, "console")
    {
    }

    public static ConsoleBrowser Start(NetworkNamespace space, string folder)
    {
        var start = space.Describe(Requirements.Node, Path.Combine(AppContext.BaseDirectory, "Clients", "console.mjs"), TestLogs.Pictures);
        start.Environment["GATEWAY_NODE_MODULES"] = Requirements.NodeModules;
        start.Environment["HOME"] = folder;
        start.Environment["TMPDIR"] = folder;
        return new ConsoleBrowser(start);
    }

    public Task ChooseAsync(string label) => AskAsync("choose", new JsonObject { ["label"] = label });

    /// <summary>Opens what is covered and waits until <paramref name="then"/> can be seen.</summary>
    public Task OpenUpAsync(string selector, string then) => AskAsync("openUp", new JsonObject { ["selector"] = selector, ["then"] = then });

    /// <summary>The text of the QR code on the screen, read from a photograph of it.</summary>
    public async Task<string?> ScanAsync(string selector, string name) =>
        await QrReader.ReadAsync((await AskAsync("shoot", new JsonObject { ["selector"] = selector, ["name"] = name })).GetProperty("path").GetString()!);

    public async Task<double> WidthAsync(string selector) =>
        (await AskAsync("measure", new JsonObject { ["selector"] = selector })).GetProperty("width").GetDouble();

    public Task PressAsync(string key) => AskAsync("press", new JsonObject { ["key"] = key });

    /// <summary>What has the focus, by its text or label.</summary>
    public async Task<string> FocusAsync() => (await AskAsync("focus")).GetProperty("on").GetString()!;

    public Task BackAsync() => AskAsync("back");

    public Task ReloadAsync() => AskAsync("reload");
}
