using System.Globalization;
using System.Text;
using Gateway.Onboarding.Devices;
using Gateway.Onboarding.Keys;
using Gateway.Onboarding.Matrix;
using Gateway.Onboarding.Store;

namespace Gateway.Onboarding.LoginGrants;

/// <summary>
/// What a client asked for: its own device ID if it has one, and the name that it gives itself. <see cref="Insists"/>: it
/// will go on with that ID and no other (OAuth, where the ID is part of the scope).
/// </summary>
public sealed record LoginWish(string? MatrixDeviceId, string? Client, bool Insists = false)
{
    /// <summary>Synapse's own limit for the name of a session (MAX_DEVICE_DISPLAY_NAME_LEN).</summary>
    private const int LongestName = 100;

    /// <summary>As the client calls itself, in one line of what can be seen: the admin reads it on a terminal, the member's other apps in a list.</summary>
    public string? Client { get; } = Client is null ? null : Seen(Client);

    private static string Seen(string name)
    {
        var seen = string.Concat(name.EnumerateRunes().Where(rune => Rune.GetUnicodeCategory(rune) is not (
            UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator
            or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned))).Trim();
        return seen.Length <= LongestName ? seen : seen[..(char.IsHighSurrogate(seen[LongestName - 1]) ? LongestName - 1 : LongestName)];
    }
}

public abstract record LoginResult
{
    private LoginResult()
    {
    }

    public sealed record Opened(string UserId, string MatrixDeviceId, AccessToken Token) : LoginResult;

    /// <summary>The proof opens no armed grant of this device: wrong, expired, spent, another device's.</summary>
    public sealed record NotProved : LoginResult;

    /// <summary>The client insists on a device ID that is somebody else's. Nothing was spent.</summary>
    public sealed record IdTaken : LoginResult;

    public sealed record Unavailable(string Why) : LoginResult;
}

/// <summary>
/// Path 2 of the design, from the proof on: the grant is spent and the Matrix device ID stored in one write before the
/// homeserver is asked; the device is looked at again before anything is handed out. Whatever happens in between, every
/// ID that may exist on the homeserver is in the store.
/// </summary>
public sealed class Logins(StateWriter writer, Homeserver homeserver, TokenHasher hasher, Entropy entropy, TimeProvider time)
{
    private const string MatrixDeviceIdAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

    /// <summary>The grant that <paramref name="proof"/> would open now, or null. Spends nothing.</summary>
    public LoginGrant? Find(DeviceId deviceId, LoginProof proof) => Find(writer.Current, deviceId, proof);

    /// <summary>The grant of the device that is armed now, or null.</summary>
    public LoginGrant? Armed(DeviceId deviceId) => Armed(writer.Current, deviceId);

    /// <summary>The admin's word for the sign-in that waits on this device, written down. Null where no grant is armed.</summary>
    public LoginProof? Approve(DeviceId deviceId, string client, string by) =>
        writer.Write<LoginProof?>(state => Armed(state, deviceId) is { } grant
            ? (new LoginProof.Approval(grant.Id), [new SignInApproved(grant.Id, client, by) { At = time.GetUtcNow(), Device = deviceId }])
            : (null, []));

    public async Task<LoginResult> LoginAsync(DeviceId deviceId, LoginProof proof, LoginWish wish, CancellationToken cancellationToken)
    {
        // Looked at once before the homeserver is asked anything: a guess costs it nothing.
        if (Find(deviceId, proof) is null)
        {
            return new LoginResult.NotProved();
        }

        var chosen = await ChooseIdAsync(deviceId, wish.MatrixDeviceId, cancellationToken);
        if (wish.Insists && chosen != wish.MatrixDeviceId)
        {
            return new LoginResult.IdTaken();
        }

        if (Spend(deviceId, proof, chosen, wish) is not var (device, matrixDeviceId))
        {
            return new LoginResult.NotProved();
        }

        AccessToken token;
        try
        {
            // A client that hangs up does not stop this: the homeserver may have acted, and the answer must be recorded.
            token = await homeserver.LoginAsync(device.Member, matrixDeviceId, wish.Client, CancellationToken.None);
        }
        catch (HomeserverException e)
        {
            writer.Write(new LoginFailed(matrixDeviceId) { At = time.GetUtcNow(), Device = deviceId });
            return new LoginResult.Unavailable(e.Message);
        }

        return Record(deviceId, matrixDeviceId, token)
            ? new LoginResult.Opened(homeserver.ServerName.UserId(device.Member), matrixDeviceId, token)
            : new LoginResult.Unavailable("the device was shut while it signed in");
    }

    /// <summary>Binds the token to the device, if that is still as it was; else what was opened will be deleted.</summary>
    private bool Record(DeviceId deviceId, string matrixDeviceId, AccessToken token)
    {
        var hash = hasher.Hash(Encoding.UTF8.GetBytes(token.Reveal()));
        return writer.Write<bool>(state =>
            state.Devices.TryGetValue(deviceId, out var now)
            && now.MaySignIn
            && state.LockedSince is null
            && now.Sessions.Any(session => session.MatrixDeviceId == matrixDeviceId && session.State == MatrixSessionState.Opening)
                ? (true, [new SessionOpened(matrixDeviceId, [.. hash]) { At = time.GetUtcNow(), Device = deviceId }])
                : (false, [new LoginFailed(matrixDeviceId) { At = time.GetUtcNow(), Device = deviceId }]));
    }

    private LoginGrant? Armed(State state, DeviceId deviceId) =>
        state.LockedSince is null
        && state.Devices.TryGetValue(deviceId, out var device)
        && device is { MaySignIn: true, Grant: { } grant }
        && grant.IsArmed(time.GetUtcNow())
            ? grant
            : null;

    private LoginGrant? Find(State state, DeviceId deviceId, LoginProof proof) =>
        Armed(state, deviceId) is { } grant && proof.Opens(grant, hasher) ? grant : null;

    /// <summary>Check and spend are one write: of any number of tries at once, one finds the grant armed.</summary>
    private (Device Device, string MatrixDeviceId)? Spend(DeviceId deviceId, LoginProof proof, string chosen, LoginWish wish) =>
        writer.Write<(Device, string)?>(state =>
        {
            if (Find(state, deviceId, proof) is not { } grant || !state.Devices.TryGetValue(deviceId, out var device))
            {
                return (null, []);
            }

            var free = IsFree(state, device, chosen);
            if (!free && wish.Insists)
            {
                return (null, []);
            }

            var matrixDeviceId = free ? chosen : entropy.Word(MatrixDeviceIdAlphabet, 10);
            return ((device, matrixDeviceId), [new GrantSpent(grant.Id, matrixDeviceId, wish.Client) { At = time.GetUtcNow(), Device = deviceId }]);
        });

    /// <summary>Neither another device's, perhaps since this very moment, nor about to be deleted, or opened already.</summary>
    private static bool IsFree(State state, Device device, string matrixDeviceId) =>
        !state.DevicesOf(device.Member).Any(other => other.Sessions.Any(session => session.MatrixDeviceId == matrixDeviceId
            && (other.Id != device.Id || session.ToDelete || session.State == MatrixSessionState.Opening)));

    /// <summary>
    /// The ID that the client wishes, if it is this device's own or nobody's; else a fresh one. So nobody can name
    /// another's session and take it over.
    /// </summary>
    private async Task<string> ChooseIdAsync(DeviceId deviceId, string? wish, CancellationToken cancellationToken)
    {
        var state = writer.Current;
        if (wish is not null && MatrixSession.IsPlainId(wish) && state.Devices.TryGetValue(deviceId, out var device))
        {
            var owner = state.DevicesOf(device.Member).FirstOrDefault(other => other.Sessions.Any(session => session.MatrixDeviceId == wish));
            if (owner?.Id == deviceId || (owner is null && await IsUnknownAsync(device, wish, cancellationToken)))
            {
                return wish;
            }
        }

        return entropy.Word(MatrixDeviceIdAlphabet, 10);
    }

    private async Task<bool> IsUnknownAsync(Device device, string matrixDeviceId, CancellationToken cancellationToken)
    {
        try
        {
            var known = await homeserver.SessionsAsync(device.Member, cancellationToken);
            return !known.Contains(matrixDeviceId);
        }
        catch (HomeserverException)
        {
            return false;
        }
    }
}
