using Gateway.Admin.Access;
using Gateway.Listening;

namespace Gateway.Admin.Pages;

/// <summary>Getting in: the one-time link, signing in and out.</summary>
internal static class AccessRoutes
{
    public static void MapAccess(this IEndpointRouteBuilder console)
    {
        console.MapGet("/sign-in", (HttpContext context, ConsolePages pages) => pages.SendAsync<SignInConsolePage>(context)).AllowAnonymous();
        console.MapPost("/sign-out", SignOutAsync).RequireAuthorization(AccessPolicies.SignedIn);
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
}
