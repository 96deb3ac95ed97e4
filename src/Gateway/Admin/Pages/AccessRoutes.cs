using System.Text.Json;
using System.Text.Json.Serialization;
using Gateway.Admin.Access;
using Gateway.Listening;
using Gateway.Onboarding.Store;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Identity;

namespace Gateway.Admin.Pages;

/// <summary>Where a browser goes after it has proved something.</summary>
internal sealed record WayOn(string To);

/// <summary>A new passkey as console.js sends it: what the admin calls it, and the authenticator's own words.</summary>
internal sealed record NewPasskey(string? Name, JsonElement Credential);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow)]
[JsonSerializable(typeof(WayOn))]
[JsonSerializable(typeof(NewPasskey))]
internal sealed partial class AccessJson : JsonSerializerContext;

/// <summary>Getting in: the one-time link, passkeys, codes; and proving once more. What is set up there: <see cref="WaysRoutes"/>.</summary>
internal static class AccessRoutes
{
    public static void MapAccess(this IEndpointRouteBuilder console)
    {
        var open = console.MapGroup("").AllowAnonymous();
        open.MapGet("/link/{secret}", (string secret, HttpContext context, ConsolePages pages) =>
            pages.SendAsync<LinkPage>(context, view: new LinkPage.View { Secret = secret }));
        open.MapPost("/link", SpendLinkAsync);
        open.MapGet("/sign-in", (string? back, HttpContext context, ConsolePages pages, StateWriter writer) =>
            ShowWayInAsync(context, pages, writer.Current, proves: false, back, fault: null));
        open.MapPost("/passkey/options", async (SignInManager<ConsoleAdmin> identity) =>
            TypedResults.Content(await identity.MakePasskeyRequestOptionsAsync(ConsoleAdmin.Only), "application/json"));
        open.MapPost("/passkey", TakePasskeyAsync);
        open.MapPost("/code", TakeCodeAsync);

        var signedIn = console.MapGroup("").RequireAuthorization(AccessPolicies.SignedIn);
        signedIn.MapGet("/prove", (string? back, HttpContext context, ConsolePages pages, StateWriter writer) =>
            ShowWayInAsync(context, pages, writer.Current, proves: true, back, fault: null));
        signedIn.MapPost("/sign-out", SignOutAsync);
        WaysRoutes.Map(signedIn, console.MapGroup("").RequireAuthorization(AccessPolicies.Fresh));
    }

    private static Task ShowWayInAsync(HttpContext context, ConsolePages pages, State state, bool proves, string? back, string? fault) =>
        pages.SendAsync<WayInPage>(context, fault is null ? StatusCodes.Status200OK : StatusCodes.Status403Forbidden, new WayInPage.View
        {
            Proves = proves,
            HasPasskey = state.Console.Passkeys.Any(passkey => passkey.Site == context.Request.Host.Host),
            HasCode = state.Console.Code is not null,
            Back = LocalPath.Of(back),
            Fault = fault,
        });

    private static async Task SpendLinkAsync(HttpContext context, ConsoleWays ways, ConsolePages pages, StateWriter writer)
    {
        var form = await Login.FormBody.ReadAsync(context, most: 1024);
        if (ways.TryLink(form?["secret"].ToString()) is not { } with)
        {
            await ShowWayInAsync(context, pages, writer.Current, proves: false, back: null, ConsoleTexts.LinkOver);
            return;
        }

        Open(context, with);
        context.SeeOther(writer.Current.Console.Passkeys.Any(passkey => passkey.Site == context.Request.Host.Host) ? LocalPath.Start : "/access/passkeys");
    }

    private static async Task TakePasskeyAsync(HttpContext context, ConsoleWays ways, SignInManager<ConsoleAdmin> identity)
    {
        using var reader = new StreamReader(context.Request.Body);
        var credential = await reader.ReadToEndAsync(context.RequestAborted);
        var session = await SessionAsync(context);
        if (await ways.TryPasskeyAsync(identity, credential, proves: session is not null) is not { } with)
        {
            context.Response.StatusCode = StatusCodes.Status403Forbidden;
            return;
        }

        Go(context, session, with);
        await context.Response.WriteAsJsonAsync(new WayOn(LocalPath.Of(context.Request.Query["back"])), AccessJson.Default.WayOn, cancellationToken: context.RequestAborted);
    }

    private static async Task TakeCodeAsync(HttpContext context, ConsoleWays ways, ConsolePages pages, StateWriter writer)
    {
        var form = await Login.FormBody.ReadAsync(context, most: 2048);
        var session = await SessionAsync(context);
        var back = LocalPath.Of(form?["back"].ToString());
        var (with, wait) = ways.TryCode(form?["code"].ToString() ?? "", proves: session is not null);
        if (with is null)
        {
            await ShowWayInAsync(context, pages, writer.Current, proves: session is not null, back, wait ? ConsoleTexts.TooManyCodes : ConsoleTexts.WrongCode);
            return;
        }

        Go(context, session, with);
        context.SeeOther(back);
    }

    private static async Task SignOutAsync(HttpContext context, ConsoleSessions sessions)
    {
        if (await context.FormAsync() is null)
        {
            return;
        }

        var session = context.Session();
        sessions.End(one => one == session);
        ConsoleCookie.Clear(context);
        context.SeeOther("/sign-in");
    }

    /// <summary>The session that the browser has already, on a route that does not ask for one.</summary>
    private static async Task<ConsoleSession?> SessionAsync(HttpContext context) =>
        (await context.AuthenticateAsync(ConsoleAuthentication.Scheme)).Succeeded ? context.Session() : null;

    /// <summary>Who is signed in has proved it once more; who is not is now, with a session that nobody knew before.</summary>
    private static void Go(HttpContext context, ConsoleSession? session, string with)
    {
        if (session is null)
        {
            Open(context, with);
        }
        else
        {
            session.ProvedAt = context.RequestServices.GetRequiredService<TimeProvider>().GetUtcNow();
        }
    }

    private static void Open(HttpContext context, string with)
    {
        var (_, secret) = context.RequestServices.GetRequiredService<ConsoleSessions>().Open(context.Plane(), context.ConsoleDevice(), with);
        ConsoleCookie.Set(context, secret);
    }
}
