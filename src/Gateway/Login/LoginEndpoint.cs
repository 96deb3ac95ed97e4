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
        if (await JsonBody.ReadAsync(context, MaxBody, LoginJson.Default.LoginBody) is not { } body)
        {
            await MatrixAnswer.BadJsonAsync(context, "The request is not JSON of a login, or too large");
            return;
        }

        await (body.Type switch
        {
            "m.login.password" => WithCodeAsync(context, device, body),
            "m.login.token" => WithTokenAsync(context, device, body),
            _ => MatrixAnswer.ForbiddenAsync(context, LoginTexts.In(context.Request, LoginTexts.OtherWay)),
        });
    }

    private async Task WithCodeAsync(HttpContext context, DeviceEntry device, LoginBody body)
    {
        // A typing error is told from a wrong code by the checksum, and is no try.
        if (LoginCode.TryParse(body.Password) is not { } code)
        {
            await MatrixAnswer.ForbiddenAsync(context, LoginTexts.In(context.Request, LoginTexts.NotACode));
            return;
        }

        if (logins.Armed(device.Id) is null)
        {
            await NoGrantAsync(context);
            return;
        }

        if (throttle.Try(device.Id) is { } wait)
        {
            await MatrixAnswer.LimitExceededAsync(context, LoginTexts.In(context.Request, LoginTexts.TooManyTries), wait);
            return;
        }

        var result = await logins.LoginAsync(device.Id, new LoginProof.Code(code), new LoginWish(body.DeviceId, body.InitialDeviceDisplayName), context.RequestAborted);
        switch (result)
        {
            case LoginResult.Opened:
                throttle.Forget(device.Id);
                break;
            case LoginResult.Unavailable:
                throttle.TakeBack(device.Id);
                break;
        }

        await AnswerAsync(context, device, result);
    }

    /// <summary>After SSO; the token was made where the proof was given.</summary>
    private async Task WithTokenAsync(HttpContext context, DeviceEntry device, LoginBody body)
    {
        if (signIns.Redeem(device.Id, body.Token) is not { Proof: { } proof, Request: SignInRequest.Sso } signIn)
        {
            await MatrixAnswer.ForbiddenAsync(context, LoginTexts.In(context.Request, LoginTexts.Late));
            return;
        }

        var wish = new LoginWish(body.DeviceId, body.InitialDeviceDisplayName ?? signIn.App.Name);
        await AnswerAsync(context, device, await logins.LoginAsync(device.Id, proof, wish, context.RequestAborted));
    }

    private async Task AnswerAsync(HttpContext context, DeviceEntry device, LoginResult result)
    {
        switch (result)
        {
            case LoginResult.Opened opened:
                var reply = new LoginReply(
                    opened.UserId,
                    opened.Token.Reveal(),
                    opened.MatrixDeviceId,
                    gateway.ServerName,
                    new WellKnown(new BaseUrl($"https://{gateway.ServerName}")));
                await MatrixAnswer.JsonAsync(context, StatusCodes.Status200OK, JsonSerializer.SerializeToUtf8Bytes(reply, LoginJson.Default.LoginReply));
                break;
            case LoginResult.NotProved when logins.Armed(device.Id) is null:
                await NoGrantAsync(context);
                break;
            case LoginResult.NotProved:
                await MatrixAnswer.ForbiddenAsync(context, LoginTexts.In(context.Request, LoginTexts.WrongCode));
                break;
            default:
                await MatrixAnswer.UnavailableAsync(context);
                break;
        }
    }

    private static Task NoGrantAsync(HttpContext context) =>
        MatrixAnswer.ForbiddenAsync(context, $"{LoginTexts.In(context.Request, LoginTexts.NoGrantTitle)}. {LoginTexts.In(context.Request, LoginTexts.NoGrant)}");
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
