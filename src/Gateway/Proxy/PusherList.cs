using System.Text.Json;

namespace Gateway.Proxy;

/// <summary>
/// Where notifications may be sent. A pusher makes the homeserver call an address outside for each message, so only the
/// servers of the apps that we know are on the list, and those of <c>Homeserver:PushUrls</c>. They get the event's ID alone: without
/// that format Synapse tells them the names of sender and room, whatever its <c>push.include_content</c> says (push/httppusher.py).
/// </summary>
internal sealed class PusherList(HomeserverOptions options)
{
    private const int MaxBody = 64 * 1024;

    /// <summary>Element and Element X; FluffyChat; the public UnifiedPush gateway that Android apps use without Google.</summary>
    private static readonly string[] Known =
    [
        "https://matrix.org/_matrix/push/v1/notify",
        "https://push.fluffychat.im/_matrix/push/v1/notify",
        "https://matrix.gateway.unifiedpush.org/_matrix/push/v1/notify",
    ];

    /// <summary>Strict: two readers of one text must not see two addresses.</summary>
    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false };

    /// <summary>
    /// Reads the body of POST pushers/set, puts it back as it was, and says whether it may pass: null, or what is wrong.
    /// </summary>
    public async Task<string?> FaultAsync(HttpContext context)
    {
        var buffer = new byte[MaxBody + 1];
        var length = await context.Request.Body.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, context.RequestAborted);
        if (length > MaxBody)
        {
            return "The pusher is too large";
        }

        context.Request.Body = new MemoryStream(buffer, 0, length, writable: false);
        try
        {
            using var json = JsonDocument.Parse(buffer.AsMemory(0, length), Strict);
            return Fault(json.RootElement);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // InvalidOperationException: half of a surrogate pair.
            return "The pusher is not JSON, or says a thing twice";
        }
    }

    private string? Fault(JsonElement pusher)
    {
        if (pusher.ValueKind != JsonValueKind.Object || !pusher.TryGetProperty("kind", out var kind))
        {
            return "The pusher has no kind";
        }

        if (kind.ValueKind == JsonValueKind.Null)
        {
            return null;
        }

        return kind.ValueKind == JsonValueKind.String && kind.ValueEquals("http")
            && pusher.TryGetProperty("data", out var data) && data.ValueKind == JsonValueKind.Object
            && data.TryGetProperty("url", out var url) && url.ValueKind == JsonValueKind.String
            && (Known.Contains(url.GetString(), StringComparer.Ordinal) || options.PushUrls.Contains(url.GetString(), StringComparer.Ordinal))
                ? FormatFault(data)
                : "Notifications may not be sent to this address";
    }

    private static string? FormatFault(JsonElement data) =>
        data.TryGetProperty("format", out var format) && format.ValueKind == JsonValueKind.String && format.ValueEquals("event_id_only")
            ? null
            : "Notifications may say no more than an event's ID (format event_id_only)";
}
