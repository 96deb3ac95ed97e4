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

/// <summary>How large a window is, in CSS pixels.</summary>
public sealed record Viewport(int Width, int Height)
{
    public static readonly Viewport Phone = new(390, 780);
    public static readonly Viewport Laptop = new(1280, 900);
}

/// <summary>A program with one window of Chromium (Clients/window.mjs).</summary>
public abstract class BrowserProgram(ProcessStartInfo start, string logName) : InstructedProgram(start, logName)
{
    /// <summary>A new window that has no cookies yet.</summary>
    public Task OpenAsync(string language, Viewport viewport, bool scripts = true) =>
        AskAsync("open", new JsonObject { ["language"] = language, ["scripts"] = scripts, ["width"] = viewport.Width, ["height"] = viewport.Height });

    public Task<Sight> VisitAsync(string address) => SeeAsync("visit", new JsonObject { ["address"] = address });

    /// <summary>Taps the button or link with this name and waits until <paramref name="then"/> is there, a CSS selector.</summary>
    public Task<Sight> TapAsync(string on, string then) => SeeAsync("tap", new JsonObject { ["on"] = on, ["then"] = then });

    /// <summary>Types into the field with this label, or into the page's only one.</summary>
    public Task TypeAsync(string text, string? label = null) => AskAsync("type", new JsonObject { ["text"] = text, ["label"] = label });

    public Task<Sight> AwaitAsync(string selector) => SeeAsync("await", new JsonObject { ["for"] = selector });

    /// <summary>Photographs the page, by day and by night, for whoever wants to look (the test logs).</summary>
    public Task PictureAsync(string name) => AskAsync("picture", new JsonObject { ["name"] = name });

    /// <summary>From here on the window has an authenticator whose owner always says yes.</summary>
    public Task AddAuthenticatorAsync() => AskAsync("authenticator");

    /// <summary>What axe finds against WCAG 2.2 AA on the page, by day and by night.</summary>
    public async Task<IReadOnlyList<string>> AxeAsync() =>
        [.. (await AskAsync("axe")).GetProperty("findings").EnumerateArray().Select(finding => finding.GetString()!)];

    /// <summary>The window's cookies by name: whether scripts may read them, whether they need TLS, and where they go.</summary>
    public async Task<IReadOnlyDictionary<string, (bool HttpOnly, bool Secure, string SameSite)>> CookiesAsync() =>
        (await AskAsync("cookies")).GetProperty("cookies").EnumerateArray().ToDictionary(
            cookie => cookie.GetProperty("name").GetString()!,
            cookie => (cookie.GetProperty("httpOnly").GetBoolean(), cookie.GetProperty("secure").GetBoolean(), cookie.GetProperty("sameSite").GetString()!),
            StringComparer.Ordinal);

    protected async Task<Sight> SeeAsync(string instruction, JsonObject more) => new(await AskAsync(instruction, more));
}
