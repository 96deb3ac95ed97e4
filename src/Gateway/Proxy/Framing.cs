using Microsoft.AspNetCore.Http.Features;

namespace Gateway.Proxy;

/// <summary>
/// What Kestrel lets through although two readers could take it for two things: requests in HTTP/1.0, with a wish for another
/// protocol, with other codings than chunks, with two lengths
/// (Kestrel prefers the chunks and keeps the other as <c>X-Content-Length</c>), or with a body where none belongs (RFC 9110,
/// section 9.3; RFC 9112, section 6.3). No client that we know sends any of them.
/// </summary>
internal static class Framing
{
    public static bool IsDoubtful(HttpContext context) =>
        !(HttpProtocol.IsHttp11(context.Request.Protocol) || HttpProtocol.IsHttp2(context.Request.Protocol))
        || context.Request.Headers.ContainsKey("X-Content-Length")
        || context.Request.Headers.Upgrade.Count > 0
        || !IsChunkedOrAbsent(context.Request)
        || (context.Request.Method is "GET" or "HEAD" or "OPTIONS" or "TRACE" && context.Features.Get<IHttpRequestBodyDetectionFeature>() is { CanHaveBody: true });

    /// <summary>Kestrel takes any list that ends in "chunked", and forgets the rest. HTTP/2 has no transfer codings.</summary>
    private static bool IsChunkedOrAbsent(HttpRequest request) =>
        request.Headers.TransferEncoding is var coding && (coding.Count == 0
            || (coding.Count == 1 && HttpProtocol.IsHttp11(request.Protocol) && string.Equals(coding[0], "chunked", StringComparison.OrdinalIgnoreCase)));
}
