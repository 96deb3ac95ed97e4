using Gateway.Admin.Access;
using Gateway.Login;

namespace Gateway.Admin.Pages;

/// <summary>The console's pages and what their forms do, slice by slice. Each group says who may call it.</summary>
internal static class ConsoleRoutes
{
    public static void MapConsole(this IEndpointRouteBuilder routes)
    {
        var console = routes.MapGroup("").WithMetadata(PlanesOfRoutes.Console).ExcludeFromDescription();
        foreach (var asset in new[] { ConsoleAssets.Style, ConsoleAssets.Script })
        {
            console.MapGet(asset.Path, context => ConsoleAssets.SendAsync(context, asset)).AllowAnonymous();
        }

        // Browsers ask for it by themselves.
        console.MapGet("/favicon.ico", () => TypedResults.NoContent()).AllowAnonymous();
        console.MapAccess();

        var signedIn = console.MapGroup("").RequireAuthorization(AccessPolicies.SignedIn);
        var fresh = console.MapGroup("").RequireAuthorization(AccessPolicies.Fresh);
        signedIn.MapMembers(fresh);
        signedIn.MapOnboarding(fresh);
    }

    /// <summary>The form, if it is this session's own; else the answer has been given.</summary>
    public static async Task<IFormCollection?> FormAsync(this HttpContext context)
    {
        if (await FormBody.ReadAsync(context, most: 16 * 1024) is { } form && context.Session().HasToken(form["token"].ToString()))
        {
            return form;
        }

        await context.RequestServices.GetRequiredService<ConsolePages>().SayAsync(context, StatusCodes.Status403Forbidden, ConsoleTexts.ForeignTitle, ConsoleTexts.Foreign);
        return null;
    }

    /// <summary>After a form: a page of its own, so that reloading repeats nothing.</summary>
    public static void SeeOther(this HttpContext context, string path)
    {
        context.Response.StatusCode = StatusCodes.Status303SeeOther;
        context.Response.Headers.Location = path;
    }
}
