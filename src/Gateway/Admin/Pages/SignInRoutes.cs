using System.Globalization;
using Gateway.Admin.Access;
using Gateway.Login;
using Gateway.Onboarding.Devices;
using Gateway.Onboarding.LoginGrants;

namespace Gateway.Admin.Pages;

/// <summary>The admin's word on a sign-in that waits, from the start page.</summary>
internal static class SignInRoutes
{
    public static void MapSignIns(this IEndpointRouteBuilder signedIn) => signedIn.MapPost("/sign-ins", DecideAsync);

    /// <summary>For the number that the page showed, and for no other that may have come meanwhile.</summary>
    private static async Task DecideAsync(HttpContext context, ConsolePages pages, SignIns signIns, Logins logins)
    {
        if (await context.FormAsync() is not { } form)
        {
            return;
        }

        var waiting = DeviceId.TryParse(form["device"], CultureInfo.InvariantCulture, out var device)
            ? signIns.Waiting().FirstOrDefault(one => one.Device == device && one.Number.ToString(CultureInfo.InvariantCulture) == form["number"])
            : null;
        if (waiting is null)
        {
            await pages.RefuseAsync(context, ConsoleTexts.SignInOver, detail: null, "/");
        }
        else if (form["do"] != "approve")
        {
            signIns.Finish(waiting, SignInEnd.Refused);
            context.SeeOther(LocalPath.Of(form["back"]));
        }
        else if (logins.Approve(device, waiting.App.Name, context.Session().By) is not { } proof || signIns.Prove(waiting, proof) is null)
        {
            await pages.RefuseAsync(context, ConsoleTexts.SignInNotArmed, detail: null, $"/devices/{device}");
        }
        else
        {
            context.SeeOther(LocalPath.Of(form["back"]));
        }
    }
}
