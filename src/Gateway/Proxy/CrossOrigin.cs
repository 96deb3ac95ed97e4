using Gateway.Onboarding.LoginGrants;

namespace Gateway.Proxy;

/// <summary>
/// Which web pages may call us (Fetch, "CORS protocol"): our own, Element Desktop's, those that the admin configured, and on
/// a computer those of an app there. Native apps send no Origin and need none of this. A page of anybody else's is
/// refused outright: it could not read the answer, but it could act.
/// </summary>
internal sealed class CrossOrigin(GatewayOptions gateway, LoginOptions login)
{
    private readonly HashSet<string> _origins =
    [
        $"https://{gateway.ServerName}",
        "vector://vector",
        .. login.RedirectUrls.Select(url => new Uri(url).GetLeftPart(UriPartial.Authority)),
    ];

    /// <summary>True where the request comes from no page, or from one that may call us: then the answer will say so to the browser.</summary>
    public bool Admits(HttpContext context, DeviceEntry device)
    {
        var origin = context.Request.Headers.Origin;
        if (origin.Count == 0)
        {
            return true;
        }

        if (origin.Count != 1 || !(_origins.Contains(origin[0]!) || (device.System == "desktop" && IsLoopback(origin[0]!))))
        {
            return false;
        }

        // At the start of the answer, over whatever the homeserver said of it.
        context.Response.OnStarting(
            static state =>
            {
                var (response, allowed) = ((HttpResponse, string))state;
                response.Headers.AccessControlAllowOrigin = allowed;
                response.Headers.Append("Vary", "Origin");
                return Task.CompletedTask;
            },
            (context.Response, origin[0]!));
        return true;
    }

    /// <summary>The answer to a preflight of an origin that was admitted.</summary>
    public static Task PreflightAsync(HttpContext context)
    {
        var headers = context.Response.Headers;
        headers.AccessControlAllowMethods = "GET, POST, PUT, DELETE, OPTIONS";
        headers.AccessControlAllowHeaders = "X-Requested-With, Content-Type, Authorization, Date";
        headers.AccessControlMaxAge = "86400";
        context.Response.StatusCode = StatusCodes.Status204NoContent;
        return Task.CompletedTask;
    }

    private static bool IsLoopback(string origin) =>
        Uri.TryCreate(origin, UriKind.Absolute, out var uri) && uri.Scheme == "http" && uri.Host is "localhost" or "127.0.0.1" or "[::1]"
        && uri.GetLeftPart(UriPartial.Authority) == origin;
}
