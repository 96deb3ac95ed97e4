using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;

namespace Gateway.EndToEnd.Lab;

/// <summary>An answer as a Matrix client sees it.</summary>
public sealed record MatrixAnswer(HttpStatusCode Status, string Text)
{
    /// <summary>The Matrix error code, or null.</summary>
    public string? ErrorCode => Json.TryGetProperty("errcode", out var code) ? code.GetString() : null;

    /// <summary>Whether the client is told to keep its data; absent means false.</summary>
    public bool SoftLogout => Json.TryGetProperty("soft_logout", out var soft) && soft.GetBoolean();

    public JsonElement Json => Text.StartsWith('{') ? JsonElement.Parse(Text) : JsonElement.Parse("{}");

    public static HttpRequestMessage Request(HttpMethod method, string target, string? accessToken)
    {
        var request = new HttpRequestMessage(method, target);
        request.Headers.Authorization = accessToken is null ? null : new AuthenticationHeaderValue("Bearer", accessToken);
        return request;
    }

    public static async Task<MatrixAnswer> ReadAsync(HttpResponseMessage response)
    {
        using (response)
        {
            return new MatrixAnswer(response.StatusCode, await response.Content.ReadAsStringAsync());
        }
    }
}
