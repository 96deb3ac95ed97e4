using System.Text.Json;
using System.Text.Json.Serialization;
using Gateway.Onboarding.LoginGrants;
using Gateway.Proxy;

namespace Gateway.Login;

/// <summary>
/// What a Matrix client sees of logging in (Client-Server API, "Login"): the gateway answers, not the homeserver. The
/// password is the login code; who signs in is decided by the tunnel, not by what was typed as a name.
/// </summary>
internal sealed class LoginEndpoint(Logins logins, LoginThrottle throttle, GatewayOptions gateway)
{
    private const int MaxBody = 16 * 1024;

    private static readonly byte[] Flows = """{"flows":[{"type":"m.login.password"}]}"""u8.ToArray();

    public static Task FlowsAsync(HttpContext context) => MatrixAnswer.JsonAsync(context, StatusCodes.Status200OK, Flows);

    public async Task LoginAsync(HttpContext context, DeviceEntry device)
    {
        if (throttle.MustWait(device.Id) is { } wait)
        {
            await MatrixAnswer.LimitExceededAsync(context, LoginTexts.In(context.Request, LoginTexts.TooManyTries), wait);
            return;
        }

        var (body, fault) = await ReadAsync(context);
        if (body is null)
        {
            await MatrixAnswer.BadJsonAsync(context, fault!);
            return;
        }

        if (body.Type != "m.login.password")
        {
            await MatrixAnswer.ForbiddenAsync(context, LoginTexts.In(context.Request, LoginTexts.OtherWay));
            return;
        }

        // A typing error is told from a wrong code by the checksum, and is no try.
        if (LoginCode.TryParse(body.Password) is not { } code)
        {
            await MatrixAnswer.ForbiddenAsync(context, LoginTexts.In(context.Request, LoginTexts.NotACode));
            return;
        }

        var result = await logins.LoginAsync(device.Id, code, new LoginWish(body.DeviceId, body.InitialDeviceDisplayName), context.RequestAborted);
        await AnswerAsync(context, device, result);
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
            case LoginResult.WrongCode:
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

    private static async Task<(LoginBody? Body, string? Fault)> ReadAsync(HttpContext context)
    {
        var buffer = new byte[MaxBody + 1];
        var length = await context.Request.Body.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, context.RequestAborted);
        if (length > MaxBody)
        {
            return (null, "The request is too large");
        }

        try
        {
            return (JsonSerializer.Deserialize(buffer.AsSpan(0, length), LoginJson.Default.LoginBody), "The request is not a login");
        }
        catch (JsonException)
        {
            return (null, "The request is not JSON of a login");
        }
    }
}

/// <summary>As far as we read it. A wish for refresh tokens is not read: there are none.</summary>
internal sealed record LoginBody(string? Type, string? Password, string? DeviceId, string? InitialDeviceDisplayName)
{
    /// <summary>A record prints its members, and this one has a code.</summary>
    public override string ToString() => nameof(LoginBody);
}

internal sealed record LoginReply(string UserId, string AccessToken, string DeviceId, string HomeServer, WellKnown WellKnown)
{
    public override string ToString() => nameof(LoginReply);
}

internal sealed record WellKnown([property: JsonPropertyName("m.homeserver")] BaseUrl Homeserver);

internal sealed record BaseUrl([property: JsonPropertyName("base_url")] string Value);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(LoginBody))]
[JsonSerializable(typeof(LoginReply))]
internal sealed partial class LoginJson : JsonSerializerContext;
