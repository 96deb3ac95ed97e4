using System.Globalization;
using Gateway.Admin.Access;
using Gateway.Onboarding.Devices;
using Gateway.Onboarding.Enrolment;
using Gateway.Onboarding.LoginGrants;
using Gateway.Onboarding.Members;
using Gateway.Onboarding.Revocation;
using Gateway.Onboarding.Store;

namespace Gateway.Admin.Pages;

/// <summary>One device: its page, and what is done with it. A lost one is two taps away, and asks for no fresh proof.</summary>
internal static class DeviceRoutes
{
    public static void MapDevices(this IEndpointRouteBuilder signedIn, IEndpointRouteBuilder fresh)
    {
        signedIn.MapGet("/devices/{id}", ShowAsync);
        signedIn.MapGet("/live/devices/{id}", FollowAsync);
        signedIn.MapGet("/devices/{id}/lost", AskLostAsync);
        signedIn.MapGet("/devices/{id}/cut", AskCutAsync);
        signedIn.MapPost("/devices/{id}/revoke", RevokeAsync);
        signedIn.MapPost("/devices/{id}/rename", RenameAsync);
        fresh.MapPost("/devices/{id}/login-code", ArmAsync);
        fresh.MapPost("/devices/{id}/admin", MarkAsync);
    }

    private static Task ShowAsync(HttpContext context, string id, ConsolePages pages, Roster roster, ChangeFeed feed, RevocationOptions options)
    {
        var version = feed.Version;
        var state = roster.State;
        if (Find(state, id) is not { } device)
        {
            return pages.NotThereAsync(context);
        }

        return pages.SendAsync<DevicePage>(context, view: new DevicePage.View
        {
            Stream = $"/live/devices/{device.Id}?v={version}",
            Live = Live(state, device, roster, options, pages.FrameOf(context)),
            IsLive = device.IsLive,
            ToDo = device.Revocation is not null && state.Members.GetValueOrDefault(device.Member) is { } member ? Roster.ToDo(member) : null,
            TunnelAddress = device.TunnelAddress.ToString(),
            EnrolledAt = device.EnrolledAt,
            MatrixDevices = [.. device.Sessions.Select(session => session.MatrixDeviceId)],
        });
    }

    private static Task FollowAsync(HttpContext context, string id, ConsolePages pages, Roster roster, RevocationOptions options, LiveStream stream)
    {
        if (Find(roster.State, id) is not { } shown)
        {
            return pages.NotThereAsync(context);
        }

        var frame = pages.FrameOf(context);
        var sent = new PartsSent();
        return stream.SendAsync(context, (changes, _) => PartsAsync(changes));

        async IAsyncEnumerable<Patch> PartsAsync(Changes changes)
        {
            var state = roster.State;
            if (!changes.Concern(shown.Member))
            {
                yield break;
            }

            // An enrolment that ended leaves nothing: the page says so by itself.
            var patch = new Patch("device", state.Devices.GetValueOrDefault(shown.Id) is { } device
                ? await pages.RenderAsync<DeviceLive>(frame, Live(state, device, roster, options, frame))
                : await pages.RenderAsync<DeviceGone>(frame, view: null));
            if (sent.IsNew(patch))
            {
                yield return patch;
            }
        }
    }

    private static Task AskLostAsync(HttpContext context, string id, ConsolePages pages, Roster roster)
    {
        var state = roster.State;
        if (Find(state, id) is not { } device)
        {
            return pages.NotThereAsync(context);
        }

        if (!device.IsLive)
        {
            context.SeeOther($"/devices/{device.Id}");
            return Task.CompletedTask;
        }

        var (frame, owner) = (pages.FrameOf(context), Roster.Name(state, device.Member));
        var signedIn = device.Sessions.Any(session => session.State != MatrixSessionState.Ended);
        return pages.SendAsync<AskPage>(context, view: new AskPage.View
        {
            Above = frame.Text(ConsoleTexts.LostPhone),
            Title = frame.Text(ConsoleTexts.LostTitle, owner, device.Name),
            Sentence = frame.Text(signedIn ? ConsoleTexts.LostSentence : ConsoleTexts.LostSentenceUnused, owner),
            Action = $"/devices/{device.Id}/revoke",
            Button = frame.Text(ConsoleTexts.CutOffNow, owner, device.Name),
            Back = "/",
        });
    }

    private static Task AskCutAsync(HttpContext context, string id, ConsolePages pages, Roster roster)
    {
        var state = roster.State;
        if (Find(state, id) is not { } device)
        {
            return pages.NotThereAsync(context);
        }

        var (frame, owner) = (pages.FrameOf(context), Roster.Name(state, device.Member));
        return pages.SendAsync<AskPage>(context, view: new AskPage.View
        {
            Above = $"{owner} · {device.Name}",
            Title = frame.Text(ConsoleTexts.CutTitle),
            Sentence = frame.Text(ConsoleTexts.CutSentence),
            Action = $"/devices/{device.Id}/revoke",
            Button = frame.Text(ConsoleTexts.RemoveTunnel),
            Back = $"/devices/{device.Id}",
            Fields = [("cut", "yes")],
        });
    }

    /// <summary>Answered as soon as the device is blocked: what the homeserver and the interface make of it, the page shows as it happens.</summary>
    private static async Task RevokeAsync(HttpContext context, string id, ConsolePages pages, Revoker revoker)
    {
        if (await context.FormAsync() is not { } form)
        {
            return;
        }

        if (!DeviceId.TryParse(id, CultureInfo.InvariantCulture, out var device)
            || revoker.RevokeDevice(device.ToString(), form["cut"] == "yes", context.Session().By) is not RevokeResult.Revoked)
        {
            await pages.NotThereAsync(context);
            return;
        }

        context.SeeOther($"/devices/{device}");
    }

    private static async Task RenameAsync(HttpContext context, string id, ConsolePages pages, Renamer renamer)
    {
        if (await context.FormAsync() is not { } form)
        {
            return;
        }

        await pages.DoneAsync(context, renamer.RenameDevice(Word(id), form["name"].ToString().Trim(), context.Session().By), $"/devices/{Word(id)}", ConsoleTexts.NotRenamedDevice);
    }

    private static async Task ArmAsync(HttpContext context, string id, ConsolePages pages, GrantArmoury grants, StateWriter writer)
    {
        if (await context.FormAsync() is null)
        {
            return;
        }

        if (grants.Arm(writer, Word(id), context.Session().By) is not ArmResult.Armed armed)
        {
            await pages.RefuseAsync(context, ConsoleTexts.NoCode, detail: null, $"/devices/{Word(id)}");
            return;
        }

        await pages.SendAsync<CodePage>(context, view: new CodePage.View
        {
            Id = armed.Device.Id.ToString(),
            Owner = Roster.Name(writer.Current, armed.Device.Member),
            Device = armed.Device.Name,
            Code = armed.LoginCode.Reveal(),
            Until = armed.ExpiresAt,
        });
    }

    private static async Task MarkAsync(HttpContext context, string id, ConsolePages pages, AdminDevices admins)
    {
        if (await context.FormAsync() is not { } form)
        {
            return;
        }

        if (admins.Mark(Word(id), form["admin"] == "yes", context.Session().By) is (null, _))
        {
            await pages.NotThereAsync(context);
            return;
        }

        context.SeeOther($"/devices/{Word(id)}");
    }

    private static DeviceLive.View Live(State state, Device device, Roster roster, RevocationOptions options, Layout.Frame frame) => new()
    {
        Localpart = device.Member.ToString(),
        MemberLeft = state.Members.GetValueOrDefault(device.Member) is null or { State: MemberState.Left },
        Line = roster.Line(device, Roster.Name(state, device.Member)),
        Sessions = [.. device.Sessions
            .Where(session => session.State == MatrixSessionState.Open)
            .Select(session => new DeviceLive.Session(session.Client ?? frame.Text(ConsoleTexts.AppUnnamed), session.OpenedAt ?? session.AskedAt))],
        Revocation = device.Revocation is { } revocation ? new RevocationWords(frame, options).Of(device, revocation) : null,
    };

    private static Device? Find(State state, string id) =>
        DeviceId.TryParse(id, CultureInfo.InvariantCulture, out var parsed) ? state.Devices.GetValueOrDefault(parsed) : null;

    /// <summary>An ID and nothing else: what is no ID finds nothing, and leads nowhere.</summary>
    private static string Word(string id) => DeviceId.TryParse(id, CultureInfo.InvariantCulture, out var parsed) ? parsed.ToString() : "-";
}
