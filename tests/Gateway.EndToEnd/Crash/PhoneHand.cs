using System.Net;
using System.Text.Json.Nodes;
using Gateway.EndToEnd.Lab;

namespace Gateway.EndToEnd.Crash;

/// <summary>A hand whose members use what they get: through a real tunnel and the members' listener they sign in, and show after each restart which codes and tokens open something.</summary>
internal sealed class PhoneHand(Hand hand, Handset phone, Warden warden)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <summary>A killed process says so to its connections once; where that packet is lost, nothing else does.</summary>
    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(5);

    private DeviceEntry? device;

    public async Task<bool> ActAsync(CancellationToken killed)
    {
        if (device is null || device.Ending == Ending.Cut || (device.Ending == Ending.Revoked && device.Sessions.Count == 0))
        {
            return await ChangeAsync();
        }

        return hand.Dice.Below(100) switch
        {
            < 70 when device is { Ending: Ending.None, Code: { } code } => await LoginAsync(device, code, killed),
            < 70 when device.Ending == Ending.None => await hand.ArmAsync(device),
            < 85 when device.Ending == Ending.None => await hand.RevokeAsync(device, cut: false),
            _ => await hand.RevokeAsync(device, cut: true),
        };
    }

    /// <summary>What the phone finds after a restart: sessions that were handed out, and codes that are used up.</summary>
    public async Task ProveAsync()
    {
        if (device is null || device.Ending == Ending.Cut)
        {
            return;
        }

        foreach (var token in device.Sessions.Values.Where(token => token.Length > 0).TakeLast(1))
        {
            var expected = (device.Ending, warden.IsCertainlyOpen) switch
            {
                // A lock comes first: while it lasts nobody is told to erase anything.
                (_, false) => "ServiceUnavailable",
                (Ending.None, true) => "OK",
                _ => "M_UNKNOWN_TOKEN",
            };
            await ProveAsync($"a token of {device.Id} ({device.Ending})", expected, () => MatrixAnswer.Request(HttpMethod.Get, "_matrix/client/v3/account/whoami", token));
        }

        if (warden.IsCertainlyOpen && device is { Ending: Ending.None, DeadCodes: [.., var dead] })
        {
            await ProveAsync($"a dead code of {device.Id}", "M_FORBIDDEN", () => LoginRequest(dead));
        }

        if (warden.IsCertainlyOpen && device is { Ending: Ending.Revoked, Sessions.Count: > 0, Code: { } code })
        {
            await ProveAsync($"the code of the revoked {device.Id}", "M_FORBIDDEN", () => LoginRequest(code));
        }
    }

    /// <summary>The listener comes a moment after the admin's socket, hence the patience; a live session told to erase itself is never a matter of patience.</summary>
    private async Task ProveAsync(string what, string expected, Func<HttpRequestMessage> ask)
    {
        try
        {
            await Until.ValueAsync(what, Patience, () => SayAsync(ask), said => said == expected || said == "M_UNKNOWN_TOKEN");
            var said = await SayAsync(ask);
            if (said != expected)
            {
                hand.Tally.Faults.Enqueue($"{what}: expected {expected}, the answer was {said}");
            }

            hand.Tally.Count($"proved by a phone: {expected}");
        }
        catch (TimeoutException e)
        {
            hand.Tally.Faults.Enqueue($"expected {expected}: {e.Message}");
        }
    }

    private async Task<string> SayAsync(Func<HttpRequestMessage> ask)
    {
        try
        {
            using var request = ask();
            using var silence = new CancellationTokenSource(Silence);
            var answer = await MatrixAnswer.ReadAsync(await phone.Http.SendAsync(request, silence.Token));
            return answer.ErrorCode is { Length: > 0 } code && answer.Status != HttpStatusCode.ServiceUnavailable ? code : answer.Status.ToString();
        }
        catch (Exception e) when (e is HttpRequestException or IOException or OperationCanceledException)
        {
            return e.GetType().Name;
        }
    }

    private async Task<bool> ChangeAsync()
    {
        var member = hand.NewMember();
        if (!await hand.EnrolAsync(member))
        {
            return false;
        }

        device = member.Devices.SingleOrDefault();
        if (device?.Config is { } config)
        {
            await phone.ScanAsync(config);
        }

        return true;
    }

    private Task<bool> LoginAsync(DeviceEntry at, string code, CancellationToken killed)
    {
        var (turns, open) = (warden.Turns, warden.IsCertainlyOpen);
        string? Opened(Snapshot now) => now.Find(at.Id)!.Sessions.Except(at.Sessions.Keys, StringComparer.Ordinal).SingleOrDefault();
        at.Code = null;
        at.MayHaveMore = true;
        var act = new Act("login", now => Opened(now) is not null, now =>
        {
            // Its token was handed to nobody.
            at.Sessions.Add(Opened(now)!, "");
            at.DeadCodes.Add(code);
        });
        return hand.TryAsync(act, async () =>
        {
            using var request = LoginRequest(code);
            var answer = await MatrixAnswer.ReadAsync(await phone.Http.SendAsync(request, killed));
            if (answer.Status == HttpStatusCode.OK)
            {
                at.Sessions.Add(answer.Json.GetProperty("device_id").GetString()!, answer.Json.GetProperty("access_token").GetString()!);
                at.DeadCodes.Add(code);
                hand.Tally.Answered("login");
            }
            else if (open && warden.IsCertainlyOpen && warden.Turns == turns)
            {
                hand.Tally.Faults.Enqueue($"the code of {at.Id} was acknowledged and does not open: {answer.Status} {answer.ErrorCode}");
            }
            else
            {
                // Shut out, or shut while it signed in: then the grant was given back.
                at.Code = code;
                hand.Tally.Count("login while locked");
            }
        });
    }

    private static HttpRequestMessage LoginRequest(string code)
    {
        var request = MatrixAnswer.Request(HttpMethod.Post, "_matrix/client/v3/login", null);
        request.Content = Phone.JsonContentOf(new JsonObject
        {
            ["type"] = "m.login.password",
            ["identifier"] = new JsonObject { ["type"] = "m.id.user", ["user"] = "whoever" },
            ["password"] = code,
        });
        return request;
    }
}
