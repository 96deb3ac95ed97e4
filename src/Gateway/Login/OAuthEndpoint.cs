using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Gateway.Onboarding.Devices;
using Gateway.Onboarding.Keys;
using Gateway.Onboarding.LoginGrants;
using Gateway.Proxy;
using Microsoft.Extensions.Primitives;

namespace Gateway.Login;

/// <summary>
/// As much of OAuth 2.0 as Matrix clients need (Client-Server API, "OAuth 2.0 API"; RFC 6749, 7009, 7591, 7636, 8414), for
/// Element X above all: it leads to the same page as SSO. The access token is the homeserver's own; there are no
/// refresh tokens, although clients accept the metadata only with that grant type in it.
/// </summary>
internal sealed class OAuthEndpoint(
    SignInEndpoint pages, SignIns signIns, Logins logins, Logouts logouts, TokenBinding binding, GatewayOptions gateway)
{
    private const int MaxBody = 16 * 1024;
    private const string ApiScope = "urn:matrix:client:api:*";
    private const string ApiScopeBefore = "urn:matrix:org.matrix.msc2967.client:api:*";
    private const string DeviceScope = "urn:matrix:client:device:";
    private const string DeviceScopeBefore = "urn:matrix:org.matrix.msc2967.client:device:";

    private readonly byte[] _metadata = JsonSerializer.SerializeToUtf8Bytes(AuthMetadata.Of($"https://{gateway.ServerName}"), OAuthJson.Default.AuthMetadata);

    public Task MetadataAsync(HttpContext context) => MatrixAnswer.JsonAsync(context, StatusCodes.Status200OK, _metadata);

    /// <summary>Dynamic client registration, without anything to remember: the ID says which app of our list it is.</summary>
    public async Task RegisterAsync(HttpContext context, DeviceEntry device)
    {
        var body = await JsonBody.ReadAsync(context, MaxBody, OAuthJson.Default.ClientMetadata);
        var owners = body?.RedirectUris?.Select(address => pages.Find(device, address)).Distinct().ToList();
        if (owners is not [{ } app])
        {
            await ErrorAsync(context, "invalid_redirect_uri", "No app of this server's list is led back there");
            return;
        }

        var reply = new ClientRegistration(app.Id, body!.RedirectUris!, "none", ["authorization_code", "refresh_token"], ["code"]);
        await MatrixAnswer.JsonAsync(context, StatusCodes.Status201Created, JsonSerializer.SerializeToUtf8Bytes(reply, OAuthJson.Default.ClientRegistration));
    }

    /// <summary>GET /oauth2/authorize, in the member's browser.</summary>
    public async Task AuthorizeAsync(HttpContext context, DeviceEntry device)
    {
        var query = context.Request.Query;
        if (One(query["redirect_uri"]) is not { } redirectUri || pages.Find(device, redirectUri) is not { } app || One(query["client_id"]) != app.Id)
        {
            await pages.SayAsync(context, StatusCodes.Status400BadRequest, LoginTexts.UnknownAppTitle, LoginTexts.UnknownApp);
            return;
        }

        var scope = One(query["scope"])?.Split(' ') ?? [];
        var devices = scope.Select(one => (Scope: one, Id: MatrixDeviceIdIn(one))).Where(one => one.Id is not null).ToList();
        var mode = query["response_mode"].ToString();
        if (One(query["response_type"]) != "code"
            || One(query["code_challenge_method"]) != "S256"
            || One(query["code_challenge"]) is not { Length: 43 } challenge
            || query["state"].Count > 1 || query["state"].ToString().Length > 1024
            || mode is not ("" or "query" or "fragment")
            || !scope.Any(one => one is ApiScope or ApiScopeBefore)
            || devices is not [(var deviceScope, { } matrixDeviceId)]
            || !MatrixSession.IsPlainId(matrixDeviceId))
        {
            await pages.SayAsync(context, StatusCodes.Status400BadRequest, LoginTexts.UnknownAppTitle, LoginTexts.WrongRequest);
            return;
        }

        var granted = string.Join(' ', scope.Where(one => one is ApiScope or ApiScopeBefore || one == deviceScope));
        await pages.StartAsync(context, device, app, new SignInRequest.OAuth(
            app.Id, redirectUri, One(query["state"]), challenge, mode == "fragment", matrixDeviceId, granted));
    }

    /// <summary>POST /oauth2/token.</summary>
    public async Task TokenAsync(HttpContext context, DeviceEntry device)
    {
        if (await FormBody.ReadAsync(context, MaxBody) is not { } form)
        {
            await ErrorAsync(context, "invalid_request", "The request is not a form");
            return;
        }

        switch (One(form["grant_type"]))
        {
            case "authorization_code":
                await ExchangeAsync(context, device, form);
                break;
            case "refresh_token":
                // Whoever asks has a token that is not ours. Clients take every refusal here for the end of their session, and erase.
                await RefreshAnswer.SendAsync(context);
                break;
            default:
                await ErrorAsync(context, "unsupported_grant_type", "authorization_code is what there is");
                break;
        }
    }

    /// <summary>POST /oauth2/revoke: how OAuth clients log out. A token that is not this device's is not told from none (RFC 7009, section 2.2).</summary>
    public async Task RevokeAsync(HttpContext context, DeviceEntry device)
    {
        if (await FormBody.ReadAsync(context, MaxBody) is not { } form || One(form["token"]) is not { Length: > 0 } token)
        {
            await ErrorAsync(context, "invalid_request", "There is no token to revoke");
            return;
        }

        if (binding.Of(device, $"Bearer {token}", out var session) == TokenStanding.Bound)
        {
            await logouts.EndAsync(new Actor(device.Id, session!.MatrixDeviceId, new AccessToken(token)));
        }

        await MatrixAnswer.JsonAsync(context, StatusCodes.Status200OK, "{}"u8.ToArray());
    }

    /// <summary>RFC 6749, section 5.2.</summary>
    public static Task ErrorAsync(HttpContext context, string error, string description) =>
        MatrixAnswer.JsonAsync(
            context, StatusCodes.Status400BadRequest, JsonSerializer.SerializeToUtf8Bytes(new OAuthError(error, description), OAuthJson.Default.OAuthError));

    private async Task ExchangeAsync(HttpContext context, DeviceEntry device, IFormCollection form)
    {
        // The code is used up by the first try, also by a wrong one.
        if (signIns.Redeem(device.Id, One(form["code"])) is not { Proof: { } proof, Request: SignInRequest.OAuth asked } signIn
            || One(form["client_id"]) != asked.ClientId
            || One(form["redirect_uri"]) != asked.RedirectUri
            || !Verifies(One(form["code_verifier"]), asked.CodeChallenge))
        {
            await ErrorAsync(context, "invalid_grant", "The code is wrong, used, or too old");
            return;
        }

        var result = await logins.LoginAsync(device.Id, proof, new LoginWish(asked.MatrixDeviceId, signIn.App.Name, Insists: true), context.RequestAborted);
        switch (result)
        {
            case LoginResult.Opened opened:
                var reply = new TokenReply(opened.Token.Reveal(), "Bearer", asked.Scope);
                await MatrixAnswer.JsonAsync(context, StatusCodes.Status200OK, JsonSerializer.SerializeToUtf8Bytes(reply, OAuthJson.Default.TokenReply));
                break;
            case LoginResult.NotProved:
                await ErrorAsync(context, "invalid_grant", "The admin's permission is used, or over");
                break;
            case LoginResult.IdTaken:
                await ErrorAsync(context, "invalid_scope", "The device ID is in use");
                break;
            default:
                await MatrixAnswer.UnavailableAsync(context);
                break;
        }
    }

    /// <summary>RFC 7636, section 4.6.</summary>
    private static bool Verifies(string? verifier, string challenge) =>
        verifier is { Length: >= 43 and <= 128 }
        && CryptographicOperations.FixedTimeEquals(
            Encoding.ASCII.GetBytes(Base64Url.EncodeToString(SHA256.HashData(Encoding.ASCII.GetBytes(verifier)))), Encoding.ASCII.GetBytes(challenge));

    private static string? MatrixDeviceIdIn(string scope) =>
        scope.StartsWith(DeviceScope, StringComparison.Ordinal) ? scope[DeviceScope.Length..]
        : scope.StartsWith(DeviceScopeBefore, StringComparison.Ordinal) ? scope[DeviceScopeBefore.Length..]
        : null;

    private static string? One(StringValues values) => values.Count == 1 ? values[0] : null;
}

internal sealed record AuthMetadata(
    string Issuer,
    string AuthorizationEndpoint,
    string TokenEndpoint,
    string RevocationEndpoint,
    string RegistrationEndpoint,
    IReadOnlyList<string> ResponseTypesSupported,
    IReadOnlyList<string> ResponseModesSupported,
    IReadOnlyList<string> GrantTypesSupported,
    IReadOnlyList<string> CodeChallengeMethodsSupported,
    IReadOnlyList<string> TokenEndpointAuthMethodsSupported,
    IReadOnlyList<string> RevocationEndpointAuthMethodsSupported)
{
    public static AuthMetadata Of(string origin) => new(
        $"{origin}/",
        $"{origin}/oauth2/authorize",
        $"{origin}/oauth2/token",
        $"{origin}/oauth2/revoke",
        $"{origin}/oauth2/register",
        ["code"],
        ["query", "fragment"],
        ["authorization_code", "refresh_token"],
        ["S256"],
        ["none"],
        ["none"]);
}

internal sealed record ClientMetadata(IReadOnlyList<string>? RedirectUris);

internal sealed record ClientRegistration(
    string ClientId, IReadOnlyList<string> RedirectUris, string TokenEndpointAuthMethod, IReadOnlyList<string> GrantTypes, IReadOnlyList<string> ResponseTypes);

internal sealed record TokenReply(string AccessToken, string TokenType, string Scope)
{
    /// <summary>A record prints its members, and this one has a token.</summary>
    public override string ToString() => nameof(TokenReply);
}

internal sealed record OAuthError(string Error, string ErrorDescription);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(AuthMetadata))]
[JsonSerializable(typeof(ClientMetadata))]
[JsonSerializable(typeof(ClientRegistration))]
[JsonSerializable(typeof(TokenReply))]
[JsonSerializable(typeof(OAuthError))]
internal sealed partial class OAuthJson : JsonSerializerContext;
