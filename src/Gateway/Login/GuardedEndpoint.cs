using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Gateway.Onboarding.Keys;
using Gateway.Onboarding.LoginGrants;
using Gateway.Proxy;

namespace Gateway.Login;

/// <summary>
/// User-Interactive Authentication (Client-Server API) as the gateway does it: the one stage is a password, and the password
/// is a login code, so that clients show the field that they have. See <see cref="GuardedActs"/> for what needs it.
/// </summary>
internal sealed class GuardedEndpoint(GuardedActs acts, LoginThrottle throttle, Entropy entropy)
{
    private const int MaxBody = 64 * 1024;

    /// <summary>Two readers of one body must not see two identities.</summary>
    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false };

    public async Task AnswerAsync(HttpContext context, DeviceEntry device, SessionEntry session, Passage passage, string target)
    {
        var body = await ReadAsync(context);
        if (body is null && (passage != Passage.EndSession || context.Request.ContentLength is > 0))
        {
            await MatrixAnswer.BadJsonAsync(context, "The request is not a JSON object, says a thing twice, or is too large");
            return;
        }

        var proof = body?["auth"] as JsonObject;
        var typed = proof?["password"] is JsonValue value && value.TryGetValue<string>(out var text) ? text : null;
        var code = LoginCode.TryParse(typed);
        if (typed is not null && code is null)
        {
            await AskAsync(context, proof, LoginTexts.NotACode);
            return;
        }

        if (code is not null && throttle.Try(device.Id) is { } wait)
        {
            await MatrixAnswer.LimitExceededAsync(context, LoginTexts.In(context.Request, LoginTexts.TooManyTries), wait);
            return;
        }

        var actor = ActorOf(context, device, session);
        var result = passage switch
        {
            Passage.CrossSigningKeys => await acts.ReplaceIdentityAsync(actor, body!, code, context.RequestAborted),
            _ when SessionsOf(passage, target, body) is { Count: > 0 } ids => await acts.EndSessionsAsync(actor, ids, code, context.RequestAborted),
            _ => null,
        };
        if (code is not null && result is not ActResult.NotPermitted)
        {
            throttle.TakeBack(device.Id);
        }

        await AnswerAsync(context, proof, result);
    }

    /// <summary>The session whose token the gate has found to be this device's.</summary>
    public static Actor ActorOf(HttpContext context, DeviceEntry device, SessionEntry session) =>
        new(device.Id, session.MatrixDeviceId, new AccessToken(context.Request.Headers.Authorization.ToString()["Bearer ".Length..]));

    private async Task AnswerAsync(HttpContext context, JsonObject? proof, ActResult? result)
    {
        switch (result)
        {
            case ActResult.Answered(var status, var json):
                await MatrixAnswer.JsonAsync(context, status, json);
                break;
            case ActResult.NotPermitted { WrongCode: true }:
                await AskAsync(context, proof, LoginTexts.WrongCode);
                break;
            case ActResult.NotPermitted:
                await AskAsync(context, proof, null);
                break;
            case null:
                await MatrixAnswer.BadJsonAsync(context, "The request names no sessions");
                break;
            default:
                await MatrixAnswer.UnavailableAsync(context);
                break;
        }
    }

    /// <summary>The sessions that the request names, from its path or its body.</summary>
    private static List<string>? SessionsOf(Passage passage, string target, JsonObject? body)
    {
        if (passage == Passage.EndSession)
        {
            var path = target.Split('?')[0];
            return [Uri.UnescapeDataString(path[(path.LastIndexOf('/') + 1)..])];
        }

        return body?["devices"] is JsonArray devices && devices.All(id => id is JsonValue value && value.TryGetValue<string>(out _))
            ? [.. devices.Select(id => (string)id!)]
            : null;
    }

    private Task AskAsync(HttpContext context, JsonObject? proof, string? fault)
    {
        var session = proof?["session"] is JsonValue value && value.TryGetValue<string>(out var known) && known.Length <= 64 ? known : Convert.ToHexStringLower(entropy.Bytes(12));
        var question = new ProofQuestion([new(["m.login.password"])], [], new(), session, fault is null ? null : "M_FORBIDDEN", fault is null ? null : LoginTexts.In(context.Request, fault));
        return MatrixAnswer.JsonAsync(context, StatusCodes.Status401Unauthorized, JsonSerializer.SerializeToUtf8Bytes(question, ProofJson.Default.ProofQuestion));
    }

    private static async Task<JsonObject?> ReadAsync(HttpContext context)
    {
        var buffer = new byte[MaxBody + 1];
        var length = await context.Request.Body.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, context.RequestAborted);
        try
        {
            return length <= MaxBody && IsText(buffer.AsSpan(0, length)) ? JsonNode.Parse(buffer.AsSpan(0, length), documentOptions: Strict) as JsonObject : null;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    /// <summary>Throws where a string holds half a character: the parser would only when it is read, or never.</summary>
    private static bool IsText(ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json);
        while (reader.Read())
        {
            if (reader.TokenType is JsonTokenType.String or JsonTokenType.PropertyName)
            {
                reader.GetString();
            }
        }

        return true;
    }
}

internal sealed record ProofQuestion(IReadOnlyList<ProofFlow> Flows, IReadOnlyList<string> Completed, ProofParams Params, string Session, string? Errcode, string? Error);

internal sealed record ProofFlow(IReadOnlyList<string> Stages);

internal sealed record ProofParams;

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ProofQuestion))]
internal sealed partial class ProofJson : JsonSerializerContext;
