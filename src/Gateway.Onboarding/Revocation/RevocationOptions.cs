namespace Gateway.Onboarding.Revocation;

/// <summary>Section <c>Revocation</c> of the configuration. Fractions are allowed.</summary>
public sealed class RevocationOptions
{
    /// <summary>Days that a lost phone's peer may wait to be told to erase its data.</summary>
    public double QuarantineDays { get; set; } = 7;

    /// <summary>Hours between the last delivery of that order and the end of the peer.</summary>
    public double GraceHours { get; set; } = 24;

    public TimeSpan Quarantine => TimeSpan.FromDays(QuarantineDays);

    public TimeSpan Grace => TimeSpan.FromHours(GraceHours);
}
