using System.Collections.Concurrent;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Gateway.EndToEnd.Lab;

/// <summary>
/// A Matrix app on a phone: a process with matrix-js-sdk in the phone's namespace (Clients/member.mjs), which trusts the
/// lab's authority and knows the server by its name. Commands may run side by side.
/// </summary>
public sealed class MatrixClient : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(45);

    private readonly RunningProgram program;
    private readonly ConcurrentDictionary<int, TaskCompletionSource<JsonElement>> open = new();
    private readonly Task listening;
    private int count;

    public MatrixClient(Phone phone)
    {
        var start = phone.Space.Describe(Requirements.Node, Path.Combine(AppContext.BaseDirectory, "Clients", "member.mjs"), $"https://{GatewayHost.ServerName}");
        start.Environment["GATEWAY_NODE_MODULES"] = Requirements.NodeModules;
        start.Environment["NODE_EXTRA_CA_CERTS"] = Path.Combine(phone.Folder, "authority.pem");
        program = new RunningProgram(start, "client");
        listening = ListenAsync();
    }

    public string AccessToken { get; private set; } = "";

    public string SessionId { get; private set; } = "";

    public async Task<JsonElement> LoginAsync(string member, string code)
    {
        var session = await AskAsync("login", new JsonObject { ["user"] = member, ["code"] = code, ["device"] = "Lab client" });
        AccessToken = session.GetProperty("accessToken").GetString()!;
        SessionId = session.GetProperty("sessionId").GetString()!;
        return session;
    }

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

    /// <summary>Waits until the library says that the server ended its session, which is when apps erase their data.</summary>
    public Task<JsonElement> LoggedOutAsync() => AskAsync("loggedOut");

    /// <summary>Every state of the sync loop that was neither the first sync nor a good one.</summary>
    public async Task<IReadOnlyList<string>> DisturbancesAsync()
    {
        var answer = await AskAsync("syncStates");
        return [.. answer.GetProperty("states").EnumerateArray().Select(state => state.GetString()!).Where(state => state is not ("PREPARED" or "SYNCING"))];
    }

    public async ValueTask DisposeAsync()
    {
        await program.DisposeAsync();
        await listening;
    }

    private async Task<JsonElement> AskAsync(string command, JsonObject? more = null)
    {
        var id = Interlocked.Increment(ref count);
        var answer = open[id] = new TaskCompletionSource<JsonElement>(TaskCreationOptions.RunContinuationsAsynchronously);
        var line = more ?? [];
        line["id"] = id;
        line["do"] = command;
        await program.WriteLineAsync(line.ToJsonString());
        try
        {
            return await answer.Task.WaitAsync(Patience);
        }
        catch (TimeoutException e)
        {
            throw new TimeoutException($"the client did not finish '{command}' within {Patience.TotalSeconds} s; it said last: {program.LastWords}", e);
        }
    }

    private async Task ListenAsync()
    {
        await foreach (var line in program.Lines.ReadAllAsync())
        {
            var answer = JsonElement.Parse(line);
            if (!open.TryRemove(answer.GetProperty("id").GetInt32(), out var waiting))
            {
                continue;
            }

            if (answer.TryGetProperty("error", out var error))
            {
                waiting.SetException(new MatrixClientException(error));
            }
            else
            {
                waiting.SetResult(answer.GetProperty("result"));
            }
        }

        foreach (var waiting in open.Values)
        {
            waiting.TrySetException(new InvalidOperationException($"the client ended: {program.LastWords}"));
        }
    }
}

/// <summary>What the client library threw.</summary>
public sealed class MatrixClientException(JsonElement error) : Exception(error.ToString())
{
    public int? Status { get; } = error.GetProperty("status") is { ValueKind: JsonValueKind.Number } status ? status.GetInt32() : null;

    public string? ErrorCode { get; } = error.GetProperty("errcode").GetString();

    public bool SoftLogout { get; } = error.GetProperty("softLogout").GetBoolean();
}
