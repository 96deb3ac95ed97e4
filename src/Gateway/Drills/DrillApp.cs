using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Gateway.Drills;

/// <summary>What a Matrix app asks for in a drill, and what it was answered. The URL's path and no more: the client knows where.</summary>
internal sealed class DrillApp(HttpClient http)
{
    private const string Api = "_matrix/client/v3/";

    private string? _token;

    /// <summary>With the code as password, as Element's own form sends it; the token is kept.</summary>
    public async Task<DrillAnswer> LoginAsync(string code, CancellationToken cancellationToken)
    {
        var body = new JsonObject
        {
            ["type"] = "m.login.password",
            ["identifier"] = new JsonObject { ["type"] = "m.id.user", ["user"] = "drill" },
            ["password"] = code,
            ["initial_device_display_name"] = "Drill",
        };
        var answer = await SendAsync(http, HttpMethod.Post, "login", body, cancellationToken);
        _token = answer.Status == HttpStatusCode.OK ? (string?)answer.Body["access_token"] : _token;
        return answer;
    }

    public Task<DrillAnswer> WhoAmIAsync(CancellationToken cancellationToken) => WhoAmIAsync(http, cancellationToken);

    /// <summary>By another way to the homeserver than this app's own.</summary>
    public Task<DrillAnswer> WhoAmIAsync(HttpClient elsewhere, CancellationToken cancellationToken) => SendAsync(elsewhere, HttpMethod.Get, "account/whoami", body: null, cancellationToken);

    /// <summary>One long poll after the other, as apps do all day, until one is not answered; returns why.</summary>
    public async Task<string> PollAsync(CancellationToken cancellationToken)
    {
        string? since = null;
        while (true)
        {
            try
            {
                var answer = await SendAsync(http, HttpMethod.Get, since is null ? "sync?timeout=30000" : $"sync?timeout=30000&since={Uri.EscapeDataString(since)}", body: null, cancellationToken);
                if (answer.Status != HttpStatusCode.OK)
                {
                    return answer.ToString();
                }

                since = (string?)answer.Body["next_batch"];
            }
            catch (HttpRequestException cut)
            {
                return cut.HttpRequestError.ToString();
            }
        }
    }

    private async Task<DrillAnswer> SendAsync(HttpClient way, HttpMethod method, string path, JsonObject? body, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(method, Api + path) { Content = body is null ? null : new StringContent(body.ToJsonString(), new MediaTypeHeaderValue("application/json")) };
        request.Headers.Authorization = _token is null || body is not null ? null : new("Bearer", _token);
        using var response = await way.SendAsync(request, cancellationToken);
        try
        {
            return new(response.StatusCode, JsonNode.Parse(await response.Content.ReadAsStringAsync(cancellationToken)) as JsonObject ?? []);
        }
        catch (JsonException)
        {
            return new(response.StatusCode, []);
        }
    }
}

/// <summary>An answer of the gateway's or the homeserver's. It prints the status and the Matrix error, never the body, which may hold a token.</summary>
internal sealed record DrillAnswer(HttpStatusCode Status, JsonObject Body)
{
    public string? ErrorCode => (string?)Body["errcode"];

    public override string ToString() => ErrorCode is { } code ? $"{(int)Status} {code}" : $"{(int)Status}";
}
