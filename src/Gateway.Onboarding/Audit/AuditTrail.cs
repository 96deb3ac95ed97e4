using Gateway.Onboarding.Devices;
using Gateway.Onboarding.Store;

namespace Gateway.Onboarding.Audit;

/// <summary>One line of the audit. No addresses of the Internet, no tokens, nothing of what anybody wrote.</summary>
public sealed record AuditEntry(long Number, DateTimeOffset At, string Action, string? Member, string? Device, string? Detail);

/// <summary>The history as the admin reads it: the stored intents, put into words.</summary>
public static class AuditTrail
{
    public static IReadOnlyList<AuditEntry> Read(StoreFile store, State state) =>
        [.. store.ReadIntents().Select(stored => Entry(stored.Number, stored.Intent, state))];

    private static AuditEntry Entry(long number, Intent intent, State state)
    {
        var device = intent is DeviceIntent about ? state.Devices.GetValueOrDefault(about.Device) : (intent as DeviceEnrolled)?.Enrolled;
        var (action, member, detail) = Words(intent, state);
        return new(number, intent.At, action, member ?? device?.Member.ToString(), device?.Label ?? (intent as DeviceIntent)?.Device.ToString(), detail);
    }

    private static (string Action, string? Member, string? Detail) Words(Intent intent, State state) => intent switch
    {
        MemberAdded added => ("member added", added.Localpart.ToString(), added.Adopted ? "existing account taken over" : null),
        MemberDropped dropped => ("member not made", dropped.Localpart.ToString(), null),
        AccountMade made => ("account ready", made.Localpart.ToString(), null),
        AdminAccountMade => ("gateway's own account ready", null, null),
        AccountLockAsked asked => (asked.Locked ? "account to be locked" : "account to be unlocked", asked.Localpart.ToString(), asked.Locked ? "nobody used it" : null),
        AccountLockSet set => (set.Locked ? "account locked" : "account unlocked", set.Localpart.ToString(), null),
        MemberLeft left => ("member left", left.Localpart.ToString(), $"by {left.By}; messages {(left.Erase ? "erased" : "kept")}"),
        AccountClosed closed => ("account closed", closed.Localpart.ToString(), null),
        DeviceEnrolled enrolled => ("device enrolled", null, $"by {enrolled.By}"),
        EnrolmentEnded ended => ("enrolment ended", null, ended.Why),
        HandshakeSeen => ("first handshake", null, null),
        KeyCopied => ("key copied", null, "two phones use it at once; it may not sign in until it is enrolled anew"),
        GrantArmed armed => ("login armed", null, $"by {armed.Grant.ArmedBy}"),
        SignInApproved approved => ("sign-in approved", null, $"{approved.Client}, by {approved.By}"),
        GrantExpired => ("login grant expired", null, null),
        GrantSpent spent => ("login grant used", null, spent.Client),
        GrantUsed used => (used.Purpose, null, "with a login grant"),
        GrantReturned => ("login grant given back", null, "what it was for did not happen"),
        ResetUsed used => ("identity reset", null, $"{used.MatrixDeviceId}, after a lost device"),
        ResetReturned returned => ("identity not reset", null, returned.MatrixDeviceId),
        LoginFailed => ("login failed", null, null),
        SessionOpened opened => ("signed in", null, $"{Client(state, opened)}, session {opened.MatrixDeviceId}"),
        SessionUsed used => ("session in use", null, used.MatrixDeviceId),
        SessionUnused unused => ("session never used", null, unused.MatrixDeviceId),
        SessionEnded ended => ("session ended", null, $"{ended.MatrixDeviceId}: {ended.Why}"),
        SessionDeleted deleted => ("session deleted", null, deleted.MatrixDeviceId),
        AdoptionOpened opened => ("session adoption opened", null, $"by {opened.By}"),
        AdoptionRefused refused => ("session not adopted", null, refused.Why),
        SessionAdopted adopted => ("session adopted", null, adopted.MatrixDeviceId),
        TokenRefused refused => ("another device's token refused", null, $"it belongs to {state.Devices.GetValueOrDefault(refused.Owner)?.Label ?? refused.Owner.ToString()}"),
        DeviceRevoked revoked => ("device revoked", null, $"by {revoked.Revocation.RequestedBy}{(revoked.Revocation.Cut ? ", cut" : "")}"),
        StepReached reached => ($"revocation: {reached.Step.Name}", null, Step(reached.Step)),
        EraseDelivered delivered => ("erase order delivered", null, delivered.MatrixDeviceId),
        QuarantineEnded ended => ("quarantine ended", null, Step(ended.EraseOrder)),
        Locked locked => ("locked", null, $"by {locked.By}"),
        Unlocked unlocked => ("unlocked", null, $"by {unlocked.By}"),
        StoreRestored => ("store restored from a copy", null, "everybody is locked out until the devices are confirmed"),
        DeviceConfirmed confirmed => ("device confirmed", null, $"by {confirmed.By}, after the store was restored"),
        _ => throw new ArgumentOutOfRangeException(nameof(intent), intent.GetType().Name, "No words for this intent."),
    };

    /// <summary>The app that the session was opened for.</summary>
    private static string Client(State state, SessionOpened opened) =>
        state.Devices.GetValueOrDefault(opened.Device)?.Sessions.FirstOrDefault(session => session.MatrixDeviceId == opened.MatrixDeviceId)?.Client ?? "an app without a name";

    private static string Step(RevocationStep step) =>
        step.State.ToString().ToLowerInvariant() + (step.Detail is null ? "" : $": {step.Detail}");
}
