using System.Collections.Frozen;

namespace Gateway.Proxy;

/// <summary>What a request is. Zero is shut.</summary>
internal enum Passage
{
    /// <summary>Nothing that we serve or forward.</summary>
    None = 0,

    /// <summary>Answered by the gateway: the flows of logging in.</summary>
    LoginFlows,

    /// <summary>Answered by the gateway: a login.</summary>
    Login,

    /// <summary>Answered by the gateway: it issues no refresh tokens.</summary>
    Refresh,

    /// <summary>Answered by the gateway: the start of a sign-in by browser (m.login.sso).</summary>
    SsoRedirect,

    /// <summary>Answered by the gateway: where its OAuth 2.0 endpoints are.</summary>
    AuthMetadata,

    /// <summary>Answered by the gateway: RFC 7591.</summary>
    OAuthRegistration,

    /// <summary>Answered by the gateway: the start of a sign-in by OAuth 2.0.</summary>
    OAuthAuthorization,

    /// <summary>Answered by the gateway: an authorization code against an access token.</summary>
    OAuthToken,

    /// <summary>Answered by the gateway: RFC 7009, an OAuth client's logout.</summary>
    OAuthRevocation,

    /// <summary>Answered by the gateway: the page on which a member confirms.</summary>
    SignIn,

    /// <summary>Answered by the gateway: where the homeserver is.</summary>
    WellKnown,

    /// <summary>Forwarded, a token is not needed.</summary>
    Versions,

    /// <summary>Forwarded; its success ends the session.</summary>
    Logout,

    /// <summary>As <see cref="Logout"/>, for all of the member's sessions.</summary>
    LogoutAll,

    /// <summary>Forwarded; the gateway takes out of the reply what it does not let through.</summary>
    Capabilities,

    /// <summary>Forwarded if the pusher's URL is on the list.</summary>
    PusherSet,

    /// <summary>Cross-signing keys: the first go through, to replace them needs a grant.</summary>
    CrossSigningKeys,

    /// <summary>The member ends one of their sessions; another than the asking one needs a grant.</summary>
    EndSession,

    /// <summary>As <see cref="EndSession"/>, for several.</summary>
    EndSessions,

    /// <summary>Forwarded with a body as large as media may be.</summary>
    Upload,

    /// <summary>Forwarded with the session's own token.</summary>
    Forward,
}

/// <summary>
/// The allow-list: what of the Matrix Client-Server API passes, matched on the raw target, literally and with case. All
/// else is shut: /_synapse, /_matrix/federation and /_matrix/key, registration, passwords, third-party IDs, token minting,
/// admin calls, and whatever a later version of the homeserver may add.
/// </summary>
internal static class AccessPolicy
{
    private static readonly FrozenSet<string>.AlternateLookup<ReadOnlySpan<char>> Client = FrozenSet.Create(
        StringComparer.Ordinal,
        "capabilities", "createRoom", "delete_devices", "devices", "directory", "events", "initialSync", "join",
        "joined_rooms", "keys", "knock", "media", "notifications", "presence", "profile", "publicRooms", "pushers",
        "pushrules", "room_keys", "room_summary", "rooms", "search", "sendToDevice", "sync", "thirdparty", "user",
        "user_directory", "voip").GetAlternateLookup<ReadOnlySpan<char>>();

    /// <summary>Features that clients use before they are in the specification, by the name that they have there.</summary>
    private static readonly FrozenSet<string>.AlternateLookup<ReadOnlySpan<char>> Unstable = FrozenSet.Create(
        StringComparer.Ordinal,
        "im.nheko.summary", "keys", "org.matrix.msc2666", "org.matrix.msc3266", "org.matrix.msc3391", "org.matrix.msc3575",
        "org.matrix.msc3814.v1", "org.matrix.msc3916", "org.matrix.msc4140", "org.matrix.msc4143", "org.matrix.msc4222",
        "org.matrix.msc4306", "org.matrix.simplified_msc3575", "room_keys", "rooms", "uk.tcpip.msc4133").GetAlternateLookup<ReadOnlySpan<char>>();

    private static readonly FrozenSet<string>.AlternateLookup<ReadOnlySpan<char>> Media = FrozenSet.Create(
        StringComparer.Ordinal,
        "config", "create", "download", "preview_url", "thumbnail", "upload").GetAlternateLookup<ReadOnlySpan<char>>();

    public static Passage Of(string method, ReadOnlySpan<char> target)
    {
        if (!TargetSyntax.IsPlain(target) || method is not ("GET" or "POST" or "PUT" or "DELETE"))
        {
            return Passage.None;
        }

        var query = target.IndexOf('?');
        var path = query < 0 ? target : target[..query];
        return path switch
        {
            "/.well-known/matrix/client" => method == "GET" ? Passage.WellKnown : Passage.None,
            "/oauth2/register" => method == "POST" ? Passage.OAuthRegistration : Passage.None,
            "/oauth2/authorize" => method == "GET" ? Passage.OAuthAuthorization : Passage.None,
            "/oauth2/token" => method == "POST" ? Passage.OAuthToken : Passage.None,
            "/oauth2/revoke" => method == "POST" ? Passage.OAuthRevocation : Passage.None,
            _ when path.StartsWith("/sign-in/") => method is "GET" or "POST" ? Passage.SignIn : Passage.None,
            "/_matrix/client/versions" => method == "GET" ? Passage.Versions : Passage.None,
            _ when path.StartsWith("/_matrix/client/") => OfClient(method, path["/_matrix/client/".Length..]),
            _ when path.StartsWith("/_matrix/media/") => OfMedia(path["/_matrix/media/".Length..]),
            _ => Passage.None,
        };
    }

    private static Passage OfClient(string method, ReadOnlySpan<char> path)
    {
        var version = Cut(ref path);
        if (version is "api")
        {
            return Cut(ref path) is "v1" && path is "login" ? OfLogin(method) : Passage.None;
        }

        if (version is not ("r0" or "v1" or "v3" or "unstable"))
        {
            return Passage.None;
        }

        switch (path)
        {
            case "login":
                return version is "r0" or "v3" ? OfLogin(method) : Passage.None;
            case "login/sso/redirect" or "login/sso/redirect/gateway":
                return method == "GET" ? Passage.SsoRedirect : Passage.None;
            case "auth_metadata" when version is "v1":
            case "org.matrix.msc2965/auth_metadata" when version is "unstable":
                return method == "GET" ? Passage.AuthMetadata : Passage.None;
            case "refresh":
                return method == "POST" ? Passage.Refresh : Passage.None;
            case "logout":
                return method == "POST" ? Passage.Logout : Passage.None;
            case "logout/all":
                return method == "POST" ? Passage.LogoutAll : Passage.None;
            case "account/whoami":
                return method == "GET" ? Passage.Forward : Passage.None;
        }

        var first = Cut(ref path);
        return (version is "unstable" ? Unstable : Client).Contains(first) && !MintsToken(path)
            ? Passage.Forward
            : Passage.None;
    }

    /// <summary>Tokens for other servers (OpenID), or for further sessions.</summary>
    private static bool MintsToken(ReadOnlySpan<char> path) =>
        path.Contains("/openid/", StringComparison.Ordinal) || path.Contains("get_token", StringComparison.Ordinal);

    private static Passage OfLogin(string method) => method switch
    {
        "GET" => Passage.LoginFlows,
        "POST" => Passage.Login,
        _ => Passage.None,
    };

    private static Passage OfMedia(ReadOnlySpan<char> path)
    {
        if (Cut(ref path) is not ("r0" or "v1" or "v3"))
        {
            return Passage.None;
        }

        var first = Cut(ref path);
        return !Media.Contains(first) ? Passage.None : first is "upload" ? Passage.Upload : Passage.Forward;
    }

    /// <summary>The first segment of <paramref name="path"/>, which keeps the rest.</summary>
    private static ReadOnlySpan<char> Cut(ref ReadOnlySpan<char> path)
    {
        var slash = path.IndexOf('/');
        var first = slash < 0 ? path : path[..slash];
        path = slash < 0 ? [] : path[(slash + 1)..];
        return first;
    }
}
