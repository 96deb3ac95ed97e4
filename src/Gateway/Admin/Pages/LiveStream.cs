using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Serialization;
using Gateway.Admin.Access;

namespace Gateway.Admin.Pages;

/// <summary>
/// The part of a page with this id, as it is now; no <see cref="Html"/>: it is gone. Where it is new it goes into the list
/// <see cref="In"/>, in front of <see cref="Before"/> or at the end.
/// </summary>
internal sealed record Patch(string Id, string? Html, string? In = null, string? Before = null);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(Patch))]
internal sealed partial class PatchJson : JsonSerializerContext;

/// <summary>
/// Keeps an open page as the server sees it, by server-sent events: parts are sent when they changed, and else nothing but
/// a sign of life now and then. It ends with the session.
/// </summary>
internal sealed class LiveStream(ChangeFeed feed, TimeProvider time)
{
    /// <summary>So that a proxy, or the browser, does not take the silence for the end.</summary>
    private static readonly TimeSpan SignOfLife = TimeSpan.FromSeconds(20);

    /// <summary>Where the page's address says <c>?v=</c> the version that it was made at (<see cref="ChangeFeed.Version"/>), what changed since then is sent first.</summary>
    /// <param name="context">The request.</param>
    /// <param name="parts">What of the page is not as it was, after these changes.</param>
    /// <param name="alwaysAsk">Also at each sign of life, for what no change tells of.</param>
    public async Task SendAsync(HttpContext context, Func<Changes, CancellationToken, IAsyncEnumerable<Patch>> parts, bool alwaysAsk = false)
    {
        context.Response.ContentType = "text/event-stream";
        using var over = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, context.Session().Over);
        try
        {
            await SseFormatter.WriteAsync(EventsAsync(context, parts, alwaysAsk, over.Token), context.Response.Body, Format, over.Token);
        }
        catch (OperationCanceledException)
        {
            // The page was closed, or the session is over: the browser asks again and is told so.
        }
    }

    private async IAsyncEnumerable<SseItem<Patch?>> EventsAsync(
        HttpContext context, Func<Changes, CancellationToken, IAsyncEnumerable<Patch>> parts, bool alwaysAsk, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var reader = feed.Open();
        string seen = context.Request.Headers["Last-Event-ID"] is [{ } last] ? last : context.Request.Query["v"].ToString();
        var version = feed.Version;
        var changes = seen == version ? Changes.None : Changes.Everything;
        while (context.Session().Ends > time.GetUtcNow())
        {
            var still = !changes.Any;
            if (changes.Any || alwaysAsk)
            {
                await foreach (var patch in parts(changes, cancellationToken))
                {
                    still = false;
                    yield return new SseItem<Patch?>(patch, "patch") { EventId = version };
                }
            }

            if (still)
            {
                yield return new SseItem<Patch?>(null, "still") { EventId = version };
            }

            await context.Response.Body.FlushAsync(cancellationToken);
            await reader.WaitAsync(SignOfLife, time, cancellationToken);
            version = feed.Version;
            changes = reader.Take();
        }
    }

    private static void Format(SseItem<Patch?> item, System.Buffers.IBufferWriter<byte> writer)
    {
        using var json = new Utf8JsonWriter(writer);
        if (item.Data is { } patch)
        {
            JsonSerializer.Serialize(json, patch, PatchJson.Default.Patch);
        }
        else
        {
            json.WriteNullValue();
        }
    }
}
