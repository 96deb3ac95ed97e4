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

    /// <summary>What is wrong with <see cref="RedirectUrls"/>: whoever is listed is handed members' sessions, so each must say exactly one place.</summary>
    public IEnumerable<string> Faults() =>
        from url in RedirectUrls
        where !(Uri.TryCreate(url, UriKind.Absolute, out var uri)
            && uri is { Scheme: "https", UserInfo.Length: 0, Fragment.Length: 0 }
            && uri.AbsoluteUri == url
            && url.All(char.IsAscii))
        select $"Login:RedirectUrls has '{url}': give an exact https URL as browsers write it, with its path and without a fragment, for example https://element.example/";
}
