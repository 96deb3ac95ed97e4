using System.Net;
using System.Text.RegularExpressions;
using Gateway.Admin.Access;
using Gateway.Listening;
using Gateway.Tests.Testing;

namespace Gateway.Tests.Admin;

/// <summary>An admin's browser on the console's loopback listener, as far as pages and forms without scripts go.</summary>
internal sealed partial class ConsoleBrowser : IDisposable
{
    private readonly HttpClient _http;

    public ConsoleBrowser(TestGateway gateway, string language = "en")
    {
        _http = new HttpClient(new SocketsHttpHandler { UseCookies = false, AllowAutoRedirect = false })
        {
            BaseAddress = new Uri($"http://localhost:{gateway.ConsolePort}"),
            Timeout = TimeSpan.FromSeconds(20),
        };
        _http.DefaultRequestHeaders.Add("Accept-Language", language);
    }

    public HttpResponseMessage Last { get; private set; } = new();

    public string Page { get; private set; } = "";

    public string? Cookie { get; set; }

    /// <summary>Of the page that is shown.</summary>
    public string Path { get; private set; } = "";

    /// <summary>A browser that is signed in, with a proof that is fresh now.</summary>
    public static ConsoleBrowser SignedIn(TestGateway gateway, string language = "en") => new(gateway, language)
    {
        Cookie = $"console={gateway.Service<ConsoleSessions>().Open(Plane.LocalConsole, device: null, "passkey test").Secret}",
    };

    public string Origin => _http.BaseAddress!.GetLeftPart(UriPartial.Authority);

    public Task<ConsoleBrowser> OpenAsync(string path) => SendAsync(new HttpRequestMessage(HttpMethod.Get, path));

    /// <summary>Sends the page's form to <paramref name="path"/>, with its token, and follows to the page that comes after it.</summary>
    public async Task<ConsoleBrowser> SubmitAsync(string path, params (string Name, string Value)[] fields)
    {
        using var form = new FormUrlEncodedContent([new("token", Token().Match(Page).Groups["token"].Value), .. fields.Select(field => KeyValuePair.Create(field.Name, field.Value))]);
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = form };
        request.Headers.Add("Origin", Origin);
        await SendAsync(request);
        return Last.StatusCode == HttpStatusCode.SeeOther ? await OpenAsync(Last.Headers.Location!.ToString()) : this;
    }

    /// <summary>Opens a one-time link and presses its button.</summary>
    public async Task<ConsoleBrowser> FollowLinkAsync(string path)
    {
        await OpenAsync(path);
        return await SubmitAsync("/link", ("secret", path.Split('/')[^1]));
    }

    public async Task<ConsoleBrowser> SendAsync(HttpRequestMessage request)
    {
        if (Cookie is not null && !request.Headers.Contains("Cookie"))
        {
            request.Headers.Add("Cookie", Cookie);
        }

        Last.Dispose();
        Last = await _http.SendAsync(request);
        Path = request.RequestUri!.IsAbsoluteUri ? request.RequestUri.AbsolutePath : request.RequestUri.ToString();
        if (Last.Headers.TryGetValues("Set-Cookie", out var set) && set.FirstOrDefault(cookie => cookie.StartsWith("console=", StringComparison.Ordinal)) is { } session)
        {
            Cookie = session.StartsWith("console=;", StringComparison.Ordinal) ? null : session.Split(';')[0];
        }

        Page = WebUtility.HtmlDecode(await Last.Content.ReadAsStringAsync());
        return this;
    }

    public void Dispose()
    {
        Last.Dispose();
        _http.Dispose();
    }

    [GeneratedRegex("name=\"token\" value=\"(?<token>[^\"]+)\"", RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking)]
    private static partial Regex Token();
}
