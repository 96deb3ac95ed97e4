using System.Collections.Immutable;
using Gateway.Onboarding.Devices;
using Gateway.Onboarding.Members;
using Gateway.Onboarding.Store;

namespace Gateway.Onboarding.Revocation;

/// <summary>
/// The gate's side of a revocation: from its return no request of the device passes, and those that were open are
/// aborted. It works in memory alone and cannot fail.
/// </summary>
public delegate void ShutDoor(DeviceId device);

public abstract record RevokeResult
{
    private RevokeResult()
    {
    }

    /// <summary>The devices are blocked, durably. What is still open of each stands in its steps.</summary>
    public sealed record Revoked(IReadOnlyList<DeviceId> Devices) : RevokeResult;

    public sealed record Refused(Refusal Why) : RevokeResult;
}

/// <summary>
/// Path 4 of the design, the part that is waited for: denied in memory, open requests aborted, intent stored. The rest
/// (peer, Matrix sessions, erase order) is the work of <see cref="RevocationWorker"/>, which goes on across restarts.
/// </summary>
public sealed class Revoker(StateWriter writer, ShutDoor shutDoor, TimeProvider time)
{
    /// <summary>Ends one device. Revoking a quarantined one with <paramref name="cut"/> ends its quarantine.</summary>
    public RevokeResult RevokeDevice(string word, bool cut, string by)
    {
        var found = writer.Current.Find(word);
        var live = found.Where(device => device.IsLive || (cut && device.HasPeer)).ToList();
        if (live is not [var device])
        {
            return live.Count > 1
                ? new RevokeResult.Refused(new(RefusalKind.Conflict, $"'{word}' names {live.Count} devices", "use the device's ID (gateway devices)"))
                : found.Count > 0
                    ? new RevokeResult.Revoked([found[0].Id])
                    : new RevokeResult.Refused(new(RefusalKind.NotFound, $"there is no device '{word}'", "see 'gateway devices'"));
        }

        Revoke(_ => [device.Id], cut, by, also: []);
        return new RevokeResult.Revoked([device.Id]);
    }

    /// <summary>A member leaves: all devices and then the account, as one intent.</summary>
    public RevokeResult RevokeMember(string word, bool cut, bool erase, string by)
    {
        if (!Localpart.TryParse(word, null, out var localpart) || !writer.Current.Members.TryGetValue(localpart, out var member))
        {
            return new RevokeResult.Refused(new(RefusalKind.NotFound, $"there is no member '{word}'", "see 'gateway members'"));
        }

        if (localpart == Localpart.Drill)
        {
            // A name is not handed on, not even to the next drill.
            return new RevokeResult.Refused(new(RefusalKind.Conflict, $"'{localpart}' is the drill's and does not leave", "its devices end with each drill; a single one: gateway revoke <device> --cut"));
        }

        var devices = Revoke(
            state => [.. state.DevicesOf(localpart).Where(device => device.IsLive || (cut && device.HasPeer)).Select(device => device.Id)],
            cut,
            by,
            member.State == MemberState.Left ? [] : [new MemberLeft(localpart, erase, by) { At = time.GetUtcNow() }]);
        return new RevokeResult.Revoked(devices);
    }

    /// <summary>The end of every device that has a peer, for a state in which nothing runs: <see cref="RevocationWorker"/> does the rest once something does.</summary>
    public static IReadOnlyList<Intent> All(State state, string by, DateTimeOffset now) =>
        [.. state.Devices.Values.Where(device => device.HasPeer).Select(device => Revocation(device, cut: true, by, now, now))];

    /// <summary>Which devices is asked twice: first for their doors, and once more in the write, where no enrolment can come between.</summary>
    private IReadOnlyList<DeviceId> Revoke(Func<State, IReadOnlyList<DeviceId>> which, bool cut, string by, ImmutableArray<Intent> also)
    {
        var blocked = time.GetUtcNow();
        ShutDoors(which(writer.Current));
        var requestsCut = time.GetUtcNow();
        try
        {
            var devices = writer.Write<IReadOnlyList<DeviceId>>(state => which(state).Where(state.Devices.ContainsKey).ToList() is var now
                ? (now, [.. now.Select(id => Revocation(state.Devices[id], cut, by, blocked, requestsCut)), .. also])
                : default);
            ShutDoors(devices);
            return devices;
        }
        catch (StoreException e)
        {
            throw new StoreException(
                $"blocked, but only until the gateway is restarted: {e.Message}",
                "mend the disk, then revoke again: only then it is stored, and the sessions are deleted",
                e);
        }
    }

    private void ShutDoors(IEnumerable<DeviceId> devices)
    {
        foreach (var device in devices)
        {
            shutDoor(device);
        }
    }

    private static DeviceRevoked Revocation(Device device, bool cut, string by, DateTimeOffset blocked, DateTimeOffset requestsCut)
    {
        // A device that never signed in has nothing to erase.
        var nobodyToTell = !device.Sessions.Any(session => session.State != MatrixSessionState.Ended);
        return new DeviceRevoked(new DeviceRevocation
        {
            RequestedAt = blocked,
            RequestedBy = by,
            Cut = cut || nobodyToTell,
            Steps =
            [
                new(StepName.Blocked, StepState.Done, blocked, null),
                new(StepName.RequestsCut, StepState.Done, requestsCut, null),
                new(StepName.Peer, StepState.Waiting, blocked, cut || nobodyToTell ? "being removed" : "quarantined until the phone was told"),
                new(StepName.MatrixSessions, device.Sessions.IsEmpty ? StepState.Skipped : StepState.Waiting, blocked, device.Sessions.IsEmpty ? "it never signed in" : null),
                cut || nobodyToTell
                    ? new(StepName.EraseOrder, StepState.Skipped, blocked, nobodyToTell ? "it never signed in" : "cut without telling the phone")
                    : new(StepName.EraseOrder, StepState.Waiting, blocked, "waiting for the phone"),
            ],
        })
        { At = blocked, Device = device.Id };
    }
}
