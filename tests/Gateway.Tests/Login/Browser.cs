using System.Net;
using System.Text.RegularExpressions;
using Gateway.Tests.Testing;

namespace Gateway.Tests.Login;

/// <summary>A member's browser in the tunnel: keeps cookies, follows our own redirects, fills forms, runs no script.</summary>
internal sealed partial class Browser(TestGateway gateway, string tunnelAddress, string language = "en") : IDisposable
{
    private readonly HttpClient _http = gateway.At(tunnelAddress);
    private string? _cookie;

    public HttpResponseMessage Last { get; private set; } = null!;

    public string Page { get; private set; } = "";

    /// <summary>Text of the page's heading.</summary>
    public string Title => WebUtility.HtmlDecode(TitlePattern().Match(Page).Groups["it"].Value);

    public int Number => int.Parse(NumberPattern().Match(Page).Groups["it"].Value, System.Globalization.CultureInfo.InvariantCulture);

    /// <summary>Where the page leads back to, or null.</summary>
    public string? Continue => ContinuePattern().Match(Page) is { Success: true } match ? WebUtility.HtmlDecode(match.Groups["it"].Value) : null;

    public string Path => ActionPattern().Match(Page).Groups["it"].Value;

    public Dictionary<string, string> Headers { get; } = [];

    /// <summary>What the form says that it is, where that is not what it is.</summary>
    public string? FormType { get; set; }

    public Dictionary<string, string> MoreFields { get; set; } = [];

    public async Task<Browser> OpenAsync(string target)
    {
        await SendAsync(new HttpRequestMessage(HttpMethod.Get, target));
        return this;
    }

    public Task ReloadAsync(string path) => SendAsync(new HttpRequestMessage(HttpMethod.Get, path));

    public Task PressAsync(string button, string? code = null, string? formToken = null) => SendAsync(Form(button, code, formToken));

    /// <summary>Presses and does not wait to be led on, so that it can be done many times at once.</summary>
    public async Task<HttpStatusCode> TapAsync(string button)
    {
        using var request = Form(button, code: null, formToken: null);
        request.Headers.Add("Cookie", _cookie);
        using var reply = await _http.SendAsync(request);
        return reply.StatusCode;
    }

    public void ForgetCookies() => _cookie = null;

    public void Dispose()
    {
        Last?.Dispose();
        _http.Dispose();
    }

    private HttpRequestMessage Form(string button, string? code, string? formToken)
    {
        var fields = new Dictionary<string, string>(MoreFields) { ["token"] = formToken ?? TokenPattern().Match(Page).Groups["it"].Value, ["do"] = button };
        if (code is not null)
        {
            fields["code"] = code;
        }

        var content = new FormUrlEncodedContent(fields);
        if (FormType is { } type)
        {
            content.Headers.Remove("Content-Type");
            content.Headers.TryAddWithoutValidation("Content-Type", type);
        }

        return new HttpRequestMessage(HttpMethod.Post, Path) { Content = content };
    }

    private async Task SendAsync(HttpRequestMessage request)
    {
        request.Headers.Add("Accept-Language", language);
        foreach (var (name, value) in Headers)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        if (_cookie is not null)
        {
            request.Headers.Add("Cookie", _cookie);
        }

        Last = await _http.SendAsync(request);
        if (Last.Headers.TryGetValues("Set-Cookie", out var cookies))
        {
            _cookie = cookies.Single().Split(';')[0];
        }

        if (Last.StatusCode == HttpStatusCode.SeeOther && Last.Headers.Location is { IsAbsoluteUri: false } own)
        {
            await SendAsync(new HttpRequestMessage(HttpMethod.Get, own));
            return;
        }

        Page = await Last.Content.ReadAsStringAsync();
    }

    [GeneratedRegex("<h1>(?<it>.*?)</h1>", RegexOptions.None, 1000)]
    private static partial Regex TitlePattern();

    [GeneratedRegex("id=\"number\">(?<it>\\d\\d)<", RegexOptions.None, 1000)]
    private static partial Regex NumberPattern();

    [GeneratedRegex("id=\"continue\" href=\"(?<it>[^\"]*)\"", RegexOptions.None, 1000)]
    private static partial Regex ContinuePattern();

    [GeneratedRegex("action=\"(?<it>[^\"]*)\"", RegexOptions.None, 1000)]
    private static partial Regex ActionPattern();

    [GeneratedRegex("name=\"token\" value=\"(?<it>[^\"]*)\"", RegexOptions.None, 1000)]
    private static partial Regex TokenPattern();
}
