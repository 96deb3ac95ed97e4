using System.Text.Json;
using System.Text.Json.Serialization;

namespace Gateway.Proxy;

/// <summary>The gateway's own answers on Matrix paths, in the form that clients understand (Matrix specification, "Standard error response").</summary>
internal static class MatrixAnswer
{
    /// <summary>
    /// The one answer on which clients erase their data. Only for a device with a stored revocation, or a token whose
    /// logout is recorded: a fault of ours must never say this.
    /// </summary>
    public static Task UnknownTokenAsync(HttpContext context) =>
        WriteAsync(context, StatusCodes.Status401Unauthorized, new ErrorBody("M_UNKNOWN_TOKEN", "This session has ended", SoftLogout: false));

    public static Task MissingTokenAsync(HttpContext context) =>
        WriteAsync(context, StatusCodes.Status401Unauthorized, new ErrorBody("M_MISSING_TOKEN", "Missing access token", null));

    public static Task ForbiddenAsync(HttpContext context, string error) =>
        WriteAsync(context, StatusCodes.Status403Forbidden, new ErrorBody("M_FORBIDDEN", error, null));

    public static Task UnrecognizedAsync(HttpContext context, int status = StatusCodes.Status404NotFound) =>
        WriteAsync(context, status, new ErrorBody("M_UNRECOGNIZED", "Unrecognized request", null));

    public static Task BadJsonAsync(HttpContext context, string error) =>
        WriteAsync(context, StatusCodes.Status400BadRequest, new ErrorBody("M_BAD_JSON", error, null));

    /// <summary>A body that is broken (400), too slow (408) or too large (413).</summary>
    public static Task BadBodyAsync(HttpContext context, int status) =>
        WriteAsync(context, status, status == StatusCodes.Status413PayloadTooLarge
            ? new ErrorBody("M_TOO_LARGE", "The request is too large", null)
            : new ErrorBody("M_UNKNOWN", "The request did not arrive whole", null));

    /// <summary>For a refusal that was no Matrix error. Its status goes on where it speaks of the request, so that nobody tries for ever.</summary>
    public static Task ForeignReplyAsync(HttpContext context, int status) =>
        status is >= 402 and < 500 or StatusCodes.Status400BadRequest
            ? WriteAsync(context, status, new ErrorBody("M_UNKNOWN", "The request was refused", null))
            : UnavailableAsync(context);

    public static Task FaultAsync(HttpContext context) =>
        WriteAsync(context, StatusCodes.Status500InternalServerError, new ErrorBody("M_UNKNOWN", "Internal server error", null));

    /// <summary>Where the homeserver is (Client-Server API, "Well-known URI").</summary>
    public static Task WellKnownAsync(HttpContext context, string serverName) =>
        JsonAsync(context, StatusCodes.Status200OK, System.Text.Encoding.UTF8.GetBytes($$$"""{"m.homeserver":{"base_url":"https://{{{serverName}}}"}}"""));

    public static Task LimitExceededAsync(HttpContext context, string error, TimeSpan retryAfter)
    {
        context.Response.Headers.RetryAfter = ((int)Math.Ceiling(retryAfter.TotalSeconds)).ToString(System.Globalization.CultureInfo.InvariantCulture);
        return WriteAsync(context, StatusCodes.Status429TooManyRequests, new ErrorBody("M_LIMIT_EXCEEDED", error, null, (long)Math.Ceiling(retryAfter.TotalMilliseconds)));
    }

    public static Task UnavailableAsync(HttpContext context)
    {
        context.Response.Headers.RetryAfter = "5";
        return WriteAsync(context, StatusCodes.Status503ServiceUnavailable, new ErrorBody("M_UNKNOWN", "The server is not available now", null));
    }

    public static async Task JsonAsync(HttpContext context, int status, ReadOnlyMemory<byte> json)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json";
        context.Response.ContentLength = json.Length;
        context.Response.Headers.CacheControl = "no-store";
        await context.Response.Body.WriteAsync(json, context.RequestAborted);
    }

    private static Task WriteAsync(HttpContext context, int status, ErrorBody body) =>
        JsonAsync(context, status, JsonSerializer.SerializeToUtf8Bytes(body, MatrixAnswerJson.Default.ErrorBody));
}

/// <summary><see cref="RetryAfterMs"/> is the header's older form, which some clients read alone.</summary>
internal sealed record ErrorBody(string Errcode, string Error, bool? SoftLogout, long? RetryAfterMs = null);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ErrorBody))]
internal sealed partial class MatrixAnswerJson : JsonSerializerContext;
