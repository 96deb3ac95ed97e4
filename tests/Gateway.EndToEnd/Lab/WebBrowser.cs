using System.Diagnostics;
using System.Text.Json.Nodes;

namespace Gateway.EndToEnd.Lab;

/// <summary>
/// Chromium on a phone, and beside it a web app with matrix-js-sdk on an origin that the gateway was told of
/// (Clients/browser.mjs). It trusts the lab's authority as a phone trusts those of its maker: no check is switched off.
/// </summary>
public sealed class WebBrowser : BrowserProgram
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

    /// <summary>A new window that has no cookies yet, as wide as a phone.</summary>
    public Task OpenAsync(string language, bool scripts = true) => OpenAsync(language, Viewport.Phone, scripts);

    /// <summary>Whether the way back to the app leads anywhere; shut, the member stays on the page.</summary>
    public Task WayBackAsync(bool open) => AskAsync("wayBack", new JsonObject { ["open"] = open });

    /// <summary>What the browser says of this address in a frame of the web app's page: its status, or why it is not shown.</summary>
    public async Task<string> FrameAsync(string address) =>
        (await AskAsync("frame", new JsonObject { ["address"] = address })).GetProperty("answer").GetString()!;
}
