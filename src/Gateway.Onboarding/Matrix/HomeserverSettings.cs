using Gateway.Onboarding.Keys;

namespace Gateway.Onboarding.Matrix;

/// <summary>
/// The two files that make a Synapse ours: the registration, by which the gateway may act for members, and the settings
/// of a closed server. Pure text; <c>gateway homeserver-config</c> writes them.
/// </summary>
public static class HomeserverSettings
{
    /// <summary>What is the same for every closed server; each setting with its reason.</summary>
    private const string Closed =
        """
        # Nobody outside: no other server is spoken to or believed.
        federation_domain_whitelist: []
        trusted_key_servers: []
        suppress_key_server_warning: true
        allow_public_rooms_over_federation: false
        allow_profile_lookup_over_federation: false
        allow_device_name_lookup_over_federation: false
        serve_server_wellknown: false
        # Nothing is told to anybody about this server.
        report_stats: false

        # Accounts are made by the admin, and nobody else.
        enable_registration: false
        allow_guest_access: false
        # Asking whether a name is taken gets no answer.
        inhibit_user_in_use_error: true
        # No password to guess or to phish.
        password_config:
          enabled: false
        # A session opens no further session past the gateway.
        login_via_existing_session:
          enabled: false
        # Deleting one's own session asks again after a while.
        ui_auth:
          session_timeout: 10m
        # No e-mail addresses and phone numbers: they are names from outside.
        enable_3pid_changes: false
        enable_3pid_lookup: false
        request_token_inhibit_3pid_errors: true

        # Every new room is encrypted, whoever makes it and however.
        encryption_enabled_by_default_for_room_type: all
        # The directory and the profiles are for members, and members find one another.
        allow_public_rooms_without_auth: false
        require_auth_for_profile_requests: true
        user_directory:
          enabled: true
          search_all_users: true
          show_locked_users: false
        # Invitations in a small team come in bursts.
        rc_invites:
          per_user:
            per_second: 0.1
            burst_count: 20

        # What is not kept cannot be taken: messages two weeks, addresses four.
        retention:
          enabled: true
          default_policy:
            min_lifetime: 1d
            max_lifetime: 14d
          allowed_lifetime_min: 1d
          allowed_lifetime_max: 14d
          purge_jobs:
            - interval: 12h
        redaction_retention_period: 1d
        forget_rooms_on_leave: true
        forgotten_room_retention_period: 14d
        user_ips_max_age: 28d
        # Counted from the last time it was looked at.
        media_retention:
          local_media_lifetime: 14d

        # Who is awake when is nobody's business.
        presence:
          enabled: false
        # The servers of app vendors learn that something came, never what.
        push:
          include_content: false
        # The server fetches no web page that a message names.
        url_preview_enabled: false
        # As much as the gateway lets through.
        max_upload_size: 50M
        enable_authenticated_media: true

        """;

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
    /// </summary>
    public static string Settings(string serverName, string address, string registrationPath, RegistrationSecret? secret) =>
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

        """ + (secret is null ? "" : Shared(secret)) + Closed;

    private static string Shared(RegistrationSecret secret) =>
        $"""
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
