using System.Collections.Immutable;
using Gateway.Onboarding.Devices;
using Gateway.Onboarding.Keys;
using Gateway.Onboarding.Matrix;
using Gateway.Onboarding.Store;

namespace Gateway.Onboarding.LoginGrants;

public abstract record AdoptionResult
{
    private AdoptionResult()
    {
    }

    public sealed record Opened(Device Device, DateTimeOffset Until) : AdoptionResult;

    public sealed record Refused(Refusal Why) : AdoptionResult;
}

/// <summary>
/// Takes over a session from before the gateway, on a device of an account that was adopted: the admin opens a window, and the
/// next token that the device uses and that we do not know is asked of the homeserver and bound to the device. One token
/// per window, whatever comes of it; what the homeserver does not answer uses nothing up.
/// </summary>
public sealed class SessionAdoption(StateWriter writer, Homeserver homeserver, TokenHasher hasher, LoginOptions options, TimeProvider time)
{
    public AdoptionResult Open(string word, string by) =>
        writer.Write<AdoptionResult>(state =>
        {
            if (state.Find(word) is not [{ IsLive: true } device])
            {
                return (Refuse(RefusalKind.NotFound, $"there is no live device '{word}'", "see 'gateway devices'"), []);
            }

            if (!state.Members[device.Member].Adopted)
            {
                return (Refuse(RefusalKind.Conflict, $"{device.Member}'s account was made here: it has no session from before", $"a new sign-in: gateway allow-login {device.Label}"), []);
            }

            var now = time.GetUtcNow();
            var until = now + options.Lifetime;
            return (new AdoptionResult.Opened(device, until), ImmutableArray.Create<Intent>(new AdoptionOpened(until, by) { At = now, Device = device.Id }));
        });

    /// <summary>Whether the token is bound to the device now. Throws <see cref="HomeserverException"/> where the homeserver does not say whose it is.</summary>
    public async Task<bool> TryAsync(DeviceId id, AccessToken token, CancellationToken cancellationToken)
    {
        var hash = hasher.Hash(System.Text.Encoding.UTF8.GetBytes(token.Reveal())).ToImmutableArray();

        // Between two writes: where another request with this token was faster, what it opened is there for everybody to see.
        var (isBound, open) = writer.Write(state => ((IsBound(state, id, hash), IsOpenTo(state, id, hash)), ImmutableArray<Intent>.Empty));
        if (open is not { } device)
        {
            return isBound;
        }

        var (userId, matrixDeviceId) = await homeserver.WhoAmIAsync(device.TunnelAddress, token, cancellationToken);
        return writer.Write<bool>(state =>
        {
            if (IsOpenTo(state, id, hash) is null)
            {
                return (IsBound(state, id, hash), []);
            }

            var at = time.GetUtcNow();
            return Fault(state, device, userId, matrixDeviceId) is { } fault
                ? (false, ImmutableArray.Create<Intent>(new AdoptionRefused(fault) { At = at, Device = id }))
                : (true, [new SessionAdopted(matrixDeviceId!, hash) { At = at, Device = id }]);
        });
    }

    private static bool IsBound(State state, DeviceId id, ImmutableArray<byte> hash) =>
        state.Devices.GetValueOrDefault(id)?.Sessions.Any(session => session.State == MatrixSessionState.Open && session.TokenHash.SequenceEqual(hash)) == true;

    /// <summary>The device, where its window is open and nobody has the token.</summary>
    private Device? IsOpenTo(State state, DeviceId id, ImmutableArray<byte> hash) =>
        state.LockedSince is null
        && state.Devices.GetValueOrDefault(id) is { IsLive: true } device
        && device.AdoptsUntil > time.GetUtcNow()
        && !state.Devices.Values.Any(other => other.Sessions.Any(session => session.TokenHash.SequenceEqual(hash)))
            ? device
            : null;

    private string? Fault(State state, Device device, string? userId, string? matrixDeviceId) =>
        userId != homeserver.ServerName.UserId(device.Member) ? "the token is another account's"
        : string.IsNullOrEmpty(matrixDeviceId) ? "the token belongs to no session"
        : state.DevicesOf(device.Member).Any(other => other.Sessions.Any(session => session.MatrixDeviceId == matrixDeviceId)) ? "the session was opened here"
        : null;

    private static AdoptionResult.Refused Refuse(RefusalKind kind, string what, string wayOut) => new(new Refusal(kind, what, wayOut));
}
