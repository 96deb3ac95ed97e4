using System.Buffers.Text;
using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Web;

namespace Gateway.EndToEnd.Lab;

/// <summary>
/// The requests of Element X, one by one and in the order and form of its sources, over HTTP/2 as its own library sends
/// them: matrix-org/matrix-rust-sdk (64b12e0b8, August 2026) as element-hq/element-x-android (477aa36640) and
/// element-hq/element-x-ios (5d0343c48) drive it. It cannot run here, so each step names the file that was read.
/// </summary>
public sealed class ElementX(Phone phone, ElementX.App app)
{
    private const string Letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

    private readonly string verifier = RandomNumberGenerator.GetString(Letters, 43);
    private readonly string state = RandomNumberGenerator.GetString(Letters, 22);
    private Uri homeserver = new($"https://{GatewayHost.ServerName}");
    private JsonElement metadata;
    private string clientId = "";
    private string? accessToken;

    /// <summary>
    /// What the app says of itself. Android: libraries/matrix/impl/…/auth/OAuthConfigurationProvider.kt, libraries/matrix/api/build.gradle.kts,
    /// app/…/oidc/DefaultOAuthRedirectUrlProvider.kt, libraries/network/…/DefaultUserAgentProvider.kt, libraries/push/impl/…/DefaultPusherSubscriber.kt.
    /// iOS: ElementX/Sources/Application/Settings/AppSettings.swift, …/Other/UserAgentBuilder.swift, …/Notification/Manager/NotificationManager.swift.
    /// </summary>
    public sealed record App(string Back, string UserAgent, string PusherApp, string PusherPayload)
    {
        public static App Android { get; } = new(
            "io.element.android:/",
            "Element X/26.08.3 (Fairphone FP5; Android 15; AP2A.240905.003; Sdk 64b12e0b8)",
            "im.vector.app.android",
            """{"cs":"lab"}""");

        public static App Ios { get; } = new(
            "https://element.io/oauth/ios/io.element.elementx",
            "Element X/26.08.2 (iPhone 15; iOS 18.6.2; Scale/3.00)",
            "io.element.elementx.ios.prod",
            """{"aps":{"mutable-content":1,"alert":{"loc-key":"Notification","loc-args":[]}},"pusher_notification_client_identifier":"lab"}""");

        public static App On(string system) => system == "ios" ? Ios : Android;
    }

    /// <summary>Made by the app, asked for as a scope (crates/matrix-sdk/src/authentication/oauth/mod.rs, login_scopes).</summary>
    public string SessionId { get; } = RandomNumberGenerator.GetString(Letters.AsSpan(0, 26), 10);

    public string AccessToken => accessToken!;

    /// <summary>
    /// The member typed the server's name. Well-known first, then the versions, which must have native sliding sync
    /// (crates/matrix-sdk/src/client/builder/homeserver_config.rs and mod.rs; sliding_sync/client.rs).
    /// </summary>
    public async Task DiscoverAsync()
    {
        var wellKnown = await OkAsync(HttpMethod.Get, $"https://{GatewayHost.ServerName}/.well-known/matrix/client");
        homeserver = new Uri(wellKnown.GetProperty("m.homeserver").GetProperty("base_url").GetString()!);
        var versions = await OkAsync(HttpMethod.Get, "/_matrix/client/versions");
        Assert.True(versions.GetProperty("unstable_features").GetProperty("org.matrix.simplified_msc3575").GetBoolean());
    }

    /// <summary>
    /// Which ways of signing in there are (bindings/matrix-sdk-ffi/src/client.rs, homeserver_login_details): the versions once
    /// more, because the first were not kept, the OAuth metadata under the path that they lead to, and the Matrix flows.
    /// </summary>
    public async Task<IReadOnlyList<string>> LookAtLoginsAsync()
    {
        metadata = await MetadataAsync();
        var flows = await OkAsync(HttpMethod.Get, "/_matrix/client/v3/login");
        return [.. flows.GetProperty("flows").EnumerateArray().Select(flow => flow.GetProperty("type").GetString()!)];
    }

    /// <summary>
    /// Asks for the metadata anew, registers (…/oauth/registration.rs; bindings/matrix-sdk-ffi/src/authentication.rs, client_metadata)
    /// and returns the address for the browser (…/oauth/auth_code_builder.rs; "consent": Android's OidcPrompt.kt, iOS's AuthenticationService.swift).
    /// </summary>
    public async Task<string> AuthorizationAddressAsync()
    {
        metadata = await MetadataAsync();
        var registered = await SendAsync(HttpMethod.Post, Endpoint("registration_endpoint"), new StringContent(
            $$"""
            {"redirect_uris":["{{app.Back}}"],"token_endpoint_auth_method":"none",
             "grant_types":["authorization_code","refresh_token","urn:ietf:params:oauth:grant-type:device_code"],"response_types":["code"],
             "application_type":"native","client_uri":"https://element.io/","client_name":"Element X","logo_uri":"https://element.io/mobile-icon.png",
             "policy_uri":"https://element.io/privacy","tos_uri":"https://element.io/acceptable-use-policy-terms"}
            """,
            new MediaTypeHeaderValue("application/json")));
        Assert.True(registered.Status == HttpStatusCode.Created, registered.Text);
        clientId = registered.Json.GetProperty("client_id").GetString()!;
        var challenge = Base64Url.EncodeToString(SHA256.HashData(Encoding.ASCII.GetBytes(verifier)));
        var scope = $"urn:matrix:org.matrix.msc2967.client:api:* urn:matrix:org.matrix.msc2967.client:device:{SessionId}";
        return Endpoint("authorization_endpoint") + $"?response_type=code&client_id={Escaped(clientId)}&state={state}&code_challenge={challenge}"
            + $"&code_challenge_method=S256&redirect_uri={Escaped(app.Back)}&scope={Escaped(scope)}&prompt=consent";
    }

    /// <summary>
    /// The browser led back here: the code against a token, then whoami (…/oauth/mod.rs, finish_login, finish_authorization,
    /// load_session). Says null where the app takes the answer for "the member changed their mind".
    /// </summary>
    public async Task<string?> ComeBackAsync(string address)
    {
        Assert.StartsWith(app.Back + "?", address, StringComparison.Ordinal);
        var query = HttpUtility.ParseQueryString(address[(app.Back.Length + 1)..]);
        Assert.Equal(state, query["state"]);
        if (query["code"] is not { } code)
        {
            Assert.Equal("access_denied", query["error"]);
            return null;
        }

        var tokens = await FormAsync("token_endpoint", ("grant_type", "authorization_code"), ("code", code), ("code_verifier", verifier), ("redirect_uri", app.Back), ("client_id", clientId));
        Assert.True(tokens.Status == HttpStatusCode.OK, tokens.Text);
        Assert.Equal("Bearer", tokens.Json.GetProperty("token_type").GetString(), ignoreCase: true);
        // A refresh token would be kept, and the end of the session then be read from another answer.
        Assert.False(tokens.Json.TryGetProperty("refresh_token", out _));
        accessToken = tokens.Json.GetProperty("access_token").GetString()!;
        return (await OkAsync(HttpMethod.Get, "/_matrix/client/v3/account/whoami")).GetProperty("user_id").GetString();
    }

    /// <summary>Logs out: the metadata anew, then the token's revocation (…/oauth/mod.rs, logout).</summary>
    public async Task LogOutAsync()
    {
        metadata = await MetadataAsync();
        var revoked = await FormAsync("revocation_endpoint", ("token", AccessToken), ("token_type_hint", "access_token"), ("client_id", clientId));
        Assert.True(revoked.Status == HttpStatusCode.OK, revoked.Text);
    }

    /// <summary>The pusher that the app sets, with its own push server.</summary>
    public string Pusher() =>
        $$$"""
        {"pushkey":"lab","kind":"http","app_id":"{{{app.PusherApp}}}","app_display_name":"Element X","device_display_name":"MyDevice","profile_tag":"mobile_",
         "lang":"en","data":{"url":"https://matrix.org/_matrix/push/v1/notify","format":"event_id_only","default_payload":{{{app.PusherPayload}}}},"append":false}
        """;

    public string PusherRemoval() => $$"""{"pushkey":"lab","kind":null,"app_id":"{{app.PusherApp}}"}""";

    /// <summary>A request of the session; the answer must be a success.</summary>
    public async Task<JsonElement> OkAsync(HttpMethod method, string target, string? json = null)
    {
        var answer = await AskAsync(method, target, json);
        return answer.Status == HttpStatusCode.OK ? answer.Json : throw new InvalidOperationException($"{method} {target}: {(int)answer.Status} {answer.Text}");
    }

    public Task<MatrixAnswer> AskAsync(HttpMethod method, string target, string? json = null) =>
        SendAsync(method, target, json is null ? null : new StringContent(json, new MediaTypeHeaderValue("application/json")), accessToken);

    /// <summary>The path is the one that the versions lead to: specified in 1.15, under its old name before (ruma, get_authorization_server_metadata).</summary>
    private async Task<JsonElement> MetadataAsync()
    {
        var versions = (await OkAsync(HttpMethod.Get, "/_matrix/client/versions")).GetProperty("versions").EnumerateArray().Select(version => version.GetString());
        var found = await OkAsync(HttpMethod.Get, versions.Contains("v1.15") ? "/_matrix/client/v1/auth_metadata" : "/_matrix/client/unstable/org.matrix.msc2965/auth_metadata");
        // What the app insists on, else it says that the server cannot do it (ruma, AuthorizationServerMetadata, validate_urls).
        Assert.All(
            ["issuer", "authorization_endpoint", "token_endpoint", "revocation_endpoint", "registration_endpoint"],
            name => Assert.StartsWith("https://", found.GetProperty(name).GetString(), StringComparison.Ordinal));
        foreach (var (name, value) in new[] { ("response_types_supported", "code"), ("response_modes_supported", "query"), ("grant_types_supported", "authorization_code"), ("code_challenge_methods_supported", "S256") })
        {
            Assert.Contains(value, found.GetProperty(name).EnumerateArray().Select(one => one.GetString()));
        }

        return found;
    }

    private string Endpoint(string name) => metadata.GetProperty(name).GetString()!;

    /// <summary>As the oauth2 crate sends forms: no token, no secret, the client's ID among the fields.</summary>
    private Task<MatrixAnswer> FormAsync(string endpoint, params (string Name, string Value)[] fields) =>
        SendAsync(HttpMethod.Post, Endpoint(endpoint), new FormUrlEncodedContent(fields.Select(field => KeyValuePair.Create(field.Name, field.Value))), accept: "application/json");

    private async Task<MatrixAnswer> SendAsync(HttpMethod method, string target, HttpContent? content, string? token = null, string accept = "*/*")
    {
        using var request = MatrixAnswer.Request(method, new Uri(homeserver, target).ToString(), token);
        request.Version = HttpVersion.Version20;
        request.VersionPolicy = HttpVersionPolicy.RequestVersionExact;
        request.Content = content;
        request.Headers.TryAddWithoutValidation("User-Agent", app.UserAgent);
        request.Headers.TryAddWithoutValidation("Accept", accept);
        return await MatrixAnswer.ReadAsync(await phone.Http.SendAsync(request));
    }

    private static string Escaped(string text) => HttpUtility.UrlEncode(text);
}
