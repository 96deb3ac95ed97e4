using System.Net.Http.Headers;
using System.Text.Json;

namespace Gateway.EndToEnd.Lab;

/// <summary>
/// A member who speaks to Synapse around the gateway, in plain requests: what comes back is what Synapse does by itself.
/// The account has no password; its session is opened as the gateway opens them.
/// </summary>
public sealed class PlainMember
{
    private readonly HomeserverHost homeserver;
    private int messages;

    private PlainMember(HomeserverHost homeserver, string userId, string token)
    {
        this.homeserver = homeserver;
        UserId = userId;
        Token = token;
    }

    public string UserId { get; }

    public string Token { get; }

    /// <summary>With a new account, or once more with the one that is there.</summary>
    public static async Task<PlainMember> SignInAsync(HomeserverHost homeserver, string name)
    {
        var userId = $"@{name}:{GatewayHost.ServerName}";
        if (!await homeserver.AccountExistsAsync(userId))
        {
            await homeserver.AskAsync(HttpMethod.Post, "_matrix/client/v3/register", $$"""{"type": "m.login.application_service", "username": "{{name}}", "inhibit_login": true}""");
        }

        var login = await homeserver.AskAsync(HttpMethod.Post, "_matrix/client/v3/login", LoginBody(name));
        return new PlainMember(homeserver, userId, login.GetProperty("access_token").GetString()!);
    }

    /// <summary>As apps would have it that ask for a refresh token.</summary>
    public static string LoginBody(string name) =>
        $$"""{"type": "m.login.application_service", "identifier": {"type": "m.id.user", "user": "{{name}}"}, "refresh_token": true}""";

    public static string In(string room, string what) => $"_matrix/client/v3/rooms/{Uri.EscapeDataString(room)}/{what}";

    public Task<MatrixAnswer> SendAsync(HttpMethod method, string target, string? json = null) =>
        homeserver.SendAsync(method, target, Token, json is null ? null : new StringContent(json, new MediaTypeHeaderValue("application/json")));

    /// <summary>The same for what must succeed.</summary>
    public async Task<JsonElement> AskAsync(HttpMethod method, string target, string? json = null)
    {
        var answer = await SendAsync(method, target, json);
        Assert.True((int)answer.Status < 300, $"{method} {target}: {(int)answer.Status} {answer.Text}");
        return answer.Json;
    }

    public async Task<string> CreateRoomAsync(string body = "{}") =>
        (await AskAsync(HttpMethod.Post, "_matrix/client/v3/createRoom", body)).GetProperty("room_id").GetString()!;

    public Task JoinAsync(string room) => AskAsync(HttpMethod.Post, In(room, "join"), "{}");

    /// <summary>Readable for the server: so that a story sees what becomes of the words.</summary>
    public async Task<string> SayAsync(string room, string text)
    {
        var answer = await AskAsync(HttpMethod.Put, In(room, $"send/m.room.message/{Token[^8..]}{++messages}"), $$"""{"msgtype": "m.text", "body": "{{text}}"}""");
        return answer.GetProperty("event_id").GetString()!;
    }
}
