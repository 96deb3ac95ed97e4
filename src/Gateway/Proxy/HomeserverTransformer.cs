using System.Collections.Frozen;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;
using Yarp.ReverseProxy.Forwarder;

namespace Gateway.Proxy;

/// <summary>
/// What changes between the member's request and the homeserver's. The target goes as the raw bytes that the policy
/// judged: a proxy must not normalise it (Synapse, docs/reverse_proxy.md; YARP's default turns %2F into %252F and breaks
/// key backups). Only known headers pass, either way: none that asks for compression (a refusal must be readable here), none of
/// the connection's, no cookie; and where the request comes from is said by us alone.
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

    private static readonly FrozenSet<string> ReplyHeaders = FrozenSet.Create(
        StringComparer.OrdinalIgnoreCase,
        "Accept-Ranges", "Cache-Control", "Content-Disposition", "Content-Encoding", "Content-Language", "Content-Length", "Content-Range",
        "Content-Security-Policy", "Content-Type", "Cross-Origin-Resource-Policy", "Date", "ETag", "Expires", "Last-Modified", "Pragma",
        "Referrer-Policy", "Retry-After", "Vary", "X-Content-Type-Options", "X-Frame-Options", "X-Robots-Tag");

    public override ValueTask TransformRequestAsync(HttpContext httpContext, HttpRequestMessage proxyRequest, string destinationPrefix, CancellationToken cancellationToken)
    {
        foreach (var (name, values) in httpContext.Request.Headers)
        {
            if (RequestHeaders.Contains(name))
            {
                proxyRequest.Headers.TryAddWithoutValidation(name, (IEnumerable<string?>)values);
            }
            else if (ContentHeaders.Contains(name) && !IsForm(name, values))
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
        if (proxyResponse is null || !await onReply(httpContext, proxyResponse))
        {
            return false;
        }

        var copy = await base.TransformResponseAsync(httpContext, proxyResponse, cancellationToken);
        var headers = httpContext.Response.Headers;
        foreach (var name in headers.Keys.Where(name => !ReplyHeaders.Contains(name)).ToList())
        {
            headers.Remove(name);
        }

        return copy;
    }

    public override ValueTask TransformResponseTrailersAsync(HttpContext httpContext, HttpResponseMessage proxyResponse, CancellationToken cancellationToken) =>
        ValueTask.CompletedTask;

    /// <summary>
    /// A type that the homeserver would read parameters from, before it reads the same body as JSON whatever its type
    /// (twisted.web.http, requestReceived): so a form, and anything that only nearly is a type. Without one the body is JSON.
    /// </summary>
    private static bool IsForm(string name, StringValues values) =>
        string.Equals(name, HeaderNames.ContentType, StringComparison.OrdinalIgnoreCase)
        && !(values.Count == 1 && MediaTypeHeaderValue.TryParse(values[0], out var type)
            && !type.MediaType.Equals("application/x-www-form-urlencoded", StringComparison.OrdinalIgnoreCase)
            && !type.MediaType.Equals("multipart/form-data", StringComparison.OrdinalIgnoreCase));
}
