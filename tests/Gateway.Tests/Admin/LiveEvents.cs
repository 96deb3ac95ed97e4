using System.Net;
using System.Net.ServerSentEvents;
using System.Text.Json;
using Gateway.Admin.Pages;
using Gateway.Tests.Testing;

namespace Gateway.Tests.Admin;

/// <summary>A page's stream, as the browser hears it.</summary>
internal sealed class LiveEvents : IDisposable
{
    private readonly HttpClient _http = new(new SocketsHttpHandler { UseCookies = false, AllowAutoRedirect = false });
    private HttpResponseMessage? _reply;
    private IAsyncEnumerator<SseItem<string>>? _events;
    private Task<bool>? _next;

    public HttpStatusCode Status => _reply!.StatusCode;

    /// <summary>The stream that the browser's page names.</summary>
    public static async Task<LiveEvents> FollowAsync(TestGateway gateway, ConsoleBrowser browser)
    {
        var stream = new LiveEvents();
        var address = System.Text.RegularExpressions.Regex.Match(browser.Page, "data-live=\"(?<address>[^\"]+)\"", System.Text.RegularExpressions.RegexOptions.ExplicitCapture, TimeSpan.FromSeconds(1)).Groups["address"].Value;
        using var request = new HttpRequestMessage(HttpMethod.Get, $"http://localhost:{gateway.ConsolePort}{address}");
        request.Headers.Add("Cookie", browser.Cookie);
        request.Headers.Add("Accept", "text/event-stream");
        stream._reply = await stream._http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        if (stream._reply.IsSuccessStatusCode)
        {
            stream._events = SseParser.Create(await stream._reply.Content.ReadAsStreamAsync()).EnumerateAsync().GetAsyncEnumerator();

            // The first word says that the page is as it is: from here, changes are changes.
            await stream.NextAsync();
        }

        return stream;
    }

    /// <summary>The next part; null for a sign of life.</summary>
    public async Task<Patch?> NextAsync()
    {
        _next ??= _events!.MoveNextAsync().AsTask();
        Assert.True(await _next.WaitAsync(TimeSpan.FromSeconds(10)), "the stream ended");
        _next = null;
        return JsonSerializer.Deserialize(_events!.Current.Data, PatchJson.Default.Patch);
    }

    /// <summary>What the next part of this name says, as the reader sees it.</summary>
    public async Task<string> NextAsync(string id)
    {
        while (true)
        {
            if (await NextAsync() is { } patch && patch.Id == id)
            {
                return WebUtility.HtmlDecode(patch.Html!);
            }
        }
    }

    /// <summary>All parts that come until it has been quiet for a moment.</summary>
    public async Task<List<Patch>> UntilQuietAsync()
    {
        var all = new List<Patch>();
        while (true)
        {
            _next ??= _events!.MoveNextAsync().AsTask();
            if (await Task.WhenAny(_next, Task.Delay(400)) != _next)
            {
                return all;
            }

            if (await NextAsync() is { } patch)
            {
                all.Add(patch);
            }
        }
    }

    /// <summary>Passes once the server has ended it.</summary>
    public async Task EndAsync()
    {
        while (await (_next ?? _events!.MoveNextAsync().AsTask()).WaitAsync(TimeSpan.FromSeconds(10)))
        {
            _next = null;
        }
    }

    public void Dispose()
    {
        _reply?.Dispose();
        _http.Dispose();
    }
}
