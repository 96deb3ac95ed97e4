using System.Text.Json;
using System.Text.Json.Serialization;
using Gateway.Onboarding.LoginGrants;
using Gateway.Proxy;

namespace Gateway.Login;

/// <summary>
/// What a Matrix client sees of logging in (Client-Server API, "Login"): the gateway answers, not the homeserver. The
/// password is the login code; who signs in is decided by the tunnel, not by what was typed as a name.
/// </summary>
internal sealed class LoginEndpoint(Logins logins, SignIns signIns, LoginThrottle throttle, GatewayOptions gateway)
{
    private const int MaxBody = 16 * 1024;

    private readonly byte[] _flows = JsonSerializer.SerializeToUtf8Bytes(
        new FlowsReply(
        [
            new("m.login.sso", [new("gateway", gateway.ServerName)]),
            new("m.login.token", null),
            new("m.login.password", null),
        ]),
        LoginJson.Default.FlowsReply);

    public Task FlowsAsync(HttpContext context) => MatrixAnswer.JsonAsync(context, StatusCodes.Status200OK, _flows);

    public async Task LoginAsync(HttpContext context, DeviceEntry device)
    {
        if (throttle.MustWait(device.Id) is { } wait)
        {
            await MatrixAnswer.LimitExceededAsync(context, LoginTexts.In(context.Request, LoginTexts.TooManyTries), wait);
            return;
        }

        if (await JsonBody.ReadAsync(context, MaxBody, LoginJson.Default.LoginBody) is not { } body)
        {
            await MatrixAnswer.BadJsonAsync(context, "The request is not JSON of a login, or too large");
            return;
        }

        var client = body.InitialDeviceDisplayName;
        LoginProof proof;
        switch (body.Type)
        {
            // A typing error is told from a wrong code by the checksum, and is no try.
            case "m.login.password" when LoginCode.TryParse(body.Password) is { } code:
                proof = new LoginProof.Code(code);
                break;
            case "m.login.password":
                await MatrixAnswer.ForbiddenAsync(context, LoginTexts.In(context.Request, LoginTexts.NotACode));
                return;
            case "m.login.token" when signIns.Redeem(device.Id, body.Token) is { Proof: { } proved, Request: SignInRequest.Sso } signIn:
                proof = proved;
                client ??= signIn.App.Name;
                break;
            case "m.login.token":
                await MatrixAnswer.ForbiddenAsync(context, LoginTexts.In(context.Request, LoginTexts.Late));
                return;
            default:
                await MatrixAnswer.ForbiddenAsync(context, LoginTexts.In(context.Request, LoginTexts.OtherWay));
                return;
        }

        await AnswerAsync(context, device, await logins.LoginAsync(device.Id, proof, new LoginWish(body.DeviceId, client), context.RequestAborted));
    }

    private async Task AnswerAsync(HttpContext context, DeviceEntry device, LoginResult result)
    {
        switch (result)
        {
            case LoginResult.Opened opened:
                throttle.Succeeded(device.Id);
                var reply = new LoginReply(
                    opened.UserId,
                    opened.Token.Reveal(),
                    opened.MatrixDeviceId,
                    gateway.ServerName,
                    new WellKnown(new BaseUrl($"https://{gateway.ServerName}")));
                await MatrixAnswer.JsonAsync(context, StatusCodes.Status200OK, JsonSerializer.SerializeToUtf8Bytes(reply, LoginJson.Default.LoginReply));
                break;
            case LoginResult.NotProved:
                throttle.Failed(device.Id);
                await MatrixAnswer.ForbiddenAsync(context, LoginTexts.In(context.Request, LoginTexts.WrongCode));
                break;
            default:
                // A try as well: else one app could have the homeserver asked without end.
                throttle.Failed(device.Id);
                await MatrixAnswer.UnavailableAsync(context);
                break;
        }
    }
}

/// <summary>As far as we read it. A wish for refresh tokens is not read: there are none.</summary>
internal sealed record LoginBody(string? Type, string? Password, string? Token, string? DeviceId, string? InitialDeviceDisplayName)
{
    /// <summary>A record prints its members, and this one has a code.</summary>
    public override string ToString() => nameof(LoginBody);
}

internal sealed record FlowsReply(IReadOnlyList<LoginFlow> Flows);

internal sealed record LoginFlow(string Type, IReadOnlyList<IdentityProvider>? IdentityProviders);

internal sealed record IdentityProvider(string Id, string Name);

internal sealed record LoginReply(string UserId, string AccessToken, string DeviceId, string HomeServer, WellKnown WellKnown)
{
    public override string ToString() => nameof(LoginReply);
}

internal sealed record WellKnown([property: JsonPropertyName("m.homeserver")] BaseUrl Homeserver);

internal sealed record BaseUrl([property: JsonPropertyName("base_url")] string Value);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(FlowsReply))]
[JsonSerializable(typeof(LoginBody))]
[JsonSerializable(typeof(LoginReply))]
internal sealed partial class LoginJson : JsonSerializerContext;
