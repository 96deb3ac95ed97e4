using System.Collections.Frozen;
using System.Net;
using System.Text.Json;
using Microsoft.AspNetCore.Http.Features;
using Yarp.ReverseProxy.Forwarder;

namespace Gateway.Proxy;

/// <summary>
/// What changes between the member's request and the homeserver's. The target goes as the raw bytes that the policy
/// judged: a proxy must not normalise it (Synapse, docs/reverse_proxy.md; YARP's default turns %2F into %252F and breaks
/// key backups). Only known headers pass, none that asks for compression (a refusal must be readable here), and where the request comes from is said by us alone.
/// </summary>
internal sealed class HomeserverTransformer(string origin, string host, Func<HttpContext, HttpResponseMessage, ValueTask<bool>> onReply) : HttpTransformer
{
    private static readonly UriCreationOptions Raw = new() { DangerousDisablePathAndQueryCanonicalization = true };

    private static readonly FrozenSet<string> RequestHeaders = FrozenSet.Create(
        StringComparer.OrdinalIgnoreCase,
        "Accept", "Accept-Language", "Authorization", "Cache-Control", "If-Match", "If-Modified-Since",
        "If-None-Match", "If-Range", "If-Unmodified-Since", "Pragma", "Range", "User-Agent");

    private static readonly FrozenSet<string> ContentHeaders = FrozenSet.Create(
        StringComparer.OrdinalIgnoreCase,
        "Content-Disposition", "Content-Encoding", "Content-Language", "Content-Length", "Content-Type");

    public override ValueTask TransformRequestAsync(HttpContext httpContext, HttpRequestMessage proxyRequest, string destinationPrefix, CancellationToken cancellationToken)
    {
        foreach (var (name, values) in httpContext.Request.Headers)
        {
            if (RequestHeaders.Contains(name))
            {
                proxyRequest.Headers.TryAddWithoutValidation(name, (IEnumerable<string?>)values);
            }
            else if (ContentHeaders.Contains(name))
            {
                proxyRequest.Content?.Headers.TryAddWithoutValidation(name, (IEnumerable<string?>)values);
            }
        }

        proxyRequest.RequestUri = new Uri(origin + httpContext.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget, Raw);
        proxyRequest.Headers.Host = host;

        // Synapse believes the first value: so there is exactly one, the tunnel address.
        proxyRequest.Headers.TryAddWithoutValidation("X-Forwarded-For", httpContext.Connection.RemoteIpAddress!.ToString());
        proxyRequest.Headers.TryAddWithoutValidation("X-Forwarded-Proto", "https");
        return ValueTask.CompletedTask;
    }

    public override async ValueTask<bool> TransformResponseAsync(HttpContext httpContext, HttpResponseMessage? proxyResponse, CancellationToken cancellationToken)
    {
        if (proxyResponse is null)
        {
            return false;
        }

        if (!await onReply(httpContext, proxyResponse))
        {
            return false;
        }

        var copy = await base.TransformResponseAsync(httpContext, proxyResponse, cancellationToken);
        var headers = httpContext.Response.Headers;
        headers.Remove("Server");
        foreach (var name in headers.Keys.Where(name => name.StartsWith("Access-Control-", StringComparison.OrdinalIgnoreCase)).ToList())
        {
            headers.Remove(name);
        }

        return copy;
    }

    /// <summary>
    /// Whether a refusal of the homeserver is one of the token: M_UNKNOWN_TOKEN, with whatever status, since clients look at
    /// the code alone; unlike 401 of User-Interactive Authentication. The body stays readable.
    /// </summary>
    public static async ValueTask<bool> RefusesTokenAsync(HttpResponseMessage reply, CancellationToken cancellationToken)
    {
        var unauthorized = reply.StatusCode == HttpStatusCode.Unauthorized;
        if (!unauthorized && ((int)reply.StatusCode < 400 || reply.Content.Headers.ContentType?.MediaType != "application/json"))
        {
            return false;
        }

        await reply.Content.LoadIntoBufferAsync(64 * 1024, cancellationToken);
        var body = await reply.Content.ReadAsByteArrayAsync(cancellationToken);
        try
        {
            using var json = JsonDocument.Parse(body);
            return json.RootElement.ValueKind == JsonValueKind.Object
                ? json.RootElement.TryGetProperty("errcode", out var errcode) && errcode.ValueKind == JsonValueKind.String && errcode.ValueEquals("M_UNKNOWN_TOKEN")
                : unauthorized;
        }
        catch (JsonException)
        {
            // Not Matrix: nothing that a client could take for an order may pass.
            return unauthorized;
        }
    }
}
