using Gateway.Admin.Access;
using Gateway.Diagnosis;
using Gateway.Onboarding.Store;

namespace Gateway.Admin.Pages;

/// <summary>The gateway's health, and the lock that shuts everybody out and in.</summary>
internal static class HealthRoutes
{
    public static void MapHealth(this IEndpointRouteBuilder signedIn)
    {
        signedIn.MapGet("/health", ShowAsync);
        signedIn.MapGet("/live/health", FollowAsync);
        signedIn.MapPost("/health/doctor", ExamineAsync);
        signedIn.MapGet("/lock", AskAsync);
        signedIn.MapPost("/lock", LockAsync);
        signedIn.MapPost("/unlock", UnlockAsync);
    }

    private static Task ShowAsync(HttpContext context, ConsolePages pages, StatusReport status, Examination examination, ChangeFeed feed)
    {
        var version = feed.Version;
        return pages.SendAsync<HealthPage>(context, view: new HealthPage.View($"/live/health?v={version}", Live(status.Read()), DoctorWords.Of(examination.State)));
    }

    /// <summary>It takes as long as the slowest check: the page shows how far it is, and waits for nothing.</summary>
    private static async Task ExamineAsync(HttpContext context, Examination examination)
    {
        if (await context.FormAsync() is not null)
        {
            examination.Begin();
            context.SeeOther("/health#doctor");
        }
    }

    /// <summary>No change tells of a homeserver that falls silent: it is looked at again at each sign of life, which costs nothing.</summary>
    private static Task FollowAsync(HttpContext context, ConsolePages pages, StatusReport status, Examination examination, LiveStream stream)
    {
        var frame = pages.FrameOf(context);
        var sent = new PartsSent();
        return stream.SendAsync(context, (_, _) => PartsAsync(), alwaysAsk: true);

        async IAsyncEnumerable<Patch> PartsAsync()
        {
            Patch[] parts =
            [
                new("health", await pages.RenderAsync<HealthLive>(frame, Live(status.Read()))),
                new("doctor", await pages.RenderAsync<DoctorCard>(frame, DoctorWords.Of(examination.State))),
            ];
            foreach (var part in parts.Where(sent.IsNew))
            {
                yield return part;
            }
        }
    }

    private static Task AskAsync(HttpContext context, ConsolePages pages, Roster roster)
    {
        var (state, frame) = (roster.State, pages.FrameOf(context));
        var unconfirmed = state.Devices.Values.Where(device => device is { IsLive: true, AwaitsConfirmation: true }).OrderBy(device => device.Label, StringComparer.Ordinal).ToList();
        return state.LockedSince is not null || unconfirmed.Count > 0
            ? pages.SendAsync<LockPage>(context, view: new LockPage.View(state.LockedSince, [.. unconfirmed.Select(device => roster.Line(device, Roster.Name(state, device.Member)))]))
            : pages.SendAsync<AskPage>(context, view: new AskPage.View
            {
                Section = Layout.Place.Health,
                Title = frame.Text(ConsoleTexts.LockTitle),
                Sentence = frame.Text(ConsoleTexts.LockSentence),
                Action = "/lock",
                Button = frame.Text(ConsoleTexts.LockNow),
                Back = "/health",
            });
    }

    private static async Task LockAsync(HttpContext context, StateWriter writer, TimeProvider time)
    {
        if (await context.FormAsync() is not null)
        {
            LockApi.Lock(writer, time.GetUtcNow(), context.Session().By);
            context.SeeOther("/lock");
        }
    }

    private static async Task UnlockAsync(HttpContext context, ConsolePages pages, StateWriter writer, TimeProvider time)
    {
        if (await context.FormAsync() is not { } form)
        {
            return;
        }

        var device = form["device"].ToString() is { Length: > 0 } word ? word : null;
        var (done, refusal) = LockApi.Unlock(writer, time.GetUtcNow(), context.Session().By, device, form["all"] == "yes");
        await pages.DoneAsync(context, refusal, done is { Unconfirmed: > 0 } ? "/lock" : "/", ConsoleTexts.NotUnlocked);
    }

    private static HealthLive.View Live(StatusView status) => new()
    {
        Healthy = status.Healthy,
        ServerName = status.ServerName,
        Version = status.Version.Split('+')[0],
        StartedAt = status.StartedAt,
        LockedSince = status.Lock.Since,
        Parts =
        [
            Part(ConsoleTexts.PartTunnel, ConsoleTexts.PartTunnelOk, ConsoleTexts.PartTunnelBad, status.Tunnel),
            Part(ConsoleTexts.PartHomeserver, ConsoleTexts.PartHomeserverOk, ConsoleTexts.PartHomeserverBad, status.Homeserver),
            Part(ConsoleTexts.PartStore, ConsoleTexts.PartStoreOk, ConsoleTexts.PartStoreBad, status.Store),
            Part(ConsoleTexts.PartCertificate, ConsoleTexts.PartCertificateOk, ConsoleTexts.PartCertificateBad, status.Certificate),
            Part(ConsoleTexts.PartClock, ConsoleTexts.PartClockOk, ConsoleTexts.PartClockBad, status.Clock),
            .. status.Audit is { } audit ? [Part(ConsoleTexts.PartAudit, ConsoleTexts.PartAuditOk, ConsoleTexts.PartAuditBad, audit)] : Array.Empty<HealthLive.Part>(),
            Part(ConsoleTexts.PartAccount, ConsoleTexts.PartAccountOk, ConsoleTexts.PartAccountBad, status.AdminAccount, wrongShape: "wait"),
        ],
    };

    private static HealthLive.Part Part(string title, string well, string wrong, PartView part, string wrongShape = "bad") =>
        new(title, part.Ok ? well : wrong, part.Ok ? "ok" : wrongShape, part.Detail);
}
