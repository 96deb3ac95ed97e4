namespace Gateway.Onboarding.LoginGrants;

/// <summary>Section <c>Login</c> of the configuration.</summary>
public sealed class LoginOptions
{
    /// <summary>Minutes that a login grant is good for, from the device's first handshake on. Fractions are allowed.</summary>
    public double GrantMinutes { get; set; } = 15;

    public TimeSpan Lifetime => TimeSpan.FromMinutes(GrantMinutes);
}
