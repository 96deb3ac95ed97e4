using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Gateway.EndToEnd.Lab;

/// <summary>What the browser shows: the page's text and language, and what the server said of the document.</summary>
public sealed class Sight(JsonElement json)
{
    public string Address { get; } = json.GetProperty("address").GetString()!;

    public string Title { get; } = json.GetProperty("title").GetString()!;

    public string? Language { get; } = json.GetProperty("language").GetString();

    public string Text { get; } = json.GetProperty("text").GetString()!;

    public int Status { get; } = json.GetProperty("status").GetInt32();

    /// <summary>Every host that was asked for anything since the window was opened.</summary>
    public IReadOnlyList<string> Hosts { get; } = [.. json.GetProperty("hosts").EnumerateArray().Select(host => host.GetString()!)];

    private JsonElement Headers { get; } = json.GetProperty("headers");

    public string? Header(string name) => Headers.TryGetProperty(name, out var value) ? value.GetString() : null;

    public override string ToString() => $"{Address} ({Status}, {Language}): {Text}";
}

/// <summary>
/// Chromium on a phone, and beside it a web app with matrix-js-sdk on an origin that the gateway was told of
/// (Clients/browser.mjs). It trusts the lab's authority as a phone trusts those of its maker: no check is switched off.
/// </summary>
public sealed class WebBrowser : InstructedProgram
{
    public const string AppHost = "app.lab.test";
    public const string App = $"https://{AppHost}/";

    private WebBrowser(ProcessStartInfo start)
        : base(start, "browser")
    {
    }

    public static async Task<WebBrowser> StartAsync(Phone phone, Authority authority)
    {
        await phone.Space.SetHostsAsync($"{phone.Gateway} {GatewayHost.ServerName}", $"127.0.0.1 {AppHost}");
        // Chromium ends all requests when an address changes, and a new link's own IPv6 address is checked for a while.
        await Until.ValueAsync("the phone's addresses settle", TimeSpan.FromSeconds(10), () => phone.Space.IpAsync("-6", "address", "show", "tentative"), addresses => addresses.Length == 0);
        var certificate = Path.Combine(phone.Folder, "app.pem");
        var key = Path.Combine(phone.Folder, "app.key");
        authority.Issue(AppHost, certificate, key);
        var trust = Directory.CreateDirectory(Path.Combine(phone.Folder, ".pki", "nssdb")).FullName;
        (await Command.RunAsync("certutil", "-d", $"sql:{trust}", "-N", "--empty-password")).Expect();
        (await Command.RunAsync("certutil", "-d", $"sql:{trust}", "-A", "-t", "C,,", "-n", "lab", "-i", Path.Combine(phone.Folder, "authority.pem"))).Expect();

        var program = Path.Combine(AppContext.BaseDirectory, "Clients", "browser.mjs");
        var start = phone.Space.Describe(Requirements.Node, program, GatewayHost.ServerName, certificate, key, TestLogs.Pictures);
        start.Environment["GATEWAY_NODE_MODULES"] = Requirements.NodeModules;
        start.Environment["HOME"] = phone.Folder;
        start.Environment["TMPDIR"] = phone.Folder;
        return new WebBrowser(start);
    }

    /// <summary>A new window that has no cookies yet.</summary>
    public Task OpenAsync(string language, bool scripts = true) =>
        AskAsync("open", new JsonObject { ["language"] = language, ["scripts"] = scripts });

    public Task<Sight> VisitAsync(string address) => SeeAsync("visit", new JsonObject { ["address"] = address });

    /// <summary>Taps the button or link with this name and waits until <paramref name="then"/> is there, a CSS selector.</summary>
    public Task<Sight> TapAsync(string on, string then) => SeeAsync("tap", new JsonObject { ["on"] = on, ["then"] = then });

    public Task TypeAsync(string text) => AskAsync("type", new JsonObject { ["text"] = text });

    public Task<Sight> AwaitAsync(string selector) => SeeAsync("await", new JsonObject { ["for"] = selector });

    /// <summary>Whether the way back to the app leads anywhere; shut, the member stays on the page.</summary>
    public Task WayBackAsync(bool open) => AskAsync("wayBack", new JsonObject { ["open"] = open });

    /// <summary>Photographs the page, by day and by night, for whoever wants to look (the test logs).</summary>
    public Task PictureAsync(string name) => AskAsync("picture", new JsonObject { ["name"] = name });

    /// <summary>What the browser says of this address in a frame of the web app's page: its status, or why it is not shown.</summary>
    public async Task<string> FrameAsync(string address) =>
        (await AskAsync("frame", new JsonObject { ["address"] = address })).GetProperty("answer").GetString()!;

    private async Task<Sight> SeeAsync(string instruction, JsonObject more) => new(await AskAsync(instruction, more));
}
