using System.Collections.Frozen;
using System.Net.Http.Headers;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Primitives;
using Yarp.ReverseProxy.Forwarder;

namespace Gateway.Proxy;

/// <summary>
/// What changes between the member's request and the homeserver's. The target goes as the raw bytes that the policy
/// judged: a proxy must not normalise it (Synapse, docs/reverse_proxy.md; YARP's default turns %2F into %252F and breaks
/// key backups). Only known headers pass, either way: none that asks for compression (a refusal must be readable here), none of
/// the connection's, no cookie; and where the request comes from is said by us alone.
/// </summary>
internal sealed class HomeserverTransformer(HomeserverForwarder forwarder, Passenger passenger) : HttpTransformer
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
                Add(proxyRequest.Headers, name, values);
            }
            else if (proxyRequest.Content is { } content && ContentHeaders.Contains(name) && !IsForm(name, values))
            {
                Add(content.Headers, name, values);
            }
        }

        proxyRequest.RequestUri = new Uri(forwarder.Origin + httpContext.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget, Raw);
        proxyRequest.Headers.Host = forwarder.Host;

        // Synapse believes the first value: so there is exactly one, the tunnel address.
        proxyRequest.Headers.TryAddWithoutValidation("X-Forwarded-For", passenger.Device.Address);
        proxyRequest.Headers.TryAddWithoutValidation("X-Forwarded-Proto", "https");
        return ValueTask.CompletedTask;
    }

    public override ValueTask<bool> TransformResponseAsync(HttpContext httpContext, HttpResponseMessage? proxyResponse, CancellationToken cancellationToken)
    {
        if (proxyResponse is null)
        {
            return ValueTask.FromResult(false);
        }

        // Most replies are what they say, and take no more than this.
        if (HomeserverReplies.IsPlain(proxyResponse) && passenger.Passage != Passage.Capabilities)
        {
            Copy(proxyResponse, httpContext.Response);
            return ValueTask.FromResult(true);
        }

        return JudgeAsync(httpContext, proxyResponse);
    }

    private async ValueTask<bool> JudgeAsync(HttpContext context, HttpResponseMessage reply)
    {
        if (!await forwarder.AdmitAsync(context, passenger, reply))
        {
            return false;
        }

        Copy(reply, context.Response);
        return true;
    }

    private static void Add(HttpHeaders to, string name, StringValues values)
    {
        if (values.Count == 1)
        {
            to.TryAddWithoutValidation(name, values[0]);
        }
        else
        {
            to.TryAddWithoutValidation(name, (IEnumerable<string?>)values);
        }
    }

    private static void Copy(HttpResponseMessage from, HttpResponse to)
    {
        to.StatusCode = (int)from.StatusCode;
        Copy(from.Headers, to.Headers);
        Copy(from.Content.Headers, to.Headers);
        if (from.Headers.NonValidated.Contains("Transfer-Encoding"))
        {
            // What says its length in two ways has none (RFC 9112, section 6.3).
            to.ContentLength = null;
        }
    }

    /// <summary>As they came: nothing of them is parsed.</summary>
    private static void Copy(HttpHeaders from, IHeaderDictionary to)
    {
        foreach (var (name, values) in from.NonValidated)
        {
            if (ReplyHeaders.Contains(name))
            {
                to[name] = values.Count == 1 ? new StringValues(values.ToString()) : new StringValues([.. values]);
            }
        }
    }

    public override ValueTask TransformResponseTrailersAsync(HttpContext httpContext, HttpResponseMessage proxyResponse, CancellationToken cancellationToken) =>
        ValueTask.CompletedTask;

    /// <summary>
    /// A type that the homeserver would read parameters from, before it reads the same body as JSON whatever its type
    /// (twisted.web.http, requestReceived): so a form, and anything that only nearly is a type. Without one the body is JSON.
    /// </summary>
    private static bool IsForm(string name, StringValues values) =>
        string.Equals(name, "Content-Type", StringComparison.OrdinalIgnoreCase)
        && !(values.Count == 1 && Microsoft.Net.Http.Headers.MediaTypeHeaderValue.TryParse(values[0], out var type)
            && !type.MediaType.Equals("application/x-www-form-urlencoded", StringComparison.OrdinalIgnoreCase)
            && !type.MediaType.Equals("multipart/form-data", StringComparison.OrdinalIgnoreCase));
}
