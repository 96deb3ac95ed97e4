using System.Buffers.Text;
using System.Globalization;
using Gateway.Admin.Access;
using Gateway.Onboarding;
using Gateway.Onboarding.Devices;
using Gateway.Onboarding.Enrolment;
using Gateway.Onboarding.Keys;
using Gateway.Onboarding.Members;
using Gateway.Onboarding.Store;

namespace Gateway.Admin.Pages;

/// <summary>A new member or device, from the name to "signed in", live. The code is in the answer to the form, and in no other.</summary>
internal static class OnboardingRoutes
{
    public static void MapOnboarding(this IEndpointRouteBuilder signedIn, IEndpointRouteBuilder fresh)
    {
        signedIn.MapGet("/new-member", (HttpContext context, ConsolePages pages, Entropy entropy) =>
            pages.SendAsync<EnrolFormPage>(context, view: new EnrolFormPage.View { Once = Word(entropy) }));
        signedIn.MapPost("/members", EnrolMemberAsync);
        fresh.MapGet("/members/{member}/devices/new", AskDeviceAsync);
        fresh.MapPost("/members/{member}/devices", EnrolDeviceAsync);
        signedIn.MapPost("/enrolments/again", EnrolAgainAsync);
        signedIn.MapPost("/devices/{id}/cancel", CancelAsync);
        EnrolStepsRoutes.Map(signedIn);
    }

    private static async Task EnrolMemberAsync(HttpContext context, Onboarder onboarder)
    {
        if (await context.FormAsync() is not { } form)
        {
            return;
        }

        var typed = form["localpart"].ToString().Trim();
        var name = form["name"].ToString().Trim();
        await onboarder.EnrolAsync(context, new EnrolFormPage.View
        {
            Once = form["once"].ToString(),
            Name = name,
            Localpart = typed.Length > 0 ? typed : LocalpartProposal.Of(name)?.ToString() ?? "",
            System = form["system"].ToString(),
            Device = form["device"].ToString().Trim(),
        });
    }

    private static Task AskDeviceAsync(HttpContext context, string member, ConsolePages pages, StateWriter writer, Entropy entropy) =>
        Find(writer.Current, member) is { } known
            ? pages.SendAsync<EnrolFormPage>(context, view: new EnrolFormPage.View { Member = known.Localpart.ToString(), Owner = Roster.Name(writer.Current, known.Localpart), Once = Word(entropy) })
            : pages.NotThereAsync(context);

    private static async Task EnrolDeviceAsync(HttpContext context, string member, Onboarder onboarder, ConsolePages pages, StateWriter writer)
    {
        if (await context.FormAsync() is not { } form)
        {
            return;
        }

        await (Find(writer.Current, member) is { } known
            ? onboarder.EnrolAsync(context, ViewOf(form, writer.Current, known))
            : pages.NotThereAsync(context));
    }

    /// <summary>New keys for a code that nobody used. Who has been in already gets no new way in without a fresh proof.</summary>
    private static async Task EnrolAgainAsync(HttpContext context, Onboarder onboarder, Enroller enroller, ConsolePages pages, StateWriter writer, TimeProvider time)
    {
        if (await context.FormAsync() is not { } form)
        {
            return;
        }

        if (Find(writer.Current, form["member"].ToString()) is not { } known)
        {
            await pages.NotThereAsync(context);
            return;
        }

        if (!context.Session().IsFresh(time.GetUtcNow()) && writer.Current.DevicesOf(known.Localpart).Any(device => device.FirstHandshake is not null))
        {
            context.SeeOther($"/prove?back={Uri.EscapeDataString($"/members/{known.Localpart}/devices/new")}");
            return;
        }

        var old = form["id"].ToString();
        if (DeviceId.TryParse(old, CultureInfo.InvariantCulture, out var id) && enroller.Cancel(id.ToString(), context.Session().By) is { Kind: RefusalKind.Conflict })
        {
            // It connected at this very moment: there it goes on.
            context.SeeOther($"/devices/{id}/steps");
            return;
        }

        await onboarder.EnrolAsync(context, ViewOf(form, writer.Current, known));
    }

    private static async Task CancelAsync(HttpContext context, string id, ConsolePages pages, Enroller enroller)
    {
        if (await context.FormAsync() is null)
        {
            return;
        }

        if (DeviceId.TryParse(id, CultureInfo.InvariantCulture, out var device) && enroller.Cancel(device.ToString(), context.Session().By) is { Kind: RefusalKind.Conflict } refusal)
        {
            await pages.RefuseAsync(context, ConsoleTexts.CancelTooLate, refusal.What, $"/devices/{device}");
            return;
        }

        context.SeeOther("/");
    }

    private static EnrolFormPage.View ViewOf(IFormCollection form, State state, Member member) => new()
    {
        Member = member.Localpart.ToString(),
        Owner = Roster.Name(state, member.Localpart),
        Once = form["once"].ToString(),
        System = form["system"].ToString(),
        Device = form["device"].ToString().Trim(),
    };

    private static Member? Find(State state, string member) =>
        Localpart.TryParse(member, null, out var localpart) && state.Members.GetValueOrDefault(localpart) is { State: not MemberState.Left } known ? known : null;

    internal static string Word(Entropy entropy) => Base64Url.EncodeToString(entropy.Bytes(12));
}
