using Gateway.Onboarding.LoginGrants;

namespace Gateway.Login;

/// <summary>
/// An app that a sign-in may lead back to. <see cref="Name"/> is what the member and the admin read: it comes from this list,
/// never from the app itself. <see cref="Id"/> is its OAuth client ID, the same for all who have the app.
/// </summary>
internal sealed record ClientApp(string Id, string Name);

/// <summary>
/// The exact list of where a sign-in may lead. Whoever is on it is handed a member's session, so nothing is matched by
/// prefix: scheme, host, port and path are compared as they are written, and only named query parameters may follow.
/// The addresses are those in the apps' sources (Element X, Element Classic, Element Desktop, FluffyChat).
/// </summary>
internal sealed class ClientApps(LoginOptions options)
{
    private static readonly Entry[] BuiltIn =
    [
        new("io.element.android:/", "Element X", "element-x-android"),
        new("https://element.io/oauth/ios/io.element.elementx", "Element X", "element-x-ios"),
        new("element://connect", "Element Classic", "element-classic", "transaction_id"),
        new("element://vector/webapp/", "Element Desktop", "element-desktop-classic", "element-desktop-ssoid", "no_universal_links"),
        new("io.element.desktop:/vector/webapp/", "Element Desktop", "element-desktop", "element-desktop-ssoid", "no_universal_links"),
        new("im.fluffychat.auth:/login", "FluffyChat", "fluffychat"),
    ];

    private static readonly string[] LoopbackHosts = ["127.0.0.1", "localhost", "[::1]"];

    /// <summary>The app that owns this address, or null. <paramref name="system"/> is what the device was enrolled for.</summary>
    public ClientApp? Find(string? address, string? system)
    {
        if (address is null or { Length: 0 or > 2048 } || address.Any(c => c is <= ' ' or >= '\x7f' or '\\' or '#'))
        {
            return null;
        }

        if (options.RedirectUrls.Any(listed => address == listed || address == WithElementsMark(listed)))
        {
            return new ClientApp("url-" + new Uri(address).IdnHost, new Uri(address).IdnHost);
        }

        var query = address.IndexOf('?', StringComparison.Ordinal);
        var place = query < 0 ? address : address[..query];
        if (Array.Find(BuiltIn, entry => entry.Place == place) is { } known)
        {
            return query < 0 || known.Allows(address[(query + 1)..]) ? new ClientApp(known.Id, known.Name) : null;
        }

        // RFC 8252, section 7.3: any port. On a phone any app could listen there.
        return system == "desktop" && IsLoopback(address) ? new ClientApp("desktop", Loopback) : null;
    }

    /// <summary>Shown for an app on the same computer, whose name nobody vouches for. Not a name: the page says it in the member's language.</summary>
    public const string Loopback = "desktop app";

    /// <summary>Element Web's own address as it is when it signs in by OAuth: so that no native app takes it.</summary>
    private static string WithElementsMark(string address) => address + (address.Contains('?', StringComparison.Ordinal) ? '&' : '?') + "no_universal_links=true";

    private static bool IsLoopback(string address) =>
        address.StartsWith("http://", StringComparison.Ordinal)
        && Uri.TryCreate(address, UriKind.Absolute, out var uri)
        && uri.UserInfo.Length == 0
        && LoopbackHosts.Contains(uri.Host, StringComparer.Ordinal)
        && address["http://".Length..].StartsWith(uri.Host, StringComparison.Ordinal);

    private sealed record Entry(string Place, string Name, string Id, params string[] Parameters)
    {
        public bool Allows(string query) =>
            query.Split('&').All(pair => Parameters.Contains(pair.Split('=')[0], StringComparer.Ordinal));
    }
}
