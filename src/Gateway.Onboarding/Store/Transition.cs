using Gateway.Onboarding.Devices;
using Gateway.Onboarding.Members;

namespace Gateway.Onboarding.Store;

/// <summary>
/// What each intent does to the state: pure, total, and the same when it is applied to a state that already shows it, so
/// that a replay after a crash is harmless. An intent about something that is gone changes nothing.
/// </summary>
public static class Transition
{
    /// <summary>Long enough to look for the recovery key first; short enough that a phone left lying does not keep the right.</summary>
    private static readonly TimeSpan ResetLifetime = TimeSpan.FromHours(24);

    public static State Apply(State state, Intent intent)
    {
        var next = intent switch
        {
            DeviceEnrolled enrolled => state with { Devices = state.Devices.Set(enrolled.Enrolled) },
            EnrolmentEnded ended => OnEnrolmentEnded(state, ended),
            DeviceIntent change => MemberTransition.AfterDevice(state, OnDevice(state, change), change),
            Locked locked => state with { LockedSince = state.LockedSince ?? locked.At },
            Unlocked => state with { LockedSince = null },
            StoreRestored restored => state with
            {
                LockedSince = state.LockedSince ?? restored.At,
                Devices = DeviceTable.Of(state.Devices.Values.Select(device => device.IsLive ? device with { AwaitsConfirmation = true } : device)),
            },
            AdminAccountMade made => state with { AdminAccountSince = state.AdminAccountSince ?? made.At },
            ConsoleIntent console => state with { Console = ConsoleTransition.Apply(state.Console, console) },
            _ => OnMember(state, intent),
        };
        return next with { Generation = state.Generation + 1, LastAt = state.LastAt > intent.At ? state.LastAt : intent.At };
    }

    private static State OnMember(State state, Intent intent)
    {
        switch (intent)
        {
            case MemberAdded added when state.Members.GetValueOrDefault(added.Localpart) is { State: MemberState.Left or MemberState.Active }:
                return state;
            case MemberAdded added:
                var member = new Member
                {
                    Localpart = added.Localpart,
                    DisplayName = added.DisplayName,
                    State = MemberState.AccountAsked,
                    Since = added.At,
                    Adopted = added.Adopted,
                    Leaving = null,
                };
                return state with { Members = state.Members.SetItem(member.Localpart, member) };
            case MemberDropped dropped:
                return state.Members.GetValueOrDefault(dropped.Localpart) is { State: MemberState.AccountAsked }
                    ? state with { Members = state.Members.Remove(dropped.Localpart) }
                    : state;
            case AccountMade made:
                return MemberTransition.With(state, made.Localpart, OnAccountMade);
            case AccountLockAsked asked:
                return MemberTransition.With(state, asked.Localpart, old => old.State == MemberState.Active
                    ? old with { Lock = new AccountLock(asked.Locked, asked.At, Confirmed: false) }
                    : old);
            case AccountLockSet set:
                return MemberTransition.With(state, set.Localpart, old => old.Lock is { } wish && wish.Locked == set.Locked ? old with { Lock = wish with { Confirmed = true } } : old);
            case MemberLeft left:
                return MemberTransition.With(state, left.Localpart, old => OnLeft(old, left));
            case AccountClosed closed:
                return MemberTransition.With(state, closed.Localpart, old => old with { Leaving = old.Leaving! with { ClosedAt = closed.At } });
            default:
                return MemberTransition.Apply(state, intent);
        }
    }

    /// <summary>Heard of only after its member left: then it is to be closed all the same.</summary>
    private static Member OnAccountMade(Member member) => member.State switch
    {
        MemberState.AccountAsked => member with { State = MemberState.Active },
        MemberState.Left => member with { Leaving = member.Leaving! with { ClosedAt = null } },
        _ => member,
    };

    /// <summary>An account that we never heard of may be a stranger's: it is not ours to close.</summary>
    private static Member OnLeft(Member member, MemberLeft left) => member with
    {
        State = MemberState.Left,
        Leaving = member.Leaving ?? new Leaving(left.At, left.Erase, ClosedAt: member.State == MemberState.AccountAsked ? left.At : null),
    };

    private static State OnEnrolmentEnded(State state, EnrolmentEnded ended) =>
        state.Devices.TryGetValue(ended.Device, out var device) && device.FirstHandshake is null
            ? state with { Devices = state.Devices.Remove(ended.Device) }
            : state;

    private static State OnDevice(State state, DeviceIntent intent) =>
        state.Devices.TryGetValue(intent.Device, out var device)
            ? state with { Devices = state.Devices.Set(OnDevice(device, intent)) }
            : state;

    private static Device OnDevice(Device device, DeviceIntent intent) => intent switch
    {
        HandshakeSeen seen => OnHandshake(device, seen),
        KeyCopied copied => OnKeyCopied(device, copied),
        GrantArmed armed => device.MaySignIn ? device with { Grant = armed.Grant } : device,
        SignInApproved or TokenRefused => device,
        DeviceConfirmed => device with { AwaitsConfirmation = false },
        DeviceMarked marked => device with { IsAdmin = marked.Admin && device.MaySignIn },
        GrantSpent spent => OnGrantSpent(device, spent),
        GrantExpired expired => device.Grant is { State: GrantState.Armed } grant && grant.Id == expired.GrantId
            ? device with { Grant = grant with { State = GrantState.Expired } }
            : device,
        GrantUsed used => device.Grant is { State: GrantState.Armed } grant && grant.Id == used.GrantId ? device with { Grant = grant with { State = GrantState.Spent } } : device,
        GrantReturned returned => device is { MaySignIn: true, Grant: { State: GrantState.Spent } grant } && grant.Id == returned.GrantId
            ? device with { Grant = grant with { State = GrantState.Armed } }
            : device,
        ResetUsed used => With(device, used.MatrixDeviceId, session => session with { MayResetUntil = null }),
        ResetReturned returned => With(device, returned.MatrixDeviceId, session => session with { MayResetUntil = returned.Until }),
        LoginFailed failed => End(GiveBack(device, failed.MatrixDeviceId, once: false), failed.MatrixDeviceId, failed.At, loggedOut: false, toDelete: true),
        SessionOpened opened => With(device, opened.MatrixDeviceId, session => session.State == MatrixSessionState.Opening
            ? session with { State = MatrixSessionState.Open, OpenedAt = opened.At, TokenHash = opened.TokenHash }
            : session),
        AdoptionOpened opened => device.IsLive ? device with { AdoptsUntil = opened.Until } : device,
        AdoptionRefused => device with { AdoptsUntil = null },
        SessionAdopted adopted => OnAdopted(device, adopted),
        SessionUsed used => With(device, used.MatrixDeviceId, session => session with { FirstUsed = session.FirstUsed ?? used.At }),
        SessionUnused unused => End(GiveBack(device, unused.MatrixDeviceId, once: true), unused.MatrixDeviceId, unused.At, loggedOut: false, toDelete: true),
        SessionEnded ended => End(device, ended.MatrixDeviceId, ended.At, loggedOut: true, toDelete: ended.OnHomeserverToo),
        SessionDeleted deleted => With(device, deleted.MatrixDeviceId, session => session with { ToDelete = false }),
        DeviceRevoked revoked => OnRevoked(device, revoked),
        StepReached reached => device.Revocation is { } revocation ? device with { Revocation = revocation.With(reached.Step) } : device,
        EraseDelivered delivered => With(device, delivered.MatrixDeviceId, session => session with { EraseDelivered = session.EraseDelivered ?? delivered.At }),
        QuarantineEnded ended => device.Revocation is { } revocation
            ? device with { Standing = Standing.Refused, Revocation = revocation.With(ended.EraseOrder) }
            : device,
        _ => MemberTransition.OnDevice(device, intent),
    };

    private static Device OnHandshake(Device device, HandshakeSeen seen) =>
        device.FirstHandshake is not null
            ? device
            : device with
            {
                FirstHandshake = seen.At,
                Grant = device.Grant is { State: GrantState.Armed } grant ? grant with { ExpiresAt = seen.At + grant.Lifetime } : device.Grant,
            };

    private static Device OnKeyCopied(Device device, KeyCopied copied) =>
        !device.MaySignIn
            ? device
            : device with
            {
                IsAdmin = false,
                KeyCopiedAt = copied.At,
                Grant = device.Grant is { State: GrantState.Armed } grant ? grant with { State = GrantState.Cancelled } : device.Grant,
            };

    private static Device OnGrantSpent(Device device, GrantSpent spent) =>
        device.Grant is not { State: GrantState.Armed } grant || grant.Id != spent.GrantId
            ? device
            : device with
            {
                // Nobody asks through the tunnel without a handshake, seen or not: this is no enrolment that ends by itself.
                FirstHandshake = device.FirstHandshake ?? spent.At,
                Grant = grant with { State = GrantState.Spent, ExpiresAt = grant.ExpiresAt ?? spent.At + grant.Lifetime },
                Sessions =
                [
                    .. device.Sessions.Where(session => session.MatrixDeviceId != spent.MatrixDeviceId),
                    new MatrixSession
                    {
                        MatrixDeviceId = spent.MatrixDeviceId,
                        State = MatrixSessionState.Opening,
                        GrantId = spent.GrantId,
                        AskedAt = spent.At,
                        OpenedAt = null,
                        FirstUsed = null,
                        EndedAt = null,
                        LoggedOut = false,
                        ToDelete = false,
                        TokenHash = [],
                        Client = spent.Client,
                        EraseDelivered = null,
                        MayResetUntil = grant.ArmsReset ? spent.At + ResetLifetime : null,
                    },
                ],
            };

    private static Device OnAdopted(Device device, SessionAdopted adopted) =>
        device.Sessions.Any(session => session.MatrixDeviceId == adopted.MatrixDeviceId)
            ? device
            : device with
            {
                FirstHandshake = device.FirstHandshake ?? adopted.At,
                AdoptsUntil = null,
                Sessions =
                [
                    .. device.Sessions,
                    new MatrixSession
                    {
                        MatrixDeviceId = adopted.MatrixDeviceId,
                        State = MatrixSessionState.Open,
                        GrantId = "",
                        AskedAt = adopted.At,
                        OpenedAt = adopted.At,
                        FirstUsed = adopted.At,
                        EndedAt = null,
                        LoggedOut = false,
                        ToDelete = false,
                        TokenHash = adopted.TokenHash,
                        Client = null,
                        EraseDelivered = null,
                    },
                ],
            };

    /// <summary>A revocation keeps the sessions as they stand: their tokens are how the phone is recognised and told.</summary>
    private static Device OnRevoked(Device device, DeviceRevoked revoked) =>
        !device.IsLive && !revoked.Revocation.Cut
            ? device
            : device with
            {
                Standing = revoked.Revocation.Cut ? Standing.Refused : Standing.Quarantined,
                Grant = device.Grant is { State: GrantState.Armed } grant ? grant with { State = GrantState.Cancelled } : device.Grant,
                AdoptsUntil = null,
                Revocation = revoked.Revocation,
            };

    private static Device End(Device device, string matrixDeviceId, DateTimeOffset at, bool loggedOut, bool toDelete) =>
        With(device, matrixDeviceId, session => session.State == MatrixSessionState.Ended
            ? session
            : session with { State = MatrixSessionState.Ended, EndedAt = at, LoggedOut = loggedOut, ToDelete = toDelete });

    /// <summary>
    /// Arms the grant that this session was spent on anew, for this device alone: always where the homeserver failed,
    /// once where nobody used what it opened. A session that ended before gives nothing back a second time.
    /// </summary>
    private static Device GiveBack(Device device, string matrixDeviceId, bool once) =>
        device is { MaySignIn: true, Grant: { State: GrantState.Spent } grant } && !(once && grant.GivenBack)
        && device.Sessions.Any(session => session.MatrixDeviceId == matrixDeviceId && session.GrantId == grant.Id && session.State != MatrixSessionState.Ended)
            ? device with { Grant = grant with { State = GrantState.Armed, GivenBack = grant.GivenBack || once } }
            : device;

    private static Device With(Device device, string matrixDeviceId, Func<MatrixSession, MatrixSession> change) =>
        device with
        {
            Sessions = [.. device.Sessions.Select(session => session.MatrixDeviceId == matrixDeviceId ? change(session) : session)],
        };
}
