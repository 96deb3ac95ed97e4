using System.Net;
using Gateway.Admin;
using Gateway.Drills;
using Gateway.Onboarding.Keys;
using Gateway.Onboarding.Members;
using Gateway.Proxy;
using Gateway.Tunnel;

namespace Gateway.Commands;

/// <summary>
/// A lost phone, played with a device of nobody's against the running system: enrolled, in the tunnel, signed in, in use; then revoked,
/// and looked at from every side from which it could still be open. Whatever happens, the device is ended when it returns.
/// </summary>
internal sealed class DrillPlay(AdminClient gateway, DrillPlace place, HomeserverOptions homeserver, TimeProvider time, Action<DrillStep> say)
{
    /// <summary>What the gateway's own work may take before it counts as not done.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <summary>How long a poll has to be open before it counts as held.</summary>
    private static readonly TimeSpan Held = TimeSpan.FromMilliseconds(300);

    /// <summary>A connection through the tunnel takes milliseconds on one host.</summary>
    private static readonly TimeSpan Connect = TimeSpan.FromSeconds(2);

    private readonly List<DrillStep> _steps = [];

    public async Task<DrillReport> PlayAsync(CancellationToken cancellationToken)
    {
        var at = time.GetUtcNow();
        await EndLeftoversAsync(cancellationToken);
        using var direct = new HttpClient(HomeserverConnection.Handler(homeserver)) { BaseAddress = new Uri(homeserver.Origin + "/") };
        var stage = new Stage(direct);
        try
        {
            _ = await UseAsync(stage, cancellationToken) && await LoseAsync(stage, cancellationToken);
        }
        finally
        {
            // Also where the admin broke it off: what was opened for the drill does not outlive it.
            await stage.DisposeAsync();
            if (stage.Enrolled is { } enrolled)
            {
                await gateway.RevokeAsync(Revocation(enrolled, cut: true), CancellationToken.None);
            }
        }

        return new(_steps.TrueForAll(step => step.Ok), at, _steps);
    }

    private async Task<bool> UseAsync(Stage stage, CancellationToken cancellationToken) =>
        await StepAsync("enrolled", async () =>
        {
            stage.Enrolled = (await gateway.EnrolDrillAsync(cancellationToken)).View;
            return $"{stage.Device.Member}/{stage.Device.Name}, with keys, a code and {stage.Device.TunnelAddress}";
        })
        && await StepAsync("tunnel", async () =>
        {
            stage.Phone = await DrillPhone.ScanAsync(stage.Enrolled!.Config, place, new Entropy(), cancellationToken);
            await stage.Phone.ShakeHandsAsync(cancellationToken);
            return "the gateway has answered the handshake";
        })
        && await StepAsync("signed in", async () =>
        {
            stage.App = new DrillApp(stage.Phone!.Http);
            Expect(await stage.App.LoginAsync(stage.Enrolled!.LoginCode, cancellationToken), HttpStatusCode.OK);
            Expect(await stage.App.WhoAmIAsync(cancellationToken), HttpStatusCode.OK);
            Expect(await stage.App.WhoAmIAsync(stage.Homeserver, cancellationToken), HttpStatusCode.OK, "the homeserver itself");
            return "with its code; gateway and homeserver know its token";
        })
        && await StepAsync("in use", async () =>
        {
            stage.SecondCode = (await gateway.AllowLoginAsync(stage.Device.Id, cancellationToken)).View.LoginCode;
            stage.Poll = PollAsync(stage);
            await Task.WhenAny(stage.Poll, Task.Delay(Held, time, cancellationToken));
            return stage.Poll.IsCompleted ? throw new DrillException($"its request was not held: {(await stage.Poll).Why}") : "a request is open, and another code lies ready";
        });

    private async Task<bool> LoseAsync(Stage stage, CancellationToken cancellationToken) =>
        await StepAsync("revoked", async () =>
        {
            stage.RevokedAt = time.GetTimestamp();
            await gateway.RevokeAsync(Revocation(stage.Enrolled!, cut: false), cancellationToken);
            return "the gateway has blocked it";
        })
        & await StepAsync("open request", async () =>
        {
            var (_, at) = await WithinAsync(stage.Poll!, cancellationToken) ? await stage.Poll! : throw new DrillException("it is still open");
            return $"ended {Terminal.Span(time.GetElapsedTime(stage.RevokedAt, at))} after the word";
        })
        & await StepAsync("token", async () =>
        {
            // Also the order to erase: an app that hears this forgets its messages.
            var answer = Expect(await stage.App!.WhoAmIAsync(cancellationToken), HttpStatusCode.Unauthorized);
            return answer.ErrorCode == "M_UNKNOWN_TOKEN" && (bool?)answer.Body["soft_logout"] is not true
                ? "refused, and the app told to erase its messages"
                : throw new DrillException($"refused with {answer}, which erases nothing");
        })
        & await StepAsync("code", async () =>
        {
            Expect(await stage.App!.LoginAsync(stage.SecondCode!, cancellationToken), HttpStatusCode.Forbidden);
            return "the one that lay ready opens nothing";
        })
        & await StepAsync("session", async () =>
        {
            await UntilAsync(async () => (await stage.App!.WhoAmIAsync(stage.Homeserver, cancellationToken)).Status == HttpStatusCode.Unauthorized, "the homeserver still takes the token", cancellationToken);
            return "gone from the homeserver, which was asked directly";
        })
        & await StepAsync("peer", async () =>
        {
            await gateway.RevokeAsync(Revocation(stage.Enrolled!, cut: true), cancellationToken);
            await UntilAsync(async () => await HasNoPeerAsync(stage.Device.Id, cancellationToken), "it stands on the interface", cancellationToken);
            return await stage.Phone!.ReachesAsync(Connect, cancellationToken) ? throw new DrillException("the tunnel still leads to the gateway") : "gone from the interface; the tunnel leads nowhere";
        });

    /// <summary>Says how it went, and whether the play can go on.</summary>
    private async Task<bool> StepAsync(string name, Func<Task<string>> act)
    {
        var began = time.GetTimestamp();
        var (ok, detail) = (true, "");
        try
        {
            detail = await act();
        }
        catch (Exception e) when (e is DrillException or TunnelException or CommandException or HttpRequestException or IOException)
        {
            (ok, detail) = (false, WayOut(e) is { Length: > 0 } hint ? $"{e.Message} ({hint})" : e.Message);
        }

        var step = new DrillStep(name, ok, detail, (long)time.GetElapsedTime(began).TotalMilliseconds);
        _steps.Add(step);
        say(step);
        return ok;
    }

    private static string? WayOut(Exception e) => e switch
    {
        DrillException play => play.Hint,
        CommandException refusal => refusal.Hint,
        _ => null,
    };

    /// <summary>A drill that was killed left a device that nobody has the key of, and perhaps a link.</summary>
    private async Task EndLeftoversAsync(CancellationToken cancellationToken)
    {
        await DrillPhone.RemoveLeftoversAsync(cancellationToken);
        var members = (await gateway.MembersAsync(cancellationToken)).View;
        foreach (var device in members.Where(member => member.Member == Localpart.Drill.ToString()).SelectMany(member => member.Devices).Where(device => device.State != "revoked"))
        {
            await gateway.RevokeAsync(new(device.Id, Member: null, Cut: true, Erase: false), cancellationToken);
        }
    }

    private async Task<bool> HasNoPeerAsync(string device, CancellationToken cancellationToken) =>
        (await gateway.DevicesAsync(null, device, cancellationToken)).View is [{ Revocation: { } revocation }] && revocation.Steps.Any(step => step is { Name: "peer", State: "done" });

    private async Task UntilAsync(Func<Task<bool>> isSo, string otherwise, CancellationToken cancellationToken)
    {
        var began = time.GetTimestamp();
        while (!await isSo())
        {
            if (time.GetElapsedTime(began) > Patience)
            {
                throw new DrillException($"{otherwise}, {Patience.TotalSeconds} s after the revocation");
            }

            await Task.Delay(TimeSpan.FromMilliseconds(100), time, cancellationToken);
        }
    }

    private async Task<(string Why, long At)> PollAsync(Stage stage) => (await stage.App!.PollAsync(stage.End), time.GetTimestamp());

    private async Task<bool> WithinAsync(Task task, CancellationToken cancellationToken) =>
        await Task.WhenAny(task, Task.Delay(Patience, time, cancellationToken)) == task;

    private static DrillAnswer Expect(DrillAnswer answer, HttpStatusCode status, string who = "the gateway") =>
        answer.Status == status ? answer : throw new DrillException($"{who} answered {answer}, not {(int)status}");

    private static RevocationRequest Revocation(EnrolmentView enrolled, bool cut) => new(enrolled.Device.Id, Member: null, cut, Erase: false);

    /// <summary>What the steps hand to each other.</summary>
    private sealed class Stage(HttpClient homeserver) : IAsyncDisposable
    {
        private readonly CancellationTokenSource _end = new();

        public EnrolmentView? Enrolled { get; set; }

        public DeviceView Device => Enrolled!.Device;

        public HttpClient Homeserver => homeserver;

        public DrillPhone? Phone { get; set; }

        public DrillApp? App { get; set; }

        public string? SecondCode { get; set; }

        public Task<(string Why, long At)>? Poll { get; set; }

        public long RevokedAt { get; set; }

        public CancellationToken End => _end.Token;

        public async ValueTask DisposeAsync()
        {
            await _end.CancelAsync();
            if (Poll is not null)
            {
                await Poll.ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
            }

            if (Phone is not null)
            {
                await Phone.DisposeAsync();
            }

            _end.Dispose();
        }
    }
}
