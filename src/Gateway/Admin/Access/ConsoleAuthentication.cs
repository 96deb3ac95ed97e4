using System.Security.Claims;
using System.Text.Encodings.Web;
using Gateway.Listening;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Options;

namespace Gateway.Admin.Access;

/// <summary>Cookie → session of the console, as ASP.NET Core's authorization asks for it; who is not signed in is led to where they can.</summary>
internal sealed class ConsoleAuthentication(
    ConsoleSessions sessions, IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory logs, UrlEncoder encoder)
    : AuthenticationHandler<AuthenticationSchemeOptions>(options, logs, encoder)
{
    public new const string Scheme = "console";

    protected override Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        if (!Context.Plane().IsConsole() || sessions.Find(Request.Cookies[ConsoleCookie.Name(Context)], Context.Plane(), Context.ConsoleDevice()) is not { } session)
        {
            return Task.FromResult(AuthenticateResult.NoResult());
        }

        // A page that is left open asks for nothing: its stream is no sign that anybody is there.
        if (!IsStream)
        {
            session.LastSeen = TimeProvider.GetUtcNow();
        }

        Context.Features.Set(session);
        var identity = new ClaimsIdentity([new Claim(ClaimTypes.Name, session.By)], Scheme);
        return Task.FromResult(AuthenticateResult.Success(new AuthenticationTicket(new ClaimsPrincipal(identity), Scheme)));
    }

    protected override Task HandleChallengeAsync(AuthenticationProperties properties) => LeadTo("/sign-in", StatusCodes.Status401Unauthorized);

    protected override Task HandleForbiddenAsync(AuthenticationProperties properties) => LeadTo("/prove", StatusCodes.Status403Forbidden);

    private bool IsStream => Request.Headers.Accept.ToString().Contains("text/event-stream", StringComparison.Ordinal);

    /// <summary>A person is led on; a script's call is told by its status.</summary>
    private Task LeadTo(string page, int status)
    {
        if (!Context.Plane().IsConsole() || IsStream || Request.Headers["Sec-Fetch-Mode"].ToString() is not ("" or "navigate"))
        {
            Response.StatusCode = status;
            return Task.CompletedTask;
        }

        Response.StatusCode = StatusCodes.Status303SeeOther;
        Response.Headers.Location = $"{page}?back={Uri.EscapeDataString(WayBack())}";
        return Task.CompletedTask;
    }

    /// <summary>The page that was asked for, or the one that the form stands on.</summary>
    private string WayBack() =>
        HttpMethods.IsGet(Request.Method) ? Request.Path + Request.QueryString
        : Uri.TryCreate(Request.Headers.Referer.ToString(), UriKind.Absolute, out var page) ? page.PathAndQuery
        : "/";
}

/// <summary>The session's cookie, as strict as the way in allows: the prefix needs TLS, which loopback has not.</summary>
internal static class ConsoleCookie
{
    public static string Name(HttpContext context) => context.Plane() == Plane.TunnelConsole ? "__Host-console" : "console";

    public static void Set(HttpContext context, string secret) => context.Response.Cookies.Append(Name(context), secret, Options(context));

    public static void Clear(HttpContext context) => context.Response.Cookies.Delete(Name(context), Options(context));

    private static CookieOptions Options(HttpContext context) => new()
    {
        HttpOnly = true,
        Secure = context.Plane() == Plane.TunnelConsole,
        SameSite = SameSiteMode.Strict,
        Path = "/",
        IsEssential = true,
    };
}

/// <summary>What the console's routes ask of a request.</summary>
internal static class ConsoleContext
{
    /// <summary>The session that the request is signed in with; throws on a route that let somebody in without.</summary>
    public static ConsoleSession Session(this HttpContext context) => context.Features.GetRequiredFeature<ConsoleSession>();
}
