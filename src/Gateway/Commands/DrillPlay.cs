using System.Net;
using Gateway.Admin;
using Gateway.Drills;
using Gateway.Onboarding.Keys;
using Gateway.Onboarding.Members;
using Gateway.Tunnel;

namespace Gateway.Commands;

/// <summary>
/// A lost phone, played with a device of nobody's against the running system: enrolled, in the tunnel, signed in, in use; then revoked,
/// and looked at from every side from which it could still be open. Whatever happens, the device is ended when it returns, or
/// the report says that it was not.
/// </summary>
internal sealed class DrillPlay(AdminClient gateway, DrillPlace place, OwnNamespace space, HttpClient homeserver, TimeProvider time, Action<DrillStep> say)
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
        await DrillPhone.RemoveLeftoversAsync(cancellationToken);
        await EndDevicesAsync(cancellationToken);
        var stage = new Stage();
        var isPlayed = false;
        try
        {
            isPlayed = await UseAsync(stage, cancellationToken);
            if (isPlayed)
            {
                await LoseAsync(stage, cancellationToken);
            }
        }
        finally
        {
            // Also where the admin broke it off: what was opened for the drill does not outlive it.
            await stage.DisposeAsync();
            await EndAsync();
        }

        return new(_steps.TrueForAll(step => step.Ok), isPlayed, at, _steps);
    }

    private async Task<bool> UseAsync(Stage stage, CancellationToken cancellationToken) =>
        await StepAsync("enrolled", async () =>
        {
            stage.Enrolled = (await gateway.EnrolDrillAsync(cancellationToken)).View;
            return $"{stage.Device.Member}/{stage.Device.Name}, with keys, a code and {stage.Device.TunnelAddress}";
        })
        && await StepAsync("tunnel", async () =>
        {
            stage.Phone = await DrillPhone.ScanAsync(stage.Enrolled!.Config, place, space, new Entropy(), cancellationToken);
            await stage.Phone.ShakeHandsAsync(cancellationToken);
            return "the gateway has answered the handshake";
        })
        && await StepAsync("signed in", async () =>
        {
            stage.App = new DrillApp(stage.Phone!.Http, time);
            Expect(await stage.App.LoginAsync(stage.Enrolled!.LoginCode, cancellationToken));
            Expect(await stage.App.WhoAmIAsync(cancellationToken));
            Expect(await stage.App.WhoAmIAsync(homeserver, cancellationToken), "the homeserver itself");
            return "with its code; gateway and homeserver know its token";
        })
        && await StepAsync("in use", async () =>
        {
            stage.SecondCode = (await gateway.AllowLoginAsync(stage.Device.Id, cancellationToken)).View.LoginCode;
            stage.Poll = stage.App!.PollAsync(stage.End);
            await Task.WhenAny(stage.Poll, Task.Delay(Held, time, cancellationToken));
            return stage.Poll.IsCompleted
                ? throw new DrillException($"its request was not held: {(await stage.Poll).Last?.ToString() ?? "cut"}")
                : "a request is open, and another code lies ready";
        });

    /// <summary>Each is looked at, whatever was found before.</summary>
    private async Task LoseAsync(Stage stage, CancellationToken cancellationToken)
    {
        await StepAsync("revoked", async () =>
        {
            stage.RevokedAt = time.GetTimestamp();
            await RevokeAsync(stage.Device, cut: false, cancellationToken);
            return "the gateway has blocked it";
        });
        await StepAsync("open request", async () =>
        {
            var poll = await Task.WhenAny(stage.Poll!, Task.Delay(Patience, time, cancellationToken)) == stage.Poll ? await stage.Poll : throw new DrillException("it is still open");
            DrillJudge.OpenRequest(poll, stage.RevokedAt);
            return $"ended {Terminal.Span(time.GetElapsedTime(stage.RevokedAt, poll.Ended))} after the word";
        });
        await StepAsync("token", async () => DrillJudge.Token(await stage.App!.WhoAmIAsync(cancellationToken)));
        await StepAsync("code", async () => DrillJudge.Code(await stage.App!.LoginAsync(stage.SecondCode!, cancellationToken)));
        await StepAsync("session", () => WithinAsync(async () =>
        {
            var answer = await stage.App!.WhoAmIAsync(homeserver, cancellationToken);
            return (DrillJudge.Session(answer), answer.Status == HttpStatusCode.OK ? "the homeserver still takes the token" : $"the homeserver answers {answer}");
        }, cancellationToken));
        await StepAsync("peer", async () =>
        {
            // The phone is still told that it is lost; so it is the cut that shuts the tunnel.
            var wasOpen = await stage.Phone!.ReachesAsync(Connect, cancellationToken);
            await RevokeAsync(stage.Device, cut: true, cancellationToken);
            var gone = await WithinAsync(async () => (await HasPeerAsync(stage.Device, cancellationToken) ? null : "gone from the interface", "it stands on the interface"), cancellationToken);
            return await stage.Phone.ReachesAsync(Connect, cancellationToken) ? throw new DrillException("the tunnel still leads to the gateway")
                : wasOpen ? $"{gone}; the tunnel leads nowhere"
                : throw new DrillException("the tunnel led nowhere before the cut already, so nothing was seen");
        });
    }

    /// <summary>Says how it went, and whether the play can go on.</summary>
    private async Task<bool> StepAsync(string name, Func<Task<string>> act)
    {
        var began = time.GetTimestamp();
        var (ok, detail) = (true, "");
        try
        {
            detail = await act();
        }
        catch (Exception e) when (e is DrillException or TunnelException or CommandException)
        {
            (ok, detail) = (false, WayOut(e) is { Length: > 0 } hint ? $"{e.Message} ({hint})" : e.Message);
        }

        Add(new(name, ok, detail, (long)time.GetElapsedTime(began).TotalMilliseconds));
        return ok;
    }

    private void Add(DrillStep step)
    {
        _steps.Add(step);
        say(step);
    }

    private static string? WayOut(Exception e) => e switch
    {
        DrillException play => play.Hint,
        CommandException refusal => refusal.Hint,
        _ => null,
    };

    private async Task EndAsync()
    {
        try
        {
            await EndDevicesAsync(CancellationToken.None);
        }
        catch (CommandException e)
        {
            Add(new("test device", Ok: false, $"it may still be there: {e.Message} (gateway devices --member {Localpart.Drill}; then gateway revoke <device> --cut)", 0));
        }
    }

    /// <summary>All that a drill has opened, also one that was killed and left a device that nobody has the key of.</summary>
    private async Task EndDevicesAsync(CancellationToken cancellationToken)
    {
        var members = (await gateway.MembersAsync(cancellationToken)).View;
        foreach (var device in members.Where(member => member.Member == Localpart.Drill.ToString()).SelectMany(member => member.Devices).Where(device => device.State != "revoked"))
        {
            await RevokeAsync(device, cut: true, cancellationToken);
        }
    }

    private async Task RevokeAsync(DeviceView device, bool cut, CancellationToken cancellationToken) =>
        await gateway.RevokeAsync(new(device.Id, Member: null, cut, Erase: false), cancellationToken);

    /// <summary>Of the interface itself, whatever the gateway says of it.</summary>
    private async Task<bool> HasPeerAsync(DeviceView device, CancellationToken cancellationToken) =>
        (await Tool.RunAsync("wg", ["show", place.Interface, "peers"], cancellationToken)).Contains(device.PublicKey, StringComparison.Ordinal);

    private async Task<string> WithinAsync(Func<Task<(string? Well, string Otherwise)>> look, CancellationToken cancellationToken)
    {
        var began = time.GetTimestamp();
        while (true)
        {
            var (well, otherwise) = await look();
            if (well is not null)
            {
                return well;
            }

            if (time.GetElapsedTime(began) > Patience)
            {
                throw new DrillException($"{otherwise}, {Patience.TotalSeconds} s after the revocation");
            }

            await Task.Delay(TimeSpan.FromMilliseconds(100), time, cancellationToken);
        }
    }

    private static void Expect(DrillAnswer answer, string who = "the gateway")
    {
        if (answer.Status != HttpStatusCode.OK)
        {
            throw new DrillException($"{who} answered {answer}, not 200");
        }
    }

    /// <summary>What the steps hand to each other.</summary>
    private sealed class Stage : IAsyncDisposable
    {
        private readonly CancellationTokenSource _end = new();

        public EnrolmentView? Enrolled { get; set; }

        public DeviceView Device => Enrolled!.Device;

        public DrillPhone? Phone { get; set; }

        public DrillApp? App { get; set; }

        public string? SecondCode { get; set; }

        public Task<DrillPoll>? Poll { get; set; }

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
