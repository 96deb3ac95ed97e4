using System.Globalization;
using Gateway.Admin.Access;
using Gateway.Onboarding.Enrolment;
using Gateway.Onboarding.Matrix;
using Gateway.Onboarding.Members;
using Gateway.Onboarding.Revocation;
using Gateway.Onboarding.Store;

namespace Gateway.Admin.Pages;

/// <summary>One member: their page, their name, what is to do after a lost phone, and how they leave.</summary>
internal static class MemberRoutes
{
    public static void MapMember(this IEndpointRouteBuilder signedIn, IEndpointRouteBuilder fresh)
    {
        signedIn.MapGet("/members/{localpart}", ShowAsync);
        signedIn.MapGet("/live/members/{localpart}", FollowAsync);
        signedIn.MapPost("/members/{localpart}/rename", RenameAsync);
        signedIn.MapPost("/members/{localpart}/reset-done", SettleResetAsync);
        fresh.MapGet("/members/{localpart}/leave", AskLeaveAsync);
        fresh.MapPost("/members/{localpart}/leave", LeaveAsync);
    }

    private static Task ShowAsync(HttpContext context, string localpart, ConsolePages pages, Roster roster, ChangeFeed feed, Homeserver homeserver)
    {
        var version = feed.Version;
        var state = roster.State;
        return Find(state, localpart) is not { } member
            ? pages.NotThereAsync(context)
            : pages.SendAsync<PersonPage>(context, view: new PersonPage.View
            {
                Stream = $"/live/members/{member.Localpart}?v={version}",
                Row = roster.Whole(state, member),
                UserId = homeserver.ServerName.UserId(member.Localpart),
                ToDo = Roster.ToDo(member),
                IsClosed = member.Leaving?.ClosedAt is not null,
                Erased = member.Leaving?.Erase == true,
            });
    }

    private static Task FollowAsync(HttpContext context, string localpart, ConsolePages pages, Roster roster, LiveStream stream)
    {
        if (Find(roster.State, localpart) is not { } shown)
        {
            return pages.NotThereAsync(context);
        }

        var frame = pages.FrameOf(context);
        var sent = new PartsSent();
        return stream.SendAsync(context, (changes, _) => PartsAsync(changes));

        async IAsyncEnumerable<Patch> PartsAsync(Changes changes)
        {
            var state = roster.State;
            if (changes.Concern(shown.Localpart) && state.Members.GetValueOrDefault(shown.Localpart) is { } member)
            {
                var patch = new Patch("devices", await pages.RenderAsync<MemberDevices>(frame, roster.Whole(state, member)));
                if (sent.IsNew(patch))
                {
                    yield return patch;
                }
            }
        }
    }

    private static async Task RenameAsync(HttpContext context, string localpart, ConsolePages pages, Renamer renamer)
    {
        if (await context.FormAsync() is not { } form)
        {
            return;
        }

        var refusal = await renamer.RenameMemberAsync(localpart, form["name"].ToString(), context.Session().By, context.RequestAborted);
        await pages.DoneAsync(context, refusal, $"/members/{Uri.EscapeDataString(localpart)}", ConsoleTexts.NotRenamedMember);
    }

    private static async Task SettleResetAsync(HttpContext context, string localpart, ConsolePages pages, StateWriter writer, TimeProvider time)
    {
        if (await context.FormAsync() is null)
        {
            return;
        }

        if (!writer.Write<bool>(state => Find(state, localpart) is { } member
            ? (true, member.ResetDueSince is null ? [] : [new ResetSettled(member.Localpart, context.Session().By) { At = time.GetUtcNow() }])
            : (false, [])))
        {
            await pages.NotThereAsync(context);
            return;
        }

        context.SeeOther("/");
    }

    private static Task AskLeaveAsync(HttpContext context, string localpart, ConsolePages pages, Roster roster)
    {
        if (Find(roster.State, localpart) is not { State: not MemberState.Left } member)
        {
            return pages.NotThereAsync(context);
        }

        var (frame, name) = (pages.FrameOf(context), Roster.Name(member));
        return pages.SendAsync<AskPage>(context, view: new AskPage.View
        {
            Above = member.Localpart.ToString(),
            Title = frame.Text(ConsoleTexts.LeaveTitle, name),
            Sentence = frame.Text(ConsoleTexts.LeaveSentence),
            Action = $"/members/{member.Localpart}/leave",
            Button = frame.Text(ConsoleTexts.LeaveButton, name),
            Back = $"/members/{member.Localpart}",
            ChoiceTitle = frame.Text(ConsoleTexts.LeaveMessages),
            Choices =
            [
                new("keep", frame.Text(ConsoleTexts.LeaveKeep), frame.Text(ConsoleTexts.LeaveKeepHow)),
                new("erase", frame.Text(ConsoleTexts.LeaveErase), frame.Text(ConsoleTexts.LeaveEraseHow)),
            ],
        });
    }

    private static async Task LeaveAsync(HttpContext context, string localpart, ConsolePages pages, Revoker revoker)
    {
        if (await context.FormAsync() is not { } form)
        {
            return;
        }

        // Neither is the default: erasing is for ever, and keeping may be what was not meant.
        if (form["choice"].ToString() is not ("keep" or "erase"))
        {
            await pages.RefuseAsync(context, ConsoleTexts.LeaveChoose, detail: null, $"/members/{Uri.EscapeDataString(localpart)}/leave");
            return;
        }

        if (revoker.RevokeMember(localpart, cut: false, form["choice"] == "erase", context.Session().By) is not RevokeResult.Revoked)
        {
            await pages.NotThereAsync(context);
            return;
        }

        context.SeeOther($"/members/{Uri.EscapeDataString(localpart)}");
    }

    private static Member? Find(State state, string localpart) =>
        Localpart.TryParse(localpart, CultureInfo.InvariantCulture, out var parsed) ? state.Members.GetValueOrDefault(parsed) : null;
}
