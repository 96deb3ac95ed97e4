using System.Globalization;
using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using Gateway.EndToEnd.Lab;

namespace Gateway.EndToEnd.Crash;

/// <summary>
/// One of several hands that work at the admin's socket at the same time, each on members of its own: so at a kill each
/// hand has at most one act that was not answered, and everything else of its ledger must stand after the restart.
/// </summary>
internal sealed class Hand(GatewayHost gateway, Dice dice, Tally tally, string name)
{
    private readonly List<MemberEntry> members = [];
    private Act? unanswered;
    private int named;

    public Dice Dice { get; } = dice;

    public Tally Tally { get; } = tally;

    public IReadOnlyList<MemberEntry> Members => members;

    /// <summary>Acts until it is told to stop, or an answer fails to come.</summary>
    public static async Task WorkAsync(Func<Task<bool>> actAsync, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested && await actAsync())
        {
        }
    }

    public Task<bool> ActAsync()
    {
        var present = members.Where(member => !member.Left).ToList();
        var live = present.SelectMany(member => member.Live).ToList();
        var waiting = present.SelectMany(member => member.Devices).Where(device => device.Ending == Ending.Revoked).ToList();
        return Dice.Below(100) switch
        {
            < 20 when live.Count > 0 => RevokeAsync(Dice.Pick(live), cut: Dice.Chance(0.5)),
            < 25 when waiting.Count > 0 => RevokeAsync(Dice.Pick(waiting), cut: true),
            < 33 when present.Count > 1 => DismissAsync(Dice.Pick(present), cut: Dice.Chance(0.5)),
            < 53 when live.Count > 0 => ArmAsync(Dice.Pick(live)),
            _ => EnrolAsync(present.Count > 0 && Dice.Chance(0.6) ? Dice.Pick(present) : NewMember()),
        };
    }

    /// <summary>Resolves what went unanswered, and compares the ledger with what is there.</summary>
    public IReadOnlyList<string> Settle(Snapshot now)
    {
        if (unanswered is { } act)
        {
            var isThere = act.IsThere(now);
            Tally.Count($"unanswered, then {(isThere switch { true => "there", false => "not there", _ => "perhaps there" })}: {act.What}");
            if (isThere == true)
            {
                act.Note(now);
            }
        }

        unanswered = null;
        return [.. members.SelectMany(member => member.Compare(now))];
    }

    public MemberEntry NewMember()
    {
        var member = new MemberEntry(string.Create(CultureInfo.InvariantCulture, $"{name}-m{++named}"));
        members.Add(member);
        return member;
    }

    public Task<bool> EnrolAsync(MemberEntry member)
    {
        var device = string.Create(CultureInfo.InvariantCulture, $"d{++named}");
        DeviceSeen? Seen(Snapshot now) => now.Devices.FirstOrDefault(one => one.Member == member.Name && one.Name == device);
        return AskAsync(
            new Act("enrol", now => Seen(now) is not null, now =>
            {
                member.Known = true;
                member.Devices.Add(new DeviceEntry(Seen(now)!));
            }),
            "v1/enrolments",
            new JsonObject { ["member"] = member.Name, ["device"] = device },
            json =>
            {
                member.Known = true;
                member.Devices.Add(new DeviceEntry(new DeviceSeen(json.GetProperty("device")))
                {
                    Config = json.GetProperty("config").GetString()!,
                    Code = json.GetProperty("loginCode").GetString()!,
                });
            });
    }

    public Task<bool> RevokeAsync(DeviceEntry device, bool cut)
    {
        var ending = cut ? Ending.Cut : Ending.Revoked;
        return AskAsync(
            new Act(
                cut ? "revoke --cut" : "revoke",
                now => now.Find(device.Id) is { HasRevocation: true } seen && (device.Ending == Ending.None || !seen.HasPeer),
                now => device.NoteRevocation(now.Find(device.Id)!, ending)),
            "v1/revocations",
            new JsonObject { ["device"] = device.Id, ["cut"] = cut },
            json => device.NoteRevocation(new DeviceSeen(json.EnumerateArray().Single()), ending));
    }

    public Task<bool> ArmAsync(DeviceEntry device)
    {
        // Whether the code was replaced cannot be seen; the audit's count says whether too many or too few were.
        var before = device.Code;
        device.Code = null;
        device.MayBeArmed++;
        return AskAsync(
            new Act("allow-login", _ => null, _ => { }),
            "v1/login-grants",
            new JsonObject { ["device"] = device.Id },
            json =>
            {
                device.MayBeArmed--;
                device.Armed++;
                device.Code = json.GetProperty("loginCode").GetString()!;
                if (before is not null)
                {
                    device.DeadCodes.Add(before);
                }
            });
    }

    /// <summary>Asks, with the act written down until it is answered. False where no answer came.</summary>
    public async Task<bool> TryAsync(Act act, Func<Task> askAsync)
    {
        unanswered = act;
        try
        {
            await askAsync();
        }
        catch (Exception e) when (e is HttpRequestException or IOException or JsonException or OperationCanceledException)
        {
            return false;
        }

        unanswered = null;
        return true;
    }

    private Task<bool> DismissAsync(MemberEntry member, bool cut)
    {
        void Note(Func<string, DeviceSeen?> find)
        {
            member.Left = true;
            foreach (var device in member.Devices.Where(device => device.Ending == Ending.None || (cut && device.Ending == Ending.Revoked)))
            {
                if (find(device.Id) is { } seen)
                {
                    device.NoteRevocation(seen, cut ? Ending.Cut : Ending.Revoked);
                }
                else if (device.Ending == Ending.None)
                {
                    Tally.Faults.Enqueue($"{member.Name} left, and {device.Id} is not among the revoked devices");
                }
            }
        }

        return !member.Known
            ? Task.FromResult(true)
            : AskAsync(
                new Act(cut ? "revoke --member --cut" : "revoke --member", now => now.Members.GetValueOrDefault(member.Name) is "leaving" or "left", now => Note(now.Find)),
                "v1/revocations",
                new JsonObject { ["member"] = member.Name, ["cut"] = cut },
                json =>
                {
                    var revoked = json.EnumerateArray().Select(one => new DeviceSeen(one)).ToDictionary(one => one.Id, StringComparer.Ordinal);
                    Note(revoked.GetValueOrDefault);
                });
    }

    private Task<bool> AskAsync(Act act, string target, JsonObject body, Action<JsonElement> note) => TryAsync(act, async () =>
    {
        var (status, json) = await gateway.TellAsync(HttpMethod.Post, target, body);
        if (status is HttpStatusCode.OK or HttpStatusCode.Created)
        {
            note(json);
            Tally.Answered(act.What);
        }
        else
        {
            Tally.Faults.Enqueue($"{act.What} {body.ToJsonString()} was refused: {json}");
        }
    });
}
