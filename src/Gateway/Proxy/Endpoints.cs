namespace Gateway.Proxy;

/// <summary>
/// The allow-list: every endpoint that a member's device may reach, with its methods. Made from Synapse's own list of
/// servlets (synapse/rest/client and rest/media) and what the clients that we know call. Shut by not being here:
/// /_synapse, federation and key, registration, passwords, third-party IDs, deactivation, token minting (get_token, openid,
/// MSC3882, rendezvous), appservice calls, admin calls, delayed events, dehydrated devices.
/// </summary>
internal static class Endpoints
{
    /// <summary>
    /// The first word of a path in the table → where it stands. <c>C</c>: the client API; <c>U</c>: also under the name it had before it
    /// was specified, which some clients still use; <c>V1</c>; <c>X</c>: not specified yet; <c>L</c>: logging in, oldest name included.
    /// </summary>
    public static readonly Dictionary<string, string[]> Prefixes = new(StringComparer.Ordinal)
    {
        [""] = [""],
        ["C"] = ["/_matrix/client/r0", "/_matrix/client/v3"],
        ["U"] = ["/_matrix/client/r0", "/_matrix/client/v3", "/_matrix/client/unstable"],
        ["V1"] = ["/_matrix/client/v1"],
        ["X"] = ["/_matrix/client/unstable"],
        ["L"] = ["/_matrix/client/r0", "/_matrix/client/v3", "/_matrix/client/api/v1"],
        ["M"] = ["/_matrix/media/r0", "/_matrix/media/v1", "/_matrix/media/v3"],
    };

    /// <summary>Methods, path, and the passage where it is not <see cref="Passage.Forward"/>.</summary>
    public const string Table =
        """
        # The gateway itself
        GET             /.well-known/matrix/client                            WellKnown
        GET,POST        /sign-in/{}                                           SignIn
        GET             /                                                     Welcome
        POST            /oauth2/register                                      OAuthRegistration
        GET             /oauth2/authorize                                     OAuthAuthorization
        POST            /oauth2/token                                         OAuthToken
        POST            /oauth2/revoke                                        OAuthRevocation
        GET             V1/auth_metadata                                      AuthMetadata
        GET             X/org.matrix.msc2965/auth_metadata                    AuthMetadata
        GET             L/login                                               LoginFlows
        POST            L/login                                               Login
        GET             L/login/sso/redirect                                  SsoRedirect
        GET             C/login/sso/redirect/{}                               SsoRedirect
        POST            C/refresh                                             Refresh
        POST            X/refresh                                             Refresh
        POST            V1/refresh                                            Refresh
        # The session
        GET             /_matrix/client/versions                              Versions
        GET             C/capabilities                                        Capabilities
        POST            C/logout                                              Logout
        POST            C/logout/all                                          LogoutAll
        GET             C/account/whoami
        GET             C/devices
        GET,PUT         C/devices/{}
        DELETE          C/devices/{}                                          EndSession
        POST            C/delete_devices                                      EndSessions
        # Reading and writing
        GET             C/sync
        POST            X/org.matrix.simplified_msc3575/sync
        GET             C/events
        GET             C/events/{}
        GET             C/initialSync
        POST            C/user/{}/filter
        GET             C/user/{}/filter/{}
        GET,PUT         C/user/{}/account_data/{}
        GET,PUT         C/user/{}/rooms/{}/account_data/{}
        DELETE          X/org.matrix.msc3391/user/{}/account_data/{}
        DELETE          X/org.matrix.msc3391/user/{}/rooms/{}/account_data/{}
        GET             C/user/{}/rooms/{}/tags
        PUT,DELETE      C/user/{}/rooms/{}/tags/{}
        POST            C/search
        GET             C/notifications
        GET,PUT         C/presence/{}/status
        PUT             C/sendToDevice/{}/{}
        # Rooms
        POST            C/createRoom
        GET             C/joined_rooms
        POST            C/join/{}
        POST            C/knock/{}
        POST            X/knock/{}
        GET,POST        C/publicRooms
        GET,PUT,DELETE  C/directory/room/{}
        GET,PUT         C/directory/list/room/{}
        POST            U/rooms/{}/join
        POST            U/rooms/{}/invite
        POST            U/rooms/{}/leave
        POST            U/rooms/{}/kick
        POST            U/rooms/{}/ban
        POST            U/rooms/{}/unban
        POST            U/rooms/{}/forget
        POST            U/rooms/{}/upgrade
        GET             U/rooms/{}/state
        GET,PUT         U/rooms/{}/state/{}
        GET,PUT         U/rooms/{}/state/{}/{?}
        POST            U/rooms/{}/send/{}
        PUT             U/rooms/{}/send/{}/{}
        POST            U/rooms/{}/redact/{}
        PUT             U/rooms/{}/redact/{}/{}
        GET             U/rooms/{}/event/{}
        GET             U/rooms/{}/context/{}
        GET             U/rooms/{}/messages
        GET             U/rooms/{}/members
        GET             U/rooms/{}/joined_members
        GET             U/rooms/{}/aliases
        GET             X/org.matrix.msc2432/rooms/{}/aliases
        GET             U/rooms/{}/initialSync
        POST            U/rooms/{}/read_markers
        POST            U/rooms/{}/receipt/{}/{}
        PUT             U/rooms/{}/typing/{}
        POST            U/rooms/{}/report/{}
        POST            C/rooms/{}/report
        POST            C/users/{}/report
        GET             V1/rooms/{}/relations/{}
        GET             V1/rooms/{}/relations/{}/{}
        GET             V1/rooms/{}/relations/{}/{}/{}
        GET             X/rooms/{}/relations/{}
        GET             X/rooms/{}/relations/{}/{}
        GET             X/rooms/{}/relations/{}/{}/{}
        GET             V1/rooms/{}/threads
        GET             V1/rooms/{}/hierarchy
        GET             V1/rooms/{}/timestamp_to_event
        GET             V1/room_summary/{}
        GET             X/im.nheko.summary/rooms/{}/summary
        GET             X/im.nheko.summary/summary/{}
        GET             X/org.matrix.msc3266/rooms/{}/summary
        GET,PUT,DELETE  X/io.element.msc4306/rooms/{}/thread/{}/subscription
        GET             X/io.element.msc4308/thread_subscriptions
        # People
        GET             C/profile/{}
        GET,PUT,DELETE  C/profile/{}/{}
        GET,PUT,DELETE  X/uk.tcpip.msc4133/profile/{}/{}
        GET             X/uk.tcpip.msc4133/profile/{}
        POST            C/user_directory/search
        # Keys
        POST            U/keys/upload
        POST            U/keys/query
        POST            U/keys/claim
        GET             U/keys/changes
        POST            U/keys/signatures/upload
        POST            U/keys/device_signing/upload                          CrossSigningKeys
        GET,POST        U/room_keys/version
        GET,PUT,DELETE  U/room_keys/version/{}
        GET,PUT,DELETE  U/room_keys/keys
        GET,PUT,DELETE  U/room_keys/keys/{}
        GET,PUT,DELETE  U/room_keys/keys/{}/{}
        # Notifications
        GET             C/pushers
        POST            C/pushers/set                                         PusherSet
        GET,PUT,DELETE  C/pushrules/{*}
        # Calls, bridges, odds and ends
        GET             C/voip/turnServer
        GET             X/org.matrix.msc4143/rtc/transports
        GET             C/thirdparty/protocols
        GET             C/thirdparty/protocol/{}
        GET             X/org.matrix.msc1763/retention/configuration
        # Media
        POST            M/upload                                              Upload
        PUT             M/upload/{}/{}                                        Upload
        POST            M/create
        GET             M/config
        GET             M/preview_url
        GET             M/download/{}/{}
        GET             M/download/{}/{}/{?}
        GET             M/thumbnail/{}/{}
        GET             V1/media/config
        GET             V1/media/preview_url
        GET             V1/media/download/{}/{}
        GET             V1/media/download/{}/{}/{?}
        GET             V1/media/thumbnail/{}/{}
        """;
}
