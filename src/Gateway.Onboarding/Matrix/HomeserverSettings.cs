using System.Globalization;
using Gateway.Onboarding.Keys;

namespace Gateway.Onboarding.Matrix;

/// <summary>
/// The two files that make a Synapse ours: the registration, by which the gateway may act for members, and the settings
/// of a closed server. Pure text; <c>gateway homeserver-config</c> writes them.
/// </summary>
public static class HomeserverSettings
{
    /// <summary>What is the same for every closed server. Who may come in, and how.</summary>
    private const string Doors =
        """
        # Nobody outside.
        federation_domain_whitelist: []                  # speaks with no other server
        trusted_key_servers: []                          # takes no other server's word about keys
        suppress_key_server_warning: true                # and knows that it does not
        allow_public_rooms_over_federation: false        # no other server reads the list of rooms,
        allow_profile_lookup_over_federation: false      # a profile,
        allow_device_name_lookup_over_federation: false  # or what a phone is called
        serve_server_wellknown: false                    # no server is told where we are
        report_stats: false                              # nobody is told how many we are

        # Accounts are made by the admin, and nobody else.
        enable_registration: false                       # strangers make none
        registration_shared_secret_path: null            # nor does a secret that another file forgot
        allow_guest_access: false                        # nobody is in without one
        inhibit_user_in_use_error: true                  # whether a name is taken gets no answer
        password_config:
          enabled: false                                 # no password to guess or to phish
        login_via_existing_session:
          enabled: false                                 # a session opens no further one past the gateway
        ui_auth:
          session_timeout: 10m                           # ending one's own session asks again after a while
        enable_3pid_changes: false                       # e-mail addresses and phone numbers are names from outside,
        enable_3pid_lookup: false                        # nobody is found by them,
        account_threepid_delegates: {}                   # no other server is asked about them,
        default_identity_server: null                    # and no app is sent to one
        request_token_inhibit_3pid_errors: true          # whether one is known gets no answer

        # A session ends when somebody says so and never by time: an app without its session erases its data.
        session_lifetime: null                           # no end by itself
        delete_stale_devices_after: null                 # a phone that was away for long keeps its messages
        nonrefreshable_access_token_lifetime: null       # a token lives as long as its session
        refreshable_access_token_lifetime: null          # there are no others: the gateway issues no refresh tokens
        refresh_token_lifetime: null                     # so none ends

        # Members among themselves.
        encryption_enabled_by_default_for_room_type: all # every new room, whoever makes it and however
        allow_public_rooms_without_auth: false           # strangers read no list of rooms
        enable_room_list_search: false                   # there is none for members either: one is invited
        room_list_publication_rules:
          - action: deny                                 # and nobody puts a room on it
        auto_accept_invites:
          enabled: false                                 # nobody is in a room unasked
        require_auth_for_profile_requests: true          # strangers see no profile,
        limit_profile_requests_to_users_who_share_rooms: true  # and members those of their rooms
        include_profile_data_on_invite: false            # an invitation shows the name once it is accepted
        enable_set_displayname: true                     # a member may go by another name; gateway rename needs it
        enable_set_avatar_url: true                      # and by a picture
        user_directory:
          enabled: true                                  # members find one another by name,
          search_all_users: true                         # before they share a room,
          show_locked_users: false                       # but nobody who is locked
        rc_invites:
          per_user:                                      # invitations in a small team come in bursts
            per_second: 0.1                              # one in ten seconds,
            burst_count: 20                              # twenty at once

        # What others learn.
        presence:
          enabled: false                                 # who is awake when is nobody's business
        push:
          include_content: false                         # the app vendors' servers learn that something came, never what,
          jitter_delay: 5s                               # and not to the second when
        url_preview_enabled: false                       # no page is fetched because a message names it
        enable_authenticated_media: true                 # a file's address alone opens nothing
        dynamic_thumbnails: false                        # no pictures in sizes that somebody wishes
        max_upload_size: 50M                             # as much as the gateway lets through
        media_upload_limits:
          - time_period: 1d                              # one member
            max_size: 2G                                 # does not fill the disk


        """;

    /// <summary>What is not kept cannot be taken.</summary>
    private static string Kept(int days) =>
        $"""
        # What is not kept cannot be taken. The number of days is Homeserver:RetentionDays.
        retention:
          enabled: true                                  # messages go by themselves,
          default_policy:
            min_lifetime: 1d                             # not within the day,
            max_lifetime: {days}d{Pad(days)}                           # after this all but the end of a room
          allowed_lifetime_min: 1d                       # a room may say sooner,
          allowed_lifetime_max: {days}d{Pad(days)}                     # not later
          purge_jobs:
            - interval: 12h                              # looked for twice a day
        redaction_retention_period: 1d                   # whoever deletes a message means it
        forget_rooms_on_leave: true                      # a room that all have left
        forgotten_room_retention_period: {days}d{Pad(days)}            # goes as a whole
        user_ips_max_age: {days}d{Pad(days)}                           # where and when a device was last seen
        media_retention:                                 # counted from the last time that somebody looked
          local_media_lifetime: {days}d{Pad(days)}                     # files,
          remote_media_lifetime: {days}d{Pad(days)}                    # whoever sent them

        """;

    /// <summary>So that the reasons stand below one another.</summary>
    private static string Pad(int days) => new(' ', 3 - days.ToString(CultureInfo.InvariantCulture).Length);

    /// <summary>
    /// The application service registration. It holds both tokens, and its <c>as_token</c> is as powerful as the server:
    /// for Synapse's user only.
    /// </summary>
    public static string Registration(string serverName, string asToken, string hsToken) =>
        $$"""
        # Gateway's registration as an application service. Whoever reads it is the server's administrator: 0640, Synapse's user.
        id: gateway
        # No address: Synapse sends us no events, we ask.
        url: null
        as_token: {{Quoted(asToken)}}
        hs_token: {{Quoted(hsToken)}}
        sender_localpart: gateway-service
        # Members sign in at the same moment, on the first morning.
        rate_limited: false
        namespaces:
          users:
            # Every account, and not exclusively: accounts stay ordinary ones.
            - regex: {{Quoted("@.*:" + Escaped(serverName))}}
              exclusive: false
          aliases: []
          rooms: []
        # The token works from this machine only; a member who learns it can do nothing with it.
        ip_range_whitelist: ["127.0.0.1/32", "::1/128"]

        """;

    /// <summary>
    /// The settings of a closed server, to be given to Synapse after its own file (<c>-c homeserver.yaml -c gateway.yaml</c>).
    /// <paramref name="secret"/> is in it only until the gateway has its account, and so long the file is for Synapse's user only.
    /// <paramref name="address"/> is where Synapse shall listen, and the gateway ask: <c>http://127.0.0.1:8008</c> or <c>unix:/path</c>.
    /// <paramref name="retentionDays"/> is how long it keeps messages and files, 1 to 365.
    /// </summary>
    public static string Settings(string serverName, string address, string registrationPath, RegistrationSecret? secret, int retentionDays) =>
        $$"""
        # Settings of a homeserver behind Gateway. Given after homeserver.yaml, they win where both speak.
        server_name: {{Quoted(serverName)}}
        # What clients are told, and the gateway's name inside the tunnel.
        public_baseurl: {{Quoted($"https://{serverName}/")}}

        # Reachable from this machine only, and only for clients: the gateway stands before it.
        listeners:
          - {{Listener(address)}}
            type: http
            # The gateway says who asks; limits and sessions then name the device's tunnel address.
            x_forwarded: true
            resources:
              - names: [client]
                compress: false
        # The gateway signs people in, without a password.
        app_service_config_files:
          - {{Quoted(registrationPath)}}


        """ + Shared(secret) + Doors + Kept(retentionDays);

    private static string Shared(RegistrationSecret? secret) => secret is null
        ? """
        # Nobody makes an account with a secret that another file forgot.
        registration_shared_secret: null


        """
        : $"""
        # The gateway makes its own account with it, once. Write this file anew afterwards: then it is gone.
        registration_shared_secret: {Quoted(secret.Reveal())}


        """;

    private static string Listener(string address) =>
        address.StartsWith("unix:", StringComparison.Ordinal)
            ? $"path: {Quoted(address["unix:".Length..])}"
            : $"port: {new Uri(address).Port}\n    bind_addresses: ['127.0.0.1']";

    /// <summary>A YAML scalar in single quotes: nothing but the quote itself means anything inside.</summary>
    private static string Quoted(string text) =>
        text.Any(char.IsControl)
            ? throw new ArgumentException("A setting of the homeserver holds no control characters.", nameof(text))
            : $"'{text.Replace("'", "''", StringComparison.Ordinal)}'";

    /// <summary>As a regular expression that means itself; a server name has no other special characters than these.</summary>
    private static string Escaped(string serverName) =>
        serverName.Replace(".", "\\.", StringComparison.Ordinal)
            .Replace("[", "\\[", StringComparison.Ordinal)
            .Replace("]", "\\]", StringComparison.Ordinal);
}
