using System.Net;
using System.Net.Http.Headers;
using System.Security.Authentication;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Gateway.Drills;

/// <summary>
/// What a Matrix app asks for in a drill, and what it was answered. The URL's path and no more: the client knows where. Throws
/// <see cref="DrillException"/> where nothing is answered.
/// </summary>
internal sealed class DrillApp(HttpClient http, TimeProvider time)
{
    private const string Api = "_matrix/client/v3/";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);

    /// <summary>For a long poll of 30 s.</summary>
    private static readonly TimeSpan PollPatience = TimeSpan.FromSeconds(45);

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
        var answer = await SendAsync(http, HttpMethod.Post, "login", body, Patience, cancellationToken);
        _token = answer.Status == HttpStatusCode.OK ? answer.Text("access_token") : _token;
        return answer;
    }

    public Task<DrillAnswer> WhoAmIAsync(CancellationToken cancellationToken) => WhoAmIAsync(http, cancellationToken);

    /// <summary>By another way to the homeserver than this app's own.</summary>
    public Task<DrillAnswer> WhoAmIAsync(HttpClient elsewhere, CancellationToken cancellationToken) =>
        SendAsync(elsewhere, HttpMethod.Get, "account/whoami", body: null, Patience, cancellationToken);

    /// <summary>One long poll after the other, as apps do all day, until one is not answered as it should be.</summary>
    public async Task<DrillPoll> PollAsync(CancellationToken cancellationToken)
    {
        string? since = null;
        long? answered = null;
        while (true)
        {
            DrillAnswer? answer = null;
            try
            {
                answer = await SendAsync(
                    http, HttpMethod.Get, since is null ? "sync?timeout=30000" : $"sync?timeout=30000&since={Uri.EscapeDataString(since)}", body: null, PollPatience, cancellationToken);
            }
            catch (DrillException)
            {
                // Cut.
            }

            if (answer?.Status != HttpStatusCode.OK)
            {
                return new(answered, time.GetTimestamp(), answer);
            }

            (answered, since) = (time.GetTimestamp(), answer.Text("next_batch"));
        }
    }

    private async Task<DrillAnswer> SendAsync(HttpClient way, HttpMethod method, string path, JsonObject? body, TimeSpan patience, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(method, Api + path) { Content = body is null ? null : new StringContent(body.ToJsonString(), new MediaTypeHeaderValue("application/json")) };
        request.Headers.Authorization = _token is null || body is not null ? null : new("Bearer", _token);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(patience);
        try
        {
            using var response = await way.SendAsync(request, limit.Token);
            return new(response.StatusCode, await BodyAsync(response, limit.Token));
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new DrillException($"no answer within {patience.TotalSeconds} s");
        }
        catch (HttpRequestException unanswered) when (unanswered.InnerException is AuthenticationException)
        {
            throw new DrillException("who answers shows another certificate than Certificate:Path", "was the file changed and not taken up? gateway status", unanswered);
        }
        catch (Exception unanswered) when (unanswered is HttpRequestException or IOException)
        {
            throw new DrillException($"no answer: {unanswered.Message}", inner: unanswered);
        }
    }

    private static async Task<JsonObject> BodyAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        try
        {
            return JsonNode.Parse(await response.Content.ReadAsStringAsync(cancellationToken)) as JsonObject ?? [];
        }
        catch (JsonException)
        {
            return [];
        }
    }
}

/// <summary>How an app's polls ended. <see cref="Answered"/>: when the last good answer came; <see cref="Last"/>: the one that was not, null where there was none. Times are the clock's timestamps.</summary>
internal sealed record DrillPoll(long? Answered, long Ended, DrillAnswer? Last);

/// <summary>An answer of the gateway's or the homeserver's. It prints the status and the Matrix error, never the body, which may hold a token.</summary>
internal sealed record DrillAnswer(HttpStatusCode Status, JsonObject Body)
{
    public string? ErrorCode => Text("errcode");

    public string? Text(string name) => Body[name] is JsonValue value && value.TryGetValue<string>(out var text) ? text : null;

    public bool Flag(string name) => Body[name] is JsonValue value && value.TryGetValue<bool>(out var flag) && flag;

    public override string ToString() => ErrorCode is { } code ? $"{(int)Status} {code}" : $"{(int)Status}";
}
