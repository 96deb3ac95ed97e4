using System.Globalization;
using Gateway.Admin.Access;
using Gateway.Login;
using Gateway.Onboarding.Devices;

namespace Gateway.Admin.Pages;

/// <summary>The admin's word on a sign-in that waits, from the start page or beside the member.</summary>
internal static class SignInRoutes
{
    public static void MapSignIns(this IEndpointRouteBuilder signedIn) => signedIn.MapPost("/sign-ins", DecideAsync);

    /// <summary>For the number that the page showed, and for no other that may have come meanwhile.</summary>
    private static async Task DecideAsync(HttpContext context, ConsolePages pages, SignInDecisions decisions, SignIns signIns)
    {
        if (await context.FormAsync() is not { } form)
        {
            return;
        }

        if (!DeviceId.TryParse(form["device"], CultureInfo.InvariantCulture, out var device)
            || !int.TryParse(form["number"], NumberStyles.None, CultureInfo.InvariantCulture, out var number))
        {
            await pages.NotThereAsync(context);
            return;
        }

        var (_, refusal) = decisions.Decide(new SignInDecision(device.ToString(), number, form["do"] == "approve"), context.Session().By);
        if (refusal is null)
        {
            context.SeeOther(LocalPath.Of(form["back"]));
        }
        else if (signIns.Waiting().Any(one => one.Device == device && one.Number == number))
        {
            await pages.RefuseAsync(context, ConsoleTexts.SignInNotArmed, refusal.What, $"/devices/{device}", refusal.Kind);
        }
        else
        {
            await pages.RefuseAsync(context, ConsoleTexts.SignInOver, refusal.What, LocalPath.Of(form["back"]), refusal.Kind);
        }
    }
}
