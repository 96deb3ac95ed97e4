using Gateway.Admin.Access;
using Gateway.Onboarding.Keys;
using Gateway.Onboarding.QrCodes;
using Gateway.Onboarding.Store;
using Microsoft.AspNetCore.Identity;

namespace Gateway.Admin.Pages;

/// <summary>The admin's ways in: to see them, to add one, to take one away. What gives a way in asks for a fresh proof.</summary>
internal static class WaysRoutes
{
    private const int LongestName = 40;

    public static void Map(IEndpointRouteBuilder signedIn, IEndpointRouteBuilder fresh)
    {
        signedIn.MapGet("/access", ShowAsync);
        signedIn.MapPost("/access/others/end", EndOthersAsync);
        fresh.MapGet("/access/passkeys", (HttpContext context, ConsolePages pages) =>
            pages.SendAsync<NewPasskeyPage>(context, view: new NewPasskeyPage.View { Name = pages.FrameOf(context).Text(ConsoleTexts.ThisLaptop) }));
        fresh.MapPost("/access/passkeys/options", OptionsAsync);
        fresh.MapPost("/access/passkeys", AddPasskeyAsync);
        fresh.MapPost("/access/passkeys/remove", RemovePasskeyAsync);
        fresh.MapGet("/access/code", (HttpContext context, ConsolePages pages, Entropy entropy, GatewayOptions gateway) => ShowCodeAsync(context, pages, entropy, gateway, isWrong: false));
        fresh.MapPost("/access/code", SetCodeAsync);
        fresh.MapPost("/access/code/remove", RemoveCodeAsync);
    }

    private static Task ShowAsync(HttpContext context, ConsolePages pages, ConsoleSessions sessions, StateWriter writer)
    {
        var access = writer.Current.Console;
        var session = context.Session();
        return pages.SendAsync<AccessPage>(context, view: new AccessPage.View
        {
            Passkeys = [.. access.Passkeys.Select(one => new AccessPage.PasskeyLine(Convert.ToHexStringLower(one.CredentialId.AsSpan()), one.Name, one.Site, one.AddedAt, one.UsedAt))],
            CodeSetAt = access.Code?.SetAt,
            Browsers = [.. sessions.All().Select(one => new AccessPage.BrowserLine(one.By, one.Since, one == session))],
        });
    }

    private static async Task EndOthersAsync(HttpContext context, ConsoleSessions sessions)
    {
        if (await context.FormAsync() is not null)
        {
            var session = context.Session();
            sessions.End(one => one != session);
            context.SeeOther("/access");
        }
    }

    private static async Task<IResult> OptionsAsync(HttpContext context, SignInManager<ConsoleAdmin> identity, GatewayOptions gateway) => HasToken(context)
        ? TypedResults.Content(
            await identity.MakePasskeyCreationOptionsAsync(new PasskeyUserEntity { Id = ConsoleAdmin.Name, Name = ConsoleAdmin.Name, DisplayName = $"{ConsoleAdmin.Name} · {gateway.ServerName}" }),
            "application/json")
        : TypedResults.StatusCode(StatusCodes.Status403Forbidden);

    private static async Task<IResult> AddPasskeyAsync(HttpContext context, ConsoleWays ways, SignInManager<ConsoleAdmin> identity)
    {
        if (!HasToken(context) || await context.Request.ReadFromJsonAsync(AccessJson.Default.NewPasskey, context.RequestAborted) is not { } made)
        {
            return TypedResults.StatusCode(StatusCodes.Status403Forbidden);
        }

        var name = made.Name?.Trim() is { Length: > 0 and <= LongestName } typed ? typed : ConsoleAdmin.Name;
        return await ways.AddPasskeyAsync(identity, made.Credential.GetRawText(), name, context.Request.Host.Host) is null
            ? TypedResults.StatusCode(StatusCodes.Status403Forbidden)
            : TypedResults.Json(new WayOn(LocalPath.Of(context.Request.Query["back"])), AccessJson.Default.WayOn);
    }

    private static async Task RemovePasskeyAsync(HttpContext context, ConsoleWays ways)
    {
        if (await context.FormAsync() is { } form)
        {
            ways.RemovePasskey(form["id"].ToString());
            context.SeeOther("/access");
        }
    }

    /// <summary>The secret stays the same until it is set or the session ends, so that a mistyped code asks for no new scan.</summary>
    private static Task ShowCodeAsync(HttpContext context, ConsolePages pages, Entropy entropy, GatewayOptions gateway, bool isWrong)
    {
        var secret = context.Session().NewCode ??= entropy.Bytes(Totp.SecretLength);
        return pages.SendAsync<NewCodePage>(context, isWrong ? StatusCodes.Status400BadRequest : StatusCodes.Status200OK, new NewCodePage.View
        {
            Svg = QrCode.Of(Totp.Address(secret, gateway.ServerName)).ToSvg(),
            Letters = string.Join(' ', Totp.Base32(secret).Chunk(4).Select(four => new string(four))),
            IsWrong = isWrong,
        });
    }

    private static async Task SetCodeAsync(HttpContext context, ConsoleWays ways, ConsolePages pages, Entropy entropy, GatewayOptions gateway)
    {
        if (await context.FormAsync() is not { } form)
        {
            return;
        }

        if (context.Session().NewCode is not { } secret || !ways.SetCode(secret, form["code"].ToString()))
        {
            await ShowCodeAsync(context, pages, entropy, gateway, isWrong: true);
            return;
        }

        context.Session().NewCode = null;
        context.SeeOther("/access");
    }

    private static async Task RemoveCodeAsync(HttpContext context, ConsoleWays ways)
    {
        if (await context.FormAsync() is not null)
        {
            ways.RemoveCode();
            context.SeeOther("/access");
        }
    }

    /// <summary>As in a form, for what console.js sends.</summary>
    private static bool HasToken(HttpContext context) => context.Session().HasToken(context.Request.Headers["X-Token"].ToString());
}
