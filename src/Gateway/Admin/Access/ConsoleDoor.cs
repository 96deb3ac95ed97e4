using Gateway.Admin.Pages;
using Gateway.Listening;
using Gateway.Onboarding.Devices;
using Gateway.Onboarding.Store;
using Gateway.Proxy;

namespace Gateway.Admin.Access;

/// <summary>The marked device that a request of the tunnel's console came from.</summary>
internal sealed record ConsoleDeviceFeature(DeviceId Device);

/// <summary>What the tunnel's console knows of a request.</summary>
internal static class ConsoleDevices
{
    public static DeviceId? ConsoleDevice(this HttpContext context) => context.Features.Get<ConsoleDeviceFeature>()?.Device;
}

/// <summary>
/// What every request of the console passes: 1. the device, in the tunnel; 2. one reading, and our own name, so that
/// no other site's leads here; 3. headers that let nothing in from elsewhere; 4. where it changes something, our own pages as its origin.
/// </summary>
internal sealed partial class ConsoleDoor(DeviceResolver devices, GatewayOptions gateway, ConsoleOptions console, ConsolePages pages, ILogger<ConsoleDoor> log)
{
    /// <summary>The largest form, with room.</summary>
    private const int MaxBody = 64 * 1024;

    private const string Policy =
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

    public async Task AnswerAsync(HttpContext context, RequestDelegate next)
    {
        // 1.
        if (context.Plane() == Plane.TunnelConsole)
        {
            // To all others there is nothing here. A lock shuts members out, and not the admin who would open it.
            if (devices.Find(context.Connection.RemoteIpAddress) is not { IsAdmin: true, Standing: Standing.Admitted, AwaitsConfirmation: false, Door.IsShut: false } device)
            {
                context.Abort();
                return;
            }

            context.Features.Set(new ConsoleDeviceFeature(device.Id));
        }

        // 3.
        Protect(context.Response.Headers);

        // 2.
        if (Fault(context) is { } status)
        {
            Refuse(context, status);
            return;
        }

        // 4.
        if (!HttpMethods.IsGet(context.Request.Method) && !HttpMethods.IsHead(context.Request.Method) && !IsFromOurPages(context.Request))
        {
            await pages.SayAsync(context, StatusCodes.Status403Forbidden, ConsoleTexts.ForeignTitle, ConsoleTexts.Foreign);
            return;
        }

        if (context.Features.Get<Microsoft.AspNetCore.Http.Features.IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size)
        {
            size.MaxRequestBodySize = MaxBody;
        }

        await GuardAsync(context, next);
    }

    private async Task GuardAsync(HttpContext context, RequestDelegate next)
    {
        try
        {
            await next(context);
            if (context.Response is { StatusCode: StatusCodes.Status404NotFound, HasStarted: false })
            {
                await pages.SayAsync(context, StatusCodes.Status404NotFound, ConsoleTexts.NotFoundTitle, ConsoleTexts.NotFound);
            }
        }
        catch (StoreException e) when (!context.Response.HasStarted)
        {
            Failed(e.Message);
            await pages.SayAsync(context, StatusCodes.Status503ServiceUnavailable, ConsoleTexts.NotStoredTitle, ConsoleTexts.NotStored);
        }
        catch (BadHttpRequestException e) when (!context.Response.HasStarted)
        {
            await pages.SayAsync(context, e.StatusCode, ConsoleTexts.NotFoundTitle, ConsoleTexts.NotFound);
        }
        catch (Exception e) when (!context.Response.HasStarted && !context.RequestAborted.IsCancellationRequested)
        {
            Faulted(e);
            await pages.SayAsync(context, StatusCodes.Status500InternalServerError, ConsoleTexts.FaultTitle, ConsoleTexts.Fault);
        }
    }

    /// <summary>What two readers could take for two things, which no browser sends, or what is meant for somebody else.</summary>
    private int? Fault(HttpContext context) =>
        Framing.IsDoubtful(context) ? StatusCodes.Status400BadRequest
        : IsOurs(context.Request.Host, context.Plane()) ? null
        : StatusCodes.Status421MisdirectedRequest;

    /// <summary>Loopback by its number is led to its name, which passkeys need.</summary>
    private static void Refuse(HttpContext context, int status)
    {
        context.Response.StatusCode = status;
        if (status == StatusCodes.Status421MisdirectedRequest && context.Plane() == Plane.LocalConsole && context.Request.Host.Host == "127.0.0.1")
        {
            context.Response.Redirect($"http://localhost:{context.Request.Host.Port ?? 80}/");
        }
    }

    /// <summary>At the other end of an SSH tunnel the port may be another.</summary>
    private bool IsOurs(HostString host, Plane plane) => plane == Plane.LocalConsole
        ? host.Host is "localhost"
        : string.Equals(host.Host, gateway.ServerName, StringComparison.OrdinalIgnoreCase) && host.Port == console.TunnelPort;

    /// <summary>Compared as what it is, a scheme, a host and a port; browsers send it with every form and every call.</summary>
    private static bool IsFromOurPages(HttpRequest request) =>
        request.Headers.Origin is [{ } origin]
        && Uri.TryCreate(origin, UriKind.Absolute, out var page)
        && page is { UserInfo: "", PathAndQuery: "/", Fragment: "" }
        && page.Scheme == request.Scheme
        && string.Equals(page.IdnHost, request.Host.Host, StringComparison.OrdinalIgnoreCase)
        && page.Port == (request.Host.Port ?? (request.IsHttps ? 443 : 80))
        && request.Headers["Sec-Fetch-Site"].ToString() is "" or "same-origin";

    private static void Protect(IHeaderDictionary headers)
    {
        headers.ContentSecurityPolicy = Policy;
        headers.XFrameOptions = "DENY";
        headers.XContentTypeOptions = "nosniff";
        headers.CacheControl = "no-store";
        headers["Referrer-Policy"] = "same-origin";
        headers["Cross-Origin-Opener-Policy"] = "same-origin";
        headers["Cross-Origin-Resource-Policy"] = "same-origin";
        headers["Permissions-Policy"] = "publickey-credentials-get=(self), publickey-credentials-create=(self), camera=(), microphone=(), geolocation=()";
        headers.Vary = "Accept-Language, Cookie";
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "A request of the console failed: {Why}")]
    private partial void Failed(string why);

    [LoggerMessage(Level = LogLevel.Error, Message = "A request of the console met a fault of the gateway's own")]
    private partial void Faulted(Exception fault);
}
