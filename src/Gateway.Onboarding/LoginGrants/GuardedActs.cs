using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Gateway.Onboarding.Devices;
using Gateway.Onboarding.Keys;
using Gateway.Onboarding.Matrix;
using Gateway.Onboarding.Store;

namespace Gateway.Onboarding.LoginGrants;

/// <summary>Who acts: a session of a device, with its own token, which the gate has checked.</summary>
public sealed record Actor(DeviceId Device, string MatrixDeviceId, AccessToken Token);

public abstract record ActResult
{
    private ActResult()
    {
    }

    /// <summary>The homeserver's own answer, to be passed on.</summary>
    public sealed record Answered(int Status, ReadOnlyMemory<byte> Json) : ActResult;

    /// <summary>It needs the admin's permission. <see cref="WrongCode"/>: a code was given, and does not open it.</summary>
    public sealed record NotPermitted(bool WrongCode) : ActResult;

    public sealed record Unavailable(string Why) : ActResult;
}

/// <summary>
/// What a member's app may do to the account only with the admin's permission, since accounts have no password to ask for:
/// replace the cross-signing identity, and end another session. The permission is an armed grant of the device, which is
/// spent, or its code; after a lost phone the new one may replace the identity once without. The act itself is done
/// as application service, for the user that our record names, once the client's own token has proved who it is.
/// </summary>
public sealed class GuardedActs(StateWriter writer, Homeserver homeserver, TokenHasher hasher, TimeProvider time)
{
    /// <summary>The first identity needs no permission, nor does the same once more: the homeserver says so itself (MSC3967).</summary>
    public async Task<ActResult> ReplaceIdentityAsync(Actor actor, JsonObject keys, LoginCode? code, CancellationToken cancellationToken)
    {
        try
        {
            if (writer.Current.Devices.GetValueOrDefault(actor.Device) is not { IsLive: true } device)
            {
                return new ActResult.Unavailable("the device was shut meanwhile");
            }

            keys.Remove("auth");
            var first = await homeserver.UploadIdentityAsync(device.TunnelAddress, actor.Token, keys, cancellationToken);
            if (!first.AsksForProof)
            {
                return new ActResult.Answered(first.Status, first.Json);
            }

            await CheckAsync(device, actor, cancellationToken);
            if (Take(actor, "identity reset", code, mayReset: true, also: []) is not { } permit)
            {
                return new ActResult.NotPermitted(code is not null);
            }

            // From here it happens, also if the client hangs up.
            return await DoAsync(permit, async () =>
            {
                var (status, json, _) = await homeserver.ReplaceIdentityAsync(device.Member, keys, CancellationToken.None);
                return new ActResult.Answered(status, json);
            });
        }
        catch (HomeserverException e)
        {
            return new ActResult.Unavailable(e.Message);
        }
    }

    /// <summary>A session may end itself: that is a logout. Any other needs the permission.</summary>
    public async Task<ActResult> EndSessionsAsync(Actor actor, IReadOnlyList<string> matrixDeviceIds, LoginCode? code, CancellationToken cancellationToken)
    {
        try
        {
            if (writer.Current.Devices.GetValueOrDefault(actor.Device) is not { IsLive: true } device)
            {
                return new ActResult.Unavailable("the device was shut meanwhile");
            }

            await CheckAsync(device, actor, cancellationToken);
            var ended = Ended(device, matrixDeviceIds);
            Permit? permit = null;
            if (matrixDeviceIds.All(id => id == actor.MatrixDeviceId))
            {
                writer.Write(ended);
            }
            else if (Take(actor, "end of another session", code, mayReset: false, ended) is { } taken)
            {
                permit = ended.IsEmpty ? taken : null;
            }
            else
            {
                return new ActResult.NotPermitted(code is not null);
            }

            var allAreOurs = ended.Length == matrixDeviceIds.Distinct(StringComparer.Ordinal).Count();
            return await DoAsync(permit, () => DeleteAsync(device, matrixDeviceIds, allAreOurs));
        }
        catch (HomeserverException e)
        {
            return new ActResult.Unavailable(e.Message);
        }
    }

    /// <summary>Those that are ours have ended already, and the homeserver is told again until it has confirmed; for others its answer counts.</summary>
    private async Task<ActResult> DeleteAsync(Device device, IReadOnlyList<string> matrixDeviceIds, bool allAreOurs)
    {
        try
        {
            await homeserver.DeleteSessionsAsync(device.Member, matrixDeviceIds, CancellationToken.None);
        }
        catch (HomeserverException) when (allAreOurs)
        {
        }

        return new ActResult.Answered(200, "{}"u8.ToArray());
    }

    /// <summary>Before the application service stands in: the client's own token must say what our record says.</summary>
    private async Task CheckAsync(Device device, Actor actor, CancellationToken cancellationToken)
    {
        var (userId, matrixDeviceId) = await homeserver.WhoAmIAsync(device.TunnelAddress, actor.Token, cancellationToken);
        if (userId != homeserver.ServerName.UserId(device.Member) || matrixDeviceId != actor.MatrixDeviceId)
        {
            throw new HomeserverException("the homeserver knows the token as somebody else's", happened: false);
        }
    }

    private async Task<ActResult> DoAsync(Permit? permit, Func<Task<ActResult>> act)
    {
        try
        {
            // Refused for what it says, it did not happen.
            var result = await act();
            if (result is ActResult.Answered { Status: >= 400 } && permit is not null)
            {
                writer.Write(permit.GiveBack with { At = time.GetUtcNow() });
            }

            return result;
        }
        catch (HomeserverException e) when (!e.Happened && permit is not null)
        {
            writer.Write(permit.GiveBack with { At = time.GetUtcNow() });
            return new ActResult.Unavailable(e.Message);
        }
    }

    /// <summary>The sessions of ours among them, on whichever of the member's devices; the homeserver is told again until it has confirmed.</summary>
    private ImmutableArray<Intent> Ended(Device device, IReadOnlyList<string> matrixDeviceIds) =>
    [
        .. writer.Current.DevicesOf(device.Member)
            .SelectMany(other => other.Sessions
                .Where(session => session.State == MatrixSessionState.Open && matrixDeviceIds.Contains(session.MatrixDeviceId, StringComparer.Ordinal))
                .Select(session => new SessionEnded(session.MatrixDeviceId, $"ended by the member, from {device.Name}")
                {
                    At = time.GetUtcNow(),
                    Device = other.Id,
                    OnHomeserverToo = true,
                })),
    ];

    /// <summary>Looks for a permission and spends it, in one write with what follows from it.</summary>
    private Permit? Take(Actor actor, string purpose, LoginCode? code, bool mayReset, ImmutableArray<Intent> also) =>
        writer.Write<Permit?>(state =>
        {
            var now = time.GetUtcNow();
            if (state.LockedSince is not null
                || state.Devices.GetValueOrDefault(actor.Device) is not { MaySignIn: true } device
                || device.Sessions.FirstOrDefault(one => one.MatrixDeviceId == actor.MatrixDeviceId) is not { State: MatrixSessionState.Open } session)
            {
                return (null, []);
            }

            if (mayReset && session.MayResetUntil is { } until && now < until)
            {
                var spent = new ResetUsed(actor.MatrixDeviceId) { At = now, Device = device.Id };
                return (new Permit(new ResetReturned(actor.MatrixDeviceId, until) { At = now, Device = device.Id }), [spent, .. also]);
            }

            return device.Grant is { } grant && grant.IsArmed(now) && (code is null || code.Matches(grant.CodeHash.AsSpan(), hasher))
                ? (new Permit(new GrantReturned(grant.Id) { At = now, Device = device.Id }), [new GrantUsed(grant.Id, purpose) { At = now, Device = device.Id }, .. also])
                : (null, []);
        });

    /// <summary>A permission that was spent, and how it is given back if the homeserver certainly did nothing.</summary>
    private sealed record Permit(DeviceIntent GiveBack);
}
