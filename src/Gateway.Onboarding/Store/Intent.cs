using System.Collections.Immutable;
using System.Text.Json.Serialization;
using Gateway.Onboarding.Devices;
using Gateway.Onboarding.Members;

namespace Gateway.Onboarding.Store;

/// <summary>
/// One decision, written down before it is acted on. Together, in order, they are the history of the gateway: the state
/// is their result, the audit is their reading.
/// </summary>
[JsonDerivedType(typeof(MemberAdded), "member-added")]
[JsonDerivedType(typeof(MemberDropped), "member-dropped")]
[JsonDerivedType(typeof(AccountMade), "account-made")]
[JsonDerivedType(typeof(AdminAccountMade), "admin-account-made")]
[JsonDerivedType(typeof(AccountLockAsked), "account-lock-asked")]
[JsonDerivedType(typeof(AccountLockSet), "account-lock-set")]
[JsonDerivedType(typeof(MemberLeft), "member-left")]
[JsonDerivedType(typeof(AccountClosed), "account-closed")]
[JsonDerivedType(typeof(DeviceEnrolled), "device-enrolled")]
[JsonDerivedType(typeof(EnrolmentEnded), "enrolment-ended")]
[JsonDerivedType(typeof(HandshakeSeen), "handshake-seen")]
[JsonDerivedType(typeof(KeyCopied), "key-copied")]
[JsonDerivedType(typeof(GrantArmed), "grant-armed")]
[JsonDerivedType(typeof(SignInApproved), "sign-in-approved")]
[JsonDerivedType(typeof(GrantExpired), "grant-expired")]
[JsonDerivedType(typeof(GrantSpent), "grant-spent")]
[JsonDerivedType(typeof(GrantUsed), "grant-used")]
[JsonDerivedType(typeof(GrantReturned), "grant-returned")]
[JsonDerivedType(typeof(ResetUsed), "reset-used")]
[JsonDerivedType(typeof(ResetReturned), "reset-returned")]
[JsonDerivedType(typeof(LoginFailed), "login-failed")]
[JsonDerivedType(typeof(SessionOpened), "session-opened")]
[JsonDerivedType(typeof(SessionUsed), "session-used")]
[JsonDerivedType(typeof(SessionUnused), "session-unused")]
[JsonDerivedType(typeof(SessionEnded), "session-ended")]
[JsonDerivedType(typeof(SessionDeleted), "session-deleted")]
[JsonDerivedType(typeof(AdoptionOpened), "adoption-opened")]
[JsonDerivedType(typeof(AdoptionRefused), "adoption-refused")]
[JsonDerivedType(typeof(SessionAdopted), "session-adopted")]
[JsonDerivedType(typeof(TokenRefused), "token-refused")]
[JsonDerivedType(typeof(DeviceRevoked), "device-revoked")]
[JsonDerivedType(typeof(StepReached), "step-reached")]
[JsonDerivedType(typeof(EraseDelivered), "erase-delivered")]
[JsonDerivedType(typeof(QuarantineEnded), "quarantine-ended")]
[JsonDerivedType(typeof(Locked), "locked")]
[JsonDerivedType(typeof(Unlocked), "unlocked")]
[JsonDerivedType(typeof(StoreRestored), "store-restored")]
[JsonDerivedType(typeof(DeviceConfirmed), "device-confirmed")]
[JsonDerivedType(typeof(DeviceMarked), "device-marked")]
[JsonDerivedType(typeof(ConsoleLinkMade), "console-link-made")]
[JsonDerivedType(typeof(ConsoleSignedIn), "console-signed-in")]
[JsonDerivedType(typeof(ConsoleProved), "console-proved")]
[JsonDerivedType(typeof(ConsoleSignInFailed), "console-sign-in-failed")]
[JsonDerivedType(typeof(PasskeyAdded), "passkey-added")]
[JsonDerivedType(typeof(PasskeyUsed), "passkey-used")]
[JsonDerivedType(typeof(PasskeyRemoved), "passkey-removed")]
[JsonDerivedType(typeof(CodeSet), "code-set")]
[JsonDerivedType(typeof(CodeUsed), "code-used")]
[JsonDerivedType(typeof(CodeRemoved), "code-removed")]
[JsonDerivedType(typeof(DeviceRenamed), "device-renamed")]
[JsonDerivedType(typeof(MemberRenamed), "member-renamed")]
[JsonDerivedType(typeof(ResetSettled), "reset-settled")]
public abstract record Intent
{
    public required DateTimeOffset At { get; init; }

    /// <summary>It takes away, and opens nothing: it is stored also where the disk has no room for anything else.</summary>
    public virtual bool Shuts => false;
}

/// <summary>An intent about one device.</summary>
public abstract record DeviceIntent : Intent
{
    public required DeviceId Device { get; init; }
}

/// <summary>An intent about a member's account.</summary>
public abstract record MemberIntent(Localpart Localpart) : Intent;

/// <summary>The account will now be made on the homeserver, or taken over as it is (<c>--adopt</c>).</summary>
public sealed record MemberAdded(Localpart Localpart, string? DisplayName, bool Adopted) : MemberIntent(Localpart);

/// <summary>The homeserver did not make the account: nothing is left of the member.</summary>
public sealed record MemberDropped(Localpart Localpart) : MemberIntent(Localpart);

public sealed record AccountMade(Localpart Localpart) : MemberIntent(Localpart);

/// <summary>The homeserver has the gateway's own account, an administrator's.</summary>
public sealed record AdminAccountMade : Intent;

/// <summary>The homeserver will be asked to lock the account, or to unlock it, until it has confirmed.</summary>
public sealed record AccountLockAsked(Localpart Localpart, bool Locked) : MemberIntent(Localpart);

public sealed record AccountLockSet(Localpart Localpart, bool Locked) : MemberIntent(Localpart);

/// <summary>The member leaves; all devices were revoked in the same write.</summary>
public sealed record MemberLeft(Localpart Localpart, bool Erase, string By) : MemberIntent(Localpart)
{
    public override bool Shuts => true;
}

public sealed record AccountClosed(Localpart Localpart) : MemberIntent(Localpart)
{
    public override bool Shuts => true;
}

public sealed record DeviceEnrolled(Device Enrolled, string By) : Intent;

/// <summary>An enrolment that no handshake followed; its device and peer are no more.</summary>
public sealed record EnrolmentEnded(string Why) : DeviceIntent
{
    public override bool Shuts => true;
}

/// <summary>The first handshake: the device is connected and its grant's time starts.</summary>
public sealed record HandshakeSeen : DeviceIntent;

/// <summary>Two phones use the device's key at once: no new session is opened from it until it is revoked and enrolled anew.</summary>
public sealed record KeyCopied : DeviceIntent
{
    public override bool Shuts => true;
}

public sealed record GrantArmed(LoginGrant Grant) : DeviceIntent;

/// <summary>The admin saw the number that the device shows and let it sign in. The grant is spent when the app comes for it.</summary>
public sealed record SignInApproved(string GrantId, string Client, string By) : DeviceIntent;

/// <summary>Its time is over. Written down, so that no clock that is set back arms it again.</summary>
public sealed record GrantExpired(string GrantId) : DeviceIntent
{
    public override bool Shuts => true;
}

/// <summary>The homeserver will now be asked for this session: from here a revocation knows its ID.</summary>
public sealed record GrantSpent(string GrantId, string MatrixDeviceId, string? Client) : DeviceIntent;

/// <summary>The grant was spent on something else than a session: <paramref name="Purpose"/>, in words.</summary>
public sealed record GrantUsed(string GrantId, string Purpose) : DeviceIntent;

/// <summary>What it was spent on did not happen.</summary>
public sealed record GrantReturned(string GrantId) : DeviceIntent;

/// <summary>The session has made use of its right to replace the member's identity.</summary>
public sealed record ResetUsed(string MatrixDeviceId) : DeviceIntent;

/// <summary>It did not come to that.</summary>
public sealed record ResetReturned(string MatrixDeviceId, DateTimeOffset Until) : DeviceIntent;

/// <summary>The login did not succeed: the grant is armed again, and what the homeserver may have made will be deleted.</summary>
public sealed record LoginFailed(string MatrixDeviceId) : DeviceIntent
{
    public override bool Shuts => true;
}

public sealed record SessionOpened(string MatrixDeviceId, ImmutableArray<byte> TokenHash) : DeviceIntent;

/// <summary>The first request with the session's token.</summary>
public sealed record SessionUsed(string MatrixDeviceId) : DeviceIntent;

/// <summary>Nobody used the session: it will be deleted and its grant is given back, once.</summary>
public sealed record SessionUnused(string MatrixDeviceId) : DeviceIntent
{
    public override bool Shuts => true;
}

/// <summary>A logout, or the homeserver's own session list says that it is gone.</summary>
public sealed record SessionEnded(string MatrixDeviceId, string Why) : DeviceIntent
{
    public override bool Shuts => true;

    /// <summary>The homeserver has not heard of it yet: it is to be deleted there.</summary>
    public bool OnHomeserverToo { get; init; }
}

/// <summary>The homeserver has confirmed that a session which ended here is gone there too.</summary>
public sealed record SessionDeleted(string MatrixDeviceId) : DeviceIntent
{
    public override bool Shuts => true;
}

/// <summary>Until then one session from before the gateway may be taken over on this device.</summary>
public sealed record AdoptionOpened(DateTimeOffset Until, string By) : DeviceIntent;

/// <summary>The one token that was looked at is none to take over.</summary>
public sealed record AdoptionRefused(string Why) : DeviceIntent;

/// <summary>A session from before the gateway is this device's own from now on: its token works, and a revocation deletes it.</summary>
public sealed record SessionAdopted(string MatrixDeviceId, ImmutableArray<byte> TokenHash) : DeviceIntent;

/// <summary>This device used a token that was handed out to <paramref name="Owner"/>: it has leaked. Nothing changes by it.</summary>
public sealed record TokenRefused(DeviceId Owner) : DeviceIntent;

public sealed record DeviceRevoked(DeviceRevocation Revocation) : DeviceIntent
{
    public override bool Shuts => true;
}

public sealed record StepReached(RevocationStep Step) : DeviceIntent
{
    public override bool Shuts => !Step.IsOpen;
}

public sealed record EraseDelivered(string MatrixDeviceId) : DeviceIntent
{
    public override bool Shuts => true;
}

/// <summary>The quarantine is over: the peer goes.</summary>
public sealed record QuarantineEnded(RevocationStep EraseOrder) : DeviceIntent
{
    public override bool Shuts => true;
}

public sealed record Locked(string By) : Intent
{
    public override bool Shuts => true;
}

public sealed record Unlocked(string By) : Intent;

/// <summary>
/// The store was found to be a copy, put back: what was revoked since it was made is not in it. Everybody is locked out, and
/// each device that is live in it stays shut until the admin has confirmed that it was not lost meanwhile.
/// </summary>
public sealed record StoreRestored : Intent
{
    public override bool Shuts => true;
}

/// <summary>The admin says that this device was not lost since the copy was made.</summary>
public sealed record DeviceConfirmed(string By) : DeviceIntent;

/// <summary>The console in the tunnel is there for the device, as one of the admin's own, or no longer.</summary>
public sealed record DeviceMarked(bool Admin, string By) : DeviceIntent
{
    public override bool Shuts => !Admin;
}

public sealed record DeviceRenamed(string Name, string By) : DeviceIntent;

/// <summary>What others read beside the member's messages; the homeserver has it already.</summary>
public sealed record MemberRenamed(Localpart Localpart, string? DisplayName, string By) : MemberIntent(Localpart);

/// <summary>The admin says that the member has replaced identity and recovery key, or need not.</summary>
public sealed record ResetSettled(Localpart Localpart, string By) : MemberIntent(Localpart);
