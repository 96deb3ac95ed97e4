using System.Collections.Immutable;
using Gateway.Onboarding.Devices;
using Gateway.Onboarding.Matrix;
using Gateway.Onboarding.Members;
using Gateway.Onboarding.Store;
using Microsoft.Extensions.Logging;

namespace Gateway.Onboarding.Revocation;

/// <summary>
/// What a revocation does after the device is blocked. Each step may be repeated, looks at the state anew, and is done
/// only when the other side has confirmed it.
/// </summary>
public sealed partial class RevocationSteps(
    StateWriter writer,
    Homeserver homeserver,
    PeersApplied peersApplied,
    RevocationOptions options,
    SteadyClock time,
    ILogger<RevocationSteps> log) : IDisposable
{
    /// <summary>A login whose answer never came may still open its session at the homeserver for this long.</summary>
    private static readonly TimeSpan LoginMayArrive = TimeSpan.FromMinutes(2);

    private static readonly TimeSpan PeerPatience = TimeSpan.FromSeconds(5);

    /// <summary>
    /// Synapse brings a deleted session back, without a token, where one of its requests was still at work (an upload of keys,
    /// seen once): as long as one may be, what was done is looked at again.
    /// </summary>
    private static readonly TimeSpan RequestMayLinger = TimeSpan.FromSeconds(30);

    /// <summary>How many homeserver calls run at once: 200 phones should neither wait for each other nor trample Synapse.</summary>
    private readonly SemaphoreSlim _homeserverCalls = new(8);

    public void Dispose() => _homeserverCalls.Dispose();

    public async Task EndPeerAsync(DeviceId id, CancellationToken cancellationToken)
    {
        if (writer.Current.Devices.GetValueOrDefault(id) is not { Revocation: { } revocation } device || !revocation[StepName.Peer].IsOpen)
        {
            return;
        }

        if (device.Standing == Standing.Quarantined && !EndQuarantine(device, revocation))
        {
            return;
        }

        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(PeerPatience);
        var why = await peersApplied(writer.Current.Generation, patience.Token);
        Reach(id, StepName.Peer, why is null ? StepState.Done : StepState.Retrying, why is null ? null : $"not removed yet: {why}");
    }

    /// <summary>The peer goes once every session was told and the grace is over, or when the quarantine's days are.</summary>
    private bool EndQuarantine(Device device, DeviceRevocation revocation)
    {
        var now = time.GetUtcNow();
        var toTell = device.Sessions.Where(session => session.State != MatrixSessionState.Ended && !session.TokenHash.IsEmpty).ToList();
        if (toTell.Count == 0 && !device.Sessions.Any(session => session.State == MatrixSessionState.Opening))
        {
            writer.Write(new QuarantineEnded(new(StepName.EraseOrder, StepState.Skipped, now, "it never signed in")) { At = now, Device = device.Id });
            return true;
        }

        var told = toTell.Count > 0 && toTell.All(session => session.EraseDelivered is not null);
        var lastDelivery = told ? toTell.Max(session => session.EraseDelivered) : null;
        if (told && revocation[StepName.EraseOrder].IsOpen)
        {
            Reach(device.Id, StepName.EraseOrder, StepState.Done, null, lastDelivery);
        }

        // A lock keeps the order from the phone, so its time does not run out under one.
        if (writer.Current.LockedSince is not null)
        {
            return false;
        }

        if (lastDelivery is { } delivered && time.HasPassed(delivered, options.Grace))
        {
            writer.Write(new QuarantineEnded(new(StepName.EraseOrder, StepState.Done, delivered, null)) { At = now, Device = device.Id });
            return true;
        }

        if (time.HasPassed(revocation.RequestedAt, options.Quarantine))
        {
            var step = told
                ? new RevocationStep(StepName.EraseOrder, StepState.Done, lastDelivery!.Value, null)
                : new RevocationStep(StepName.EraseOrder, StepState.Expired, now, $"the phone did not come back within {options.QuarantineDays:0.##} days");
            writer.Write(new QuarantineEnded(step) { At = now, Device = device.Id });
            return true;
        }

        return false;
    }

    /// <summary>
    /// Deletes every session ever asked for through the device, and believes it only when the homeserver's own list no
    /// longer has them and no login can still arrive.
    /// </summary>
    public async Task EndSessionsAsync(DeviceId id, CancellationToken cancellationToken)
    {
        if (writer.Current.Devices.GetValueOrDefault(id) is not { Revocation: { } revocation } device || !MayHaveSessions(revocation))
        {
            return;
        }

        await _homeserverCalls.WaitAsync(cancellationToken);
        try
        {
            var left = revocation[StepName.MatrixSessions].IsOpen ? await DeleteAsync(device, cancellationToken) : await LeftAsync(device, cancellationToken);
            var arriving = device.Sessions.Any(session => session.OpenedAt is null && !time.IsOver(session.AskedAt, LoginMayArrive));
            if (left is not null || arriving)
            {
                Reach(device.Id, StepName.MatrixSessions, StepState.Retrying, left ?? "a login may still be under way", mayReopen: true);
            }
            else
            {
                Reach(device.Id, StepName.MatrixSessions, StepState.Done, null);
            }
        }
        catch (HomeserverException e) when (e.AccountClosed)
        {
            // Revoked once more after its member left: nothing is asked about a closed account, and nothing is left of it.
            Reach(device.Id, StepName.MatrixSessions, StepState.Done, "the account is closed");
        }
        catch (HomeserverException e)
        {
            Reach(device.Id, StepName.MatrixSessions, StepState.Retrying, e.Message);
        }
        finally
        {
            _homeserverCalls.Release();
        }
    }

    /// <summary>Not deleted yet, or so lately that one could come back.</summary>
    public bool MayHaveSessions(DeviceRevocation revocation) =>
        revocation[StepName.MatrixSessions] is var step && (step.IsOpen || (step.State == StepState.Done && !time.HasPassed(step.At, RequestMayLinger)));

    /// <summary>
    /// Deletes, looks, and deletes and looks once more: a login or a request that was at work meanwhile may have brought
    /// something. Null where the homeserver then has neither a session nor a pusher of the device's; else what is left.
    /// </summary>
    private async Task<string?> DeleteAsync(Device device, CancellationToken cancellationToken)
    {
        var ids = Ids(device);
        await homeserver.DeleteSessionsAsync(device.Member, ids, cancellationToken);
        if (await LeftAsync(device, cancellationToken) is { } left)
        {
            return left;
        }

        await homeserver.DeleteSessionsAsync(device.Member, ids, cancellationToken);
        return await LeftAsync(device, cancellationToken);
    }

    private async Task<string?> LeftAsync(Device device, CancellationToken cancellationToken)
    {
        var ids = Ids(device);
        var sessions = await homeserver.SessionsAsync(device.Member, cancellationToken);
        if (sessions.Intersect(ids, StringComparer.Ordinal).Count() is > 0 and var left)
        {
            return $"{left} not deleted yet";
        }

        // Pushers go with their session. One that does not say whose it is, is known for ours only where nobody else's can be.
        var pushers = await homeserver.PushersAsync(device.Member, cancellationToken);
        var ours = pushers.Where(pusher => pusher.MatrixDeviceId is { } id ? ids.Contains(id, StringComparer.Ordinal) : sessions.Count == 0).ToList();
        foreach (var pusher in ours)
        {
            await homeserver.DeletePusherAsync(device.Member, pusher, cancellationToken);
        }

        return ours.Count > 0 ? "a pusher was left" : null;
    }

    private static ImmutableArray<string> Ids(Device device) => [.. device.Sessions.Select(session => session.MatrixDeviceId)];

    /// <summary>The last step of a member's leaving, once no session is left: the homeserver answers nothing about a closed account's.</summary>
    public async Task CloseAccountAsync(Member member, CancellationToken cancellationToken)
    {
        if (writer.Current.DevicesOf(member.Localpart).Any(device => device.Revocation is { } revocation && revocation[StepName.MatrixSessions].IsOpen))
        {
            return;
        }

        try
        {
            await homeserver.DeactivateAsync(member.Localpart, member.Leaving!.Erase, cancellationToken);
            writer.Write(new AccountClosed(member.Localpart) { At = time.GetUtcNow() });
        }
        catch (HomeserverException e)
        {
            AccountOpen(member.Localpart, e.Message);
        }
    }

    /// <summary>Stores a step where it says something new; a reason that only repeats itself is not news.</summary>
    private void Reach(DeviceId id, string name, StepState state, string? detail, DateTimeOffset? at = null, bool mayReopen = false) =>
        writer.Write<bool>(now =>
        {
            var old = now.Devices.GetValueOrDefault(id)?.Revocation?[name];
            if (old is null || !(old.IsOpen || mayReopen) || (old.State == state && old.Detail == detail))
            {
                return (false, []);
            }

            var step = new RevocationStep(name, state, at ?? time.GetUtcNow(), detail);
            StepLogged(id, name, state, detail ?? "");
            return (true, [new StepReached(step) { At = time.GetUtcNow(), Device = id }]);
        });

    [LoggerMessage(Level = LogLevel.Information, Message = "Revocation of {Device}: {Step} is {State} {Detail}")]
    private partial void StepLogged(DeviceId device, string step, StepState state, string detail);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The account of {Member}, who left, is not closed yet: {Why}")]
    private partial void AccountOpen(Localpart member, string why);
}
