using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Gateway.EndToEnd.Lab;

/// <summary>
/// A Matrix app on a phone: a process with matrix-js-sdk in the phone's namespace (Clients/member.mjs), which trusts the
/// lab's authority and knows the server by its name. Commands may run side by side.
/// </summary>
public sealed class MatrixClient(Phone phone) : InstructedProgram(Describe(phone), "client")
{
    public string AccessToken { get; private set; } = "";

    public string SessionId { get; private set; } = "";

    public async Task<JsonElement> LoginAsync(string member, string code) =>
        Keep(await AskAsync("login", new JsonObject { ["user"] = member, ["code"] = code, ["device"] = "Lab client" }));

    /// <summary>Where the app sends its member to sign in by SSO, with an app that is led back to <paramref name="back"/>.</summary>
    public async Task<string> SsoAddressAsync(string back) =>
        (await AskAsync("ssoAddress", new JsonObject { ["back"] = back })).GetProperty("address").GetString()!;

    /// <summary>The same by OAuth: metadata, registration, and the address with its PKCE challenge.</summary>
    public async Task<string> OAuthAddressAsync(string back) =>
        (await AskAsync("oauthAddress", new JsonObject { ["back"] = back })).GetProperty("address").GetString()!;

    /// <summary>The app is led back to this address, with the one-time token or code in it, and opens its session.</summary>
    public async Task<JsonElement> ComeBackAsync(string address) => Keep(await AskAsync("comeBack", new JsonObject { ["address"] = address }));

    /// <summary>Starts end-to-end encryption and the sync loop, and waits for the first sync.</summary>
    public Task StartAsync() => AskAsync("start");

    public async Task<string> CreateRoomAsync(params string[] invite)
    {
        var answer = await AskAsync("createRoom", new JsonObject { ["invite"] = new JsonArray([.. invite.Select(user => JsonValue.Create(user))]) });
        return answer.GetProperty("room").GetString()!;
    }

    /// <summary>Waits for the invitation and accepts it.</summary>
    public Task JoinAsync(string room) => AskAsync("join", new JsonObject { ["room"] = room });

    /// <summary>Waits until this client has seen the other one join.</summary>
    public Task SeeJoinAsync(string room, string user) => AskAsync("seeJoin", new JsonObject { ["room"] = room, ["user"] = user });

    public Task SendAsync(string room, string text) => AskAsync("send", new JsonObject { ["room"] = room, ["text"] = text });

    /// <summary>Waits until a message with this text was decrypted; says by whom and as what it was sent.</summary>
    public Task<JsonElement> ReceiveAsync(string text) => AskAsync("receive", new JsonObject { ["text"] = text });

    /// <summary>Uploads random bytes; the answer has their address and SHA-256.</summary>
    public Task<JsonElement> UploadAsync(int bytes) => AskAsync("upload", new JsonObject { ["bytes"] = bytes });

    public Task<JsonElement> DownloadAsync(string media) => AskAsync("download", new JsonObject { ["uri"] = media });

    public Task<JsonElement> WhoAmIAsync() => AskAsync("whoAmI");

    public Task LogoutAsync() => AskAsync("logout");

    /// <summary>Asks for a fresh token with a refresh token, which nobody here was ever given.</summary>
    public Task RefreshAsync() => AskAsync("refresh");

    /// <summary>Makes the member's identity, recovery key and key backup, as apps do after the first login; returns the recovery key.</summary>
    public async Task<string> SetUpRecoveryAsync() => (await AskAsync("setUpRecovery")).GetProperty("recoveryKey").GetString()!;

    /// <summary>Takes the identity and the backup over with the recovery key, as the next device of the same member does.</summary>
    public Task RecoverAsync(string recoveryKey) => AskAsync("recover", new JsonObject { ["recoveryKey"] = recoveryKey });

    /// <summary>Begins new encryption sessions until one's ID has a slash, and sends the text in that. Returns the ID.</summary>
    public async Task<string> SendInSlashedSessionAsync(string room, string text) =>
        (await AskAsync("sendInSlashedSession", new JsonObject { ["room"] = room, ["text"] = text })).GetProperty("session").GetString()!;

    /// <summary>Replaces identity and recovery, as after a lost phone; with the code where the server asked for a password. Returns the public master key.</summary>
    public async Task<string> ResetIdentityAsync(string? code = null) =>
        (await AskAsync("resetIdentity", new JsonObject { ["code"] = code })).GetProperty("masterKey").GetString()!;

    /// <summary>Ends another session of the same member; with the code where the server asked for a password.</summary>
    public Task EndSessionAsync(string session, string? code = null) =>
        AskAsync("endSession", new JsonObject { ["session"] = session, ["code"] = code });

    /// <summary>Waits until the library says that the server ended its session, which is when apps erase their data.</summary>
    public Task<JsonElement> LoggedOutAsync() => AskAsync("loggedOut");

    /// <summary>Every state of the sync loop that was neither the first sync nor a good one.</summary>
    public async Task<IReadOnlyList<string>> DisturbancesAsync()
    {
        var answer = await AskAsync("syncStates");
        return [.. answer.GetProperty("states").EnumerateArray().Select(state => state.GetString()!).Where(state => state is not ("PREPARED" or "SYNCING"))];
    }

    private static ProcessStartInfo Describe(Phone phone)
    {
        var start = phone.Space.Describe(Requirements.Node, Path.Combine(AppContext.BaseDirectory, "Clients", "member.mjs"), $"https://{GatewayHost.ServerName}");
        start.Environment["GATEWAY_NODE_MODULES"] = Requirements.NodeModules;
        start.Environment["NODE_EXTRA_CA_CERTS"] = Path.Combine(phone.Folder, "authority.pem");
        return start;
    }

    private JsonElement Keep(JsonElement session)
    {
        AccessToken = session.GetProperty("accessToken").GetString()!;
        SessionId = session.GetProperty("sessionId").GetString()!;
        return session;
    }
}
