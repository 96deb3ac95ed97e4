using System.Text.RegularExpressions;
using Gateway.Onboarding.Devices;
using Gateway.Onboarding.Store;

namespace Gateway.Onboarding.Audit;

/// <summary>Puts an intent into words. They are the administrator's, English and fixed, and are never rendered again.</summary>
internal static partial class AuditWords
{
    /// <summary>What an app calls itself is the app's own choice, of any length.</summary>
    private const int MaxDetail = 200;

    /// <summary>The device's name stands in the state <paramref name="after"/> the write, or, where the intent removed it, in that <paramref name="before"/>.</summary>
    public static AuditEntry Entry(long number, Intent intent, State before, State after)
    {
        var device = intent switch
        {
            DeviceEnrolled enrolled => enrolled.Enrolled,
            DeviceIntent about => Find(about.Device),
            _ => null,
        };
        var (action, member, detail) = Words(intent, Find);
        return new(
            number,
            intent.At,
            Clean(action),
            member ?? device?.Member.ToString(),
            device?.Label,
            device?.Id.ToString() ?? (intent as DeviceIntent)?.Device.ToString(),
            detail is null ? null : Clean(detail));

        Device? Find(DeviceId id) => after.Devices.GetValueOrDefault(id) ?? before.Devices.GetValueOrDefault(id);
    }

    private static (string Action, string? Member, string? Detail) Words(Intent intent, Func<DeviceId, Device?> find) => intent switch
    {
        MemberAdded added => ("member added", added.Localpart.ToString(), added.Adopted ? "existing account taken over" : null),
        MemberDropped dropped => ("member not made", dropped.Localpart.ToString(), null),
        AccountMade made => ("account ready", made.Localpart.ToString(), null),
        MemberLeft left => ("member left", left.Localpart.ToString(), $"by {left.By}; messages {(left.Erase ? "erased" : "kept")}"),
        MemberRenamed renamed => ("member renamed", renamed.Localpart.ToString(), $"by {renamed.By}"),
        ResetSettled settled => ("identity reset settled", settled.Localpart.ToString(), $"by {settled.By}"),
        AdminAccountMade => ("gateway's own account ready", null, null),
        AccountLockAsked asked => (asked.Locked ? "account to be locked" : "account to be unlocked", asked.Localpart.ToString(), asked.Locked ? "nobody used it" : null),
        AccountLockSet set => (set.Locked ? "account locked" : "account unlocked", set.Localpart.ToString(), null),
        AccountClosed closed => ("account closed", closed.Localpart.ToString(), null),
        DeviceEnrolled enrolled => ("device enrolled", null, $"by {enrolled.By}"),
        Locked locked => ("locked", null, $"by {locked.By}"),
        Unlocked unlocked => ("unlocked", null, $"by {unlocked.By}"),
        ConsoleIntent console => (ConsoleWords(console).Action, null, ConsoleWords(console).Detail),
        StoreRestored => ("store restored from a copy", null, "everybody is locked out until the devices are confirmed"),
        _ => DeviceWords(intent, find),
    };

    private static (string Action, string? Member, string? Detail) DeviceWords(Intent intent, Func<DeviceId, Device?> find) => intent switch
    {
        EnrolmentEnded ended => ("enrolment ended", null, ended.Why),
        HandshakeSeen => ("first handshake", null, null),
        KeyCopied => ("key copied", null, "two phones use it at once; it may not sign in until it is enrolled anew"),
        GrantExpired => ("login grant expired", null, null),
        AdoptionOpened opened => ("session adoption opened", null, $"by {opened.By}"),
        AdoptionRefused refused => ("session not adopted", null, refused.Why),
        SessionAdopted adopted => ("session adopted", null, adopted.MatrixDeviceId),
        GrantArmed armed => ("login armed", null, $"by {armed.Grant.ArmedBy}"),
        SignInApproved approved => ("sign-in approved", null, $"{approved.Client}, by {approved.By}"),
        GrantSpent spent => ("login grant used", null, spent.Client),
        GrantUsed used => (used.Purpose, null, "with a login grant"),
        GrantReturned => ("login grant given back", null, "what it was for did not happen"),
        ResetUsed used => ("identity reset", null, $"{used.MatrixDeviceId}, after a lost device"),
        ResetReturned returned => ("identity not reset", null, returned.MatrixDeviceId),
        LoginFailed failed => ("login failed", null, failed.MatrixDeviceId),
        SessionOpened opened => ("signed in", null, $"{Client(find(opened.Device), opened)}, session {opened.MatrixDeviceId}"),
        SessionUsed used => ("session in use", null, used.MatrixDeviceId),
        SessionUnused unused => ("session never used", null, unused.MatrixDeviceId),
        SessionEnded ended => ("session ended", null, $"{ended.MatrixDeviceId}: {ended.Why}"),
        SessionDeleted deleted => ("session deleted", null, deleted.MatrixDeviceId),
        TokenRefused refused => ("another device's token refused", null, $"it belongs to {find(refused.Owner)?.Label ?? refused.Owner.ToString()}"),
        DeviceRevoked revoked => ("device revoked", null, $"by {revoked.Revocation.RequestedBy}{(revoked.Revocation.Cut ? ", cut" : "")}"),
        StepReached reached => ($"revocation: {reached.Step.Name}", null, Step(reached.Step)),
        EraseDelivered delivered => ("erase order delivered", null, delivered.MatrixDeviceId),
        QuarantineEnded ended => ("quarantine ended", null, Step(ended.EraseOrder)),
        DeviceMarked marked => (marked.Admin ? "marked as an admin's device" : "no admin's device any more", null, $"by {marked.By}"),
        DeviceRenamed renamed => ("device renamed", null, $"by {renamed.By}"),
        DeviceConfirmed confirmed => ("device confirmed", null, $"by {confirmed.By}, after the store was restored"),
        _ => throw new ArgumentOutOfRangeException(nameof(intent), intent.GetType().Name, "No words for this intent."),
    };

    private static (string Action, string? Detail) ConsoleWords(ConsoleIntent intent) => intent switch
    {
        ConsoleLinkMade => ("console link made", "on the command line"),
        ConsoleSignedIn signedIn => ("signed in to the console", $"with {signedIn.With}"),
        ConsoleProved proved => ("proved again in the console", $"with {proved.With}"),
        ConsoleSignInFailed failed => ("console sign-in refused", $"with {failed.With}"),
        PasskeyAdded added => ("passkey added", $"{added.Passkey.Name}, for {added.Passkey.Site}"),
        PasskeyUsed => ("passkey used", null),
        PasskeyRemoved removed => ("passkey removed", removed.Name),
        CodeSet => ("authenticator app set up", null),
        CodeUsed => ("authenticator code used", null),
        CodeRemoved => ("authenticator app removed", null),
        _ => throw new ArgumentOutOfRangeException(nameof(intent), intent.GetType().Name, "No words for this intent."),
    };

    /// <summary>The app that the session was opened for.</summary>
    private static string Client(Device? device, SessionOpened opened) =>
        device?.Sessions.FirstOrDefault(session => session.MatrixDeviceId == opened.MatrixDeviceId)?.Client ?? "an app without a name";

    private static string Step(RevocationStep step) =>
        step.State.ToString().ToLowerInvariant() + (step.Detail is null ? "" : $": {step.Detail}");

    /// <summary>
    /// Why a step did not succeed is a system's or a tool's own text, and an app's name for itself is anything: neither may
    /// bring an address, a key or a token in here.
    /// </summary>
    private static string Clean(string text)
    {
        var clean = Address().Replace(Secret().Replace(text, "(secret)"), "(address)");
        return clean.Length <= MaxDetail ? clean : string.Concat(clean.AsSpan(0, MaxDetail), "…");
    }

    /// <summary>IPv4, and whatever has two colons among hexadecimal digits, each with the port that may follow.</summary>
    [GeneratedRegex(@"\d{1,3}(\.\d{1,3}){3}(:\d+)?|\[?[0-9a-f]*:[0-9a-f]*:[0-9a-f:.]*(%\w+)?\]?(:\d+)?", RegexOptions.IgnoreCase | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Address();

    /// <summary>Keys as WireGuard writes them, long hexadecimal numbers, and the tokens that homeservers give out.</summary>
    [GeneratedRegex(@"[A-Za-z0-9+/]{43}=|[0-9a-f]{32,}|\b(sy[atr]|mat|mct|mcr|mxr|mas)_\S+|\bBearer\s+\S+", RegexOptions.IgnoreCase | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Secret();
}
