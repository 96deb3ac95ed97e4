namespace Gateway.Proxy;

/// <summary>What a request is. Zero is shut.</summary>
internal enum Passage
{
    /// <summary>Nothing that we serve or forward.</summary>
    None = 0,

    /// <summary>A path of ours, but not with this method.</summary>
    WrongMethod,

    /// <summary>A browser asks whether a page may call one of our paths (Fetch, "CORS-preflight request").</summary>
    Preflight,

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

    /// <summary>Answered by the gateway: what a member sees who opens the server's own address.</summary>
    Welcome,

    /// <summary>Answered by the gateway: where the homeserver is.</summary>
    WellKnown,

    /// <summary>Forwarded, a token is not needed.</summary>
    Versions,

    /// <summary>Answered by the gateway: the session ends, here first.</summary>
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
