using System.Text.Json;
using System.Text.Json.Serialization;

namespace Gateway.Admin;

// The JSON of the admin's socket, which is also what `--json` prints. Stable: scripts rely on it; members may be added.

/// <summary>
/// A device as the admin sees it. <see cref="State"/>: pending, connected, signed-in, quarantined, revoked.
/// <see cref="KeyCopiedAt"/>: since when two phones use its key. <see cref="Admin"/>: the console in the tunnel is there for it.
/// </summary>
internal sealed record DeviceView(
    string Id,
    string Member,
    string Name,
    string TunnelAddress,
    string PublicKey,
    string State,
    bool Online,
    DateTimeOffset? LastHandshake,
    IReadOnlyList<SessionView> Sessions,
    RevocationView? Revocation,
    SignInView? SignIn = null,
    bool AwaitsConfirmation = false,
    DateTimeOffset? KeyCopiedAt = null,
    bool Admin = false);

/// <summary>A sign-in by browser that waits for the admin: the same <see cref="Number"/> stands on the device's screen.</summary>
internal sealed record SignInView(int Number, string App, DateTimeOffset Since);

/// <summary>A Matrix session opened through the device; <see cref="Client"/> is the name the app gave itself.</summary>
internal sealed record SessionView(string MatrixDeviceId, string? Client, DateTimeOffset Since);

/// <summary>How far a revocation is; steps in the order of their names in the design.</summary>
internal sealed record RevocationView(DateTimeOffset RequestedAt, IReadOnlyList<StepView> Steps);

/// <summary><see cref="State"/>: done, retrying, waiting, skipped, expired. <see cref="At"/>: when it got there.</summary>
internal sealed record StepView(string Name, string State, DateTimeOffset? At, string? Detail);

internal sealed record MemberView(string Member, string MatrixUserId, string? DisplayName, string State, IReadOnlyList<DeviceView> Devices);

internal sealed record EnrolmentView(
    DeviceView Device,
    string Config,
    string LoginCode,
    DateTimeOffset LoginCodeExpiresAt,
    string ElementLink)
{
    /// <summary>A record prints its members, and this one has a key and a code.</summary>
    public override string ToString() => nameof(EnrolmentView);
}

internal sealed record LoginGrantView(DeviceView Device, string LoginCode, DateTimeOffset LoginCodeExpiresAt)
{
    public override string ToString() => nameof(LoginGrantView);
}

/// <summary>Until when one session from before the gateway may be taken over on the device.</summary>
internal sealed record SessionAdoptionView(DeviceView Device, DateTimeOffset Until);

/// <summary><see cref="Unconfirmed"/>: devices that stay shut after a restore until the admin has vouched for them.</summary>
internal sealed record LockView(bool Locked, DateTimeOffset? Since, int Unconfirmed = 0);

/// <summary>One glance: <see cref="Healthy"/> is the sum of the parts; each part says in words what is wrong.</summary>
internal sealed record StatusView(
    string ServerName,
    string Version,
    DateTimeOffset StartedAt,
    bool Healthy,
    LockView Lock,
    PartView Tunnel,
    PartView Homeserver,
    PartView Store,
    PartView Certificate,
    PartView Clock,
    PartView AdminAccount,
    CountsView Counts,
    PartView? Audit = null);

internal sealed record PartView(bool Ok, string Detail);

/// <summary>One check of the doctor. <see cref="Verdict"/>: ok, warning, fault, unknown. <see cref="WayOut"/>: what to do, where there is something.</summary>
internal sealed record FindingView(string Name, string Verdict, string Detail, string? WayOut);

internal sealed record CountsView(int Members, int Devices, int Online, int SignedIn, int Quarantined, int UnfinishedRevocations, int CopiedKeys);

/// <summary><see cref="Device"/> is the name at that time, <see cref="DeviceId"/> is never given again.</summary>
internal sealed record AuditEntryView(long Number, DateTimeOffset At, string Action, string? Member, string? Device, string? DeviceId, string? Detail);

/// <summary>Whether the history is whole. <see cref="Dropped"/> stands for entries whose days are over, <see cref="Gaps"/> for what was missing at a start.</summary>
internal sealed record AuditCheckView(
    bool Ok,
    int Entries,
    long First,
    long Last,
    AuditEntryView? Dropped,
    IReadOnlyList<AuditEntryView> Gaps,
    AuditFaultView? Fault);

/// <summary>The first thing wrong. <see cref="What"/>: changed, missing, reordered, cut; head where the line itself proves nothing.</summary>
internal sealed record AuditFaultView(long Number, string What, string Detail);

/// <summary>The log's end, signed: <see cref="Line"/> is to be kept off the machine.</summary>
internal sealed record AuditHeadView(long Number, DateTimeOffset At, string Line);

/// <summary>A way into the console, once, until <see cref="ExpiresAt"/>: on this machine, and from a device that is marked as an admin's.</summary>
internal sealed record ConsoleLinkView(string? Local, string? Tunnel, DateTimeOffset ExpiresAt)
{
    public override string ToString() => nameof(ConsoleLinkView);
}

/// <summary>The two files that the homeserver needs, as texts; the registration holds secrets, and so do the settings until the gateway has its account.</summary>
internal sealed record HomeserverConfigView(string Registration, string Settings, bool SettingsAreSecret)
{
    public override string ToString() => nameof(HomeserverConfigView);
}

internal sealed record EnrolmentRequest(string Member, string? Device, string? DisplayName, string? Os, bool Adopt);

/// <summary>Exactly one of <see cref="Device"/> and <see cref="Member"/>; <see cref="Erase"/> belongs to a member who leaves.</summary>
internal sealed record RevocationRequest(string? Device, string? Member, bool Cut, bool Erase);

/// <summary>Whether the device is one of the admin's own.</summary>
internal sealed record AdminDeviceRequest(string Device, bool Admin);

internal sealed record CancellationRequest(string Device);

/// <summary>The enrolment that is no more.</summary>
internal sealed record CancellationView(string Device);

internal sealed record LoginGrantRequest(string Device);

internal sealed record SessionAdoptionRequest(string Device);

/// <summary>Exactly one of <see cref="Device"/> and <see cref="Member"/>; <see cref="Name"/> is the device's, or what others read beside the member's messages.</summary>
internal sealed record RenameRequest(string? Device, string? Member, string Name);

/// <summary>The admin's word on the sign-in that waits on a device. With a <see cref="Number"/>, on that one and no other.</summary>
internal sealed record SignInDecision(string Device, int? Number, bool Approve);

/// <summary>RFC 9457: <see cref="Title"/> is the CLI's <c>error:</c>, <see cref="Detail"/> its <c>hint:</c>.</summary>
internal sealed record ProblemView(string Title, string? Detail, int Status);

[JsonSourceGenerationOptions(
    JsonSerializerDefaults.Web,
    WriteIndented = true,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    RespectNullableAnnotations = true)]
[JsonSerializable(typeof(IReadOnlyList<DeviceView>))]
[JsonSerializable(typeof(IReadOnlyList<MemberView>))]
[JsonSerializable(typeof(EnrolmentView))]
[JsonSerializable(typeof(LoginGrantView))]
[JsonSerializable(typeof(SessionAdoptionView))]
[JsonSerializable(typeof(SessionAdoptionRequest))]
[JsonSerializable(typeof(LockView))]
[JsonSerializable(typeof(StatusView))]
[JsonSerializable(typeof(IReadOnlyList<FindingView>))]
[JsonSerializable(typeof(IReadOnlyList<AuditEntryView>))]
[JsonSerializable(typeof(AuditCheckView))]
[JsonSerializable(typeof(AuditHeadView))]
[JsonSerializable(typeof(ConsoleLinkView))]
[JsonSerializable(typeof(HomeserverConfigView))]
[JsonSerializable(typeof(EnrolmentRequest))]
[JsonSerializable(typeof(RevocationRequest))]
[JsonSerializable(typeof(DeviceView))]
[JsonSerializable(typeof(AdminDeviceRequest))]
[JsonSerializable(typeof(CancellationRequest))]
[JsonSerializable(typeof(CancellationView))]
[JsonSerializable(typeof(LoginGrantRequest))]
[JsonSerializable(typeof(RenameRequest))]
[JsonSerializable(typeof(MemberView))]
[JsonSerializable(typeof(SignInDecision))]
[JsonSerializable(typeof(ProblemView))]
internal sealed partial class AdminJson : JsonSerializerContext;
