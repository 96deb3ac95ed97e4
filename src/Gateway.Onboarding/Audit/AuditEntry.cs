namespace Gateway.Onboarding.Audit;

/// <summary>
/// One line of the audit, in the words of the moment it was written. <see cref="Number"/> is its intent's. No addresses, no
/// tokens, nothing of what anybody wrote. <see cref="Device"/> is the name that people use, <see cref="DeviceId"/> the one
/// that is never given again.
/// </summary>
public sealed record AuditEntry(long Number, DateTimeOffset At, string Action, string? Member, string? Device, string? DeviceId, string? Detail);
