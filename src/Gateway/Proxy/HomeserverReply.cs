using System.Net;
using System.Text.Json;

namespace Gateway.Proxy;

/// <summary>What a reply of the homeserver may be to a client. Zero is shut.</summary>
internal enum HomeserverReply
{
    /// <summary>Nothing that Matrix says, from a proxy in between or a broken homeserver: no client may take an order from it.</summary>
    Foreign = 0,

    /// <summary>It refuses the token, on which clients erase their data.</summary>
    RefusesToken,

    /// <summary>It may pass.</summary>
    Plain,
}

/// <summary>
/// Reads refusals before they pass. Clients look for the code M_UNKNOWN_TOKEN alone, whatever the status and the type, and
/// each in its own way: so only what has one meaning goes on, and everything else is not a refusal that anybody may see.
/// </summary>
internal static class HomeserverReplies
{
    /// <summary>The largest refusals, with an account's keys in them, are far smaller.</summary>
    private const int MaxRefusal = 64 * 1024;

    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false };

    /// <summary>By its status alone: no refusal and no redirect.</summary>
    public static bool IsPlain(HttpResponseMessage reply) => (int)reply.StatusCode < 300 || reply.StatusCode == HttpStatusCode.NotModified;

    /// <summary>The body stays readable. Throws where it breaks off or is too large.</summary>
    public static async ValueTask<HomeserverReply> ReadAsync(HttpResponseMessage reply, CancellationToken cancellationToken)
    {
        if (IsPlain(reply))
        {
            return HomeserverReply.Plain;
        }

        // A redirect leads to where only we can go.
        if ((int)reply.StatusCode < 400 || reply.Content.Headers.ContentEncoding.Count > 0)
        {
            return HomeserverReply.Foreign;
        }

        await reply.Content.LoadIntoBufferAsync(MaxRefusal, cancellationToken);
        var body = await reply.Content.ReadAsByteArrayAsync(cancellationToken);
        try
        {
            using var json = JsonDocument.Parse(body, Strict);
            return Of(json.RootElement, reply.StatusCode);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return HomeserverReply.Foreign;
        }
    }

    private static HomeserverReply Of(JsonElement body, HttpStatusCode status)
    {
        if (body.ValueKind != JsonValueKind.Object)
        {
            return HomeserverReply.Foreign;
        }

        if (body.TryGetProperty("errcode", out var errcode))
        {
            return errcode.ValueKind != JsonValueKind.String ? HomeserverReply.Foreign
                : errcode.ValueEquals("M_UNKNOWN_TOKEN") ? HomeserverReply.RefusesToken
                : HomeserverReply.Plain;
        }

        // 401 without a code is User-Interactive Authentication or nothing.
        return status != HttpStatusCode.Unauthorized || body.TryGetProperty("flows", out _) ? HomeserverReply.Plain : HomeserverReply.Foreign;
    }
}
