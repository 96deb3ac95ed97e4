using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Gateway.EndToEnd.Lab;

/// <summary>
/// A second Matrix app, which shares no code with the first: a process with python3-matrix-nio and libolm in the phone's
/// namespace (Clients/member.py).
/// </summary>
public sealed class NioClient(Phone phone) : InstructedProgram(Describe(phone), "nio")
{
    public string AccessToken { get; private set; } = "";

    /// <summary>What the server offers, as the library reads it.</summary>
    public async Task<IReadOnlyList<string>> FlowsAsync() =>
        [.. (await AskAsync("flows")).GetProperty("flows").EnumerateArray().Select(flow => flow.GetString()!)];

    /// <summary>Signs in with the login code where a password is asked for; returns the Matrix device ID.</summary>
    public Task<string> LoginAsync(string member, string code) => LoginAsync(member, "code", code);

    /// <summary>Signs in with what the browser brought back (m.login.token).</summary>
    public Task<string> LoginWithTokenAsync(string member, string token) => LoginAsync(member, "token", token);

    /// <summary>Starts the sync loop, and waits for the first sync and for the upload of its keys.</summary>
    public Task StartAsync() => AskAsync("start");

    public async Task<string> CreateRoomAsync(params string[] invite)
    {
        var invited = new JsonArray([.. invite.Select(user => JsonValue.Create(user))]);
        return (await AskAsync("create_room", new JsonObject { ["invite"] = invited })).GetProperty("room").GetString()!;
    }

    public Task JoinAsync(string room) => AskAsync("join", new JsonObject { ["room"] = room });

    /// <summary>Waits until this client has seen the other one join and knows their keys, so that it encrypts for them too.</summary>
    public Task SeeJoinAsync(string room, string user) => AskAsync("see_join", new JsonObject { ["room"] = room, ["user"] = user });

    public Task SendAsync(string room, string text) => AskAsync("send", new JsonObject { ["room"] = room, ["text"] = text });

    public Task<JsonElement> ReceiveAsync(string text) => AskAsync("receive", new JsonObject { ["text"] = text });

    /// <summary>Uploads random bytes; the answer has their address and SHA-256.</summary>
    public Task<JsonElement> UploadAsync(int bytes) => AskAsync("upload", new JsonObject { ["bytes"] = bytes });

    public Task<JsonElement> DownloadAsync(string media) => AskAsync("download", new JsonObject { ["uri"] = media });

    /// <summary>The member's sessions, as the library lists them.</summary>
    public async Task<IReadOnlyList<string>> SessionsAsync() =>
        [.. (await AskAsync("sessions")).GetProperty("sessions").EnumerateArray().Select(session => session.GetString()!)];

    public async Task<string> WhoAmIAsync() => (await AskAsync("who_am_i")).GetProperty("userId").GetString()!;

    public Task LogoutAsync() => AskAsync("logout");

    private static ProcessStartInfo Describe(Phone phone)
    {
        // Only the phone's own folder is seen in the root.
        var program = Path.Combine(phone.Folder, "member.py");
        File.Copy(Path.Combine(AppContext.BaseDirectory, "Clients", "member.py"), program, overwrite: true);
        var start = SynapseRoot.Describe(phone.Space, phone.Folder, "python3", program, $"https://{GatewayHost.ServerName}");
        start.Environment["SSL_CERT_FILE"] = Path.Combine(phone.Folder, "authority.pem");
        return start;
    }

    private async Task<string> LoginAsync(string member, string proof, string value)
    {
        var session = await AskAsync("login", new JsonObject { ["user"] = member, ["device"] = "Nio client", [proof] = value });
        AccessToken = session.GetProperty("accessToken").GetString()!;
        return session.GetProperty("sessionId").GetString()!;
    }
}
