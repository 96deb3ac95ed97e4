namespace Gateway.Onboarding.Enrolment;

/// <summary>Section <c>Enrolment</c> of the configuration.</summary>
public sealed class EnrolmentOptions
{
    /// <summary>Minutes within which a new device makes its first handshake, or is removed by itself. Fractions are allowed.</summary>
    public double ExpireMinutes { get; set; } = 15;

    public TimeSpan Expire => TimeSpan.FromMinutes(ExpireMinutes);
}
