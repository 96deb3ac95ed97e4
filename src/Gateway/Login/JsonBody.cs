using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Gateway.Login;

/// <summary>Small JSON bodies of what the gateway answers itself.</summary>
internal static class JsonBody
{
    /// <summary>Null where the body is not that, or larger than <paramref name="most"/> bytes.</summary>
    public static async Task<T?> ReadAsync<T>(HttpContext context, int most, JsonTypeInfo<T> type)
        where T : class
    {
        var buffer = new byte[most + 1];
        var length = await context.Request.Body.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, context.RequestAborted);
        try
        {
            return length <= most ? JsonSerializer.Deserialize(buffer.AsSpan(0, length), type) : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
