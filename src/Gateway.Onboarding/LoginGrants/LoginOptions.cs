namespace Gateway.Onboarding.LoginGrants;

/// <summary>Section <c>Login</c> of the configuration.</summary>
public sealed class LoginOptions
{
    /// <summary>Minutes that a login grant is good for, from the device's first handshake on. Fractions are allowed.</summary>
    public double GrantMinutes { get; set; } = 15;

    /// <summary>
    /// Where a sign-in may lead besides the apps that the gateway knows: exact https URLs, for example the group's own
    /// Element Web. Pages of their origins may also call the Matrix API (CORS).
    /// </summary>
    public IReadOnlyList<string> RedirectUrls { get; set; } = [];

    public TimeSpan Lifetime => TimeSpan.FromMinutes(GrantMinutes);
}
