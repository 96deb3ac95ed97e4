using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;

namespace Gateway.Tests.Testing;

/// <summary>
/// A small real HTTP server that keeps accounts and sessions as Synapse does, remembers what reached it, and can be
/// told to fail. For faults and speed; the end-to-end tests have the real one.
/// </summary>
internal sealed class FakeHomeserver : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly ConcurrentDictionary<string, bool> _closed = new(StringComparer.Ordinal);
    private int _open;

    private FakeHomeserver(WebApplication app) => _app = app;

    /// <summary>Localpart → the IDs of its sessions.</summary>
    public ConcurrentDictionary<string, ConcurrentDictionary<string, string>> Accounts { get; } = new(StringComparer.Ordinal);

    /// <summary>Localpart → its master key.</summary>
    public ConcurrentDictionary<string, string> Identities { get; } = new(StringComparer.Ordinal);

    /// <summary>(Localpart, app's ID, key) → the session that set it; as on Synapse without MSC3881, it is not told.</summary>
    public ConcurrentDictionary<(string User, string AppId, string Pushkey), string> Pushers { get; } = new();

    /// <summary>The accounts that are locked.</summary>
    public ConcurrentDictionary<string, bool> Locked { get; } = new(StringComparer.Ordinal);

    /// <summary>What stands in its settings as <c>registration_shared_secret</c>.</summary>
    public string? SharedSecret { get; set; }

    /// <summary>What others read beside a member's messages.</summary>
    public ConcurrentDictionary<string, string> DisplayNames { get; } = new(StringComparer.Ordinal);

    public ConcurrentDictionary<string, bool> Admins { get; } = new(StringComparer.Ordinal);

    public ConcurrentQueue<Received> Requests { get; } = new();

    /// <summary>Runs before each answer; true where it has answered itself. May wait, throw or abort.</summary>
    public Func<HttpContext, Task<bool>> Interfere { get; set; } = _ => Task.FromResult(false);

    /// <summary>How many requests are being answered.</summary>
    public int Open => _open;

    public string Url => _app.Urls.First();

    public static async Task<FakeHomeserver> StartAsync(string url = "http://127.0.0.1:0")
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        var app = builder.Build();
        app.Urls.Add(url);
        var homeserver = new FakeHomeserver(app);
        app.Run(homeserver.CountAsync);
        await app.StartAsync();
        return homeserver;
    }

    /// <summary>Keeps the next login waiting: it is under way when the first task ends, and goes on when the second is set.</summary>
    public (Task UnderWay, TaskCompletionSource GoOn) HoldLogin()
    {
        var underWay = new TaskCompletionSource();
        var goOn = new TaskCompletionSource();
        Interfere = async context =>
        {
            if (context.Request.Path == "/_matrix/client/v3/login")
            {
                underWay.SetResult();
                await goOn.Task;
            }

            return false;
        };
        return (underWay.Task.WaitAsync(TimeSpan.FromSeconds(10)), goOn);
    }

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync(new CancellationToken(canceled: true));
        await _app.DisposeAsync();
    }

    private async Task CountAsync(HttpContext context)
    {
        Interlocked.Increment(ref _open);
        try
        {
            await AnswerAsync(context);
        }
        finally
        {
            Interlocked.Decrement(ref _open);
        }
    }

    private async Task AnswerAsync(HttpContext context)
    {
        Requests.Enqueue(Received.Of(context));
        if (await Interfere(context))
        {
            return;
        }

        var user = context.Request.Query["user_id"].ToString().TrimStart('@').Split(':')[0];
        var path = context.Request.Path.Value!;
        if (_closed.ContainsKey(user))
        {
            await ReplyAsync(context, 403, """{"errcode":"M_USER_DEACTIVATED","error":"closed"}""");
            return;
        }

        switch (context.Request.Method, path)
        {
            case ("GET", "/_matrix/client/versions"):
                await ReplyAsync(context, 200, """{"versions":["v1.11"]}""");
                break;
            case ("POST", "/_matrix/client/v3/register"):
                var name = (string)(await BodyAsync(context))["username"]!;
                await (Accounts.TryAdd(name, new(StringComparer.Ordinal))
                    ? ReplyAsync(context, 200, $$"""{"user_id":"@{{name}}:chat.example"}""")
                    : ReplyAsync(context, 400, """{"errcode":"M_USER_IN_USE","error":"taken"}"""));
                break;
            case ("POST", "/_matrix/client/v3/login"):
                await LoginAsync(context);
                break;
            case ("POST", "/_matrix/client/v3/account/deactivate") when user.Length > 0:
                Accounts[user].Clear();
                _closed[user] = true;
                await ReplyAsync(context, 200, """{"id_server_unbind_result":"success"}""");
                break;
            case ("GET", "/_matrix/client/v3/devices"):
                await context.Response.WriteAsJsonAsync(new { devices = Accounts[user].Keys.Select(id => new { device_id = id }) });
                break;
            case ("POST", "/_matrix/client/v3/delete_devices"):
                foreach (var id in (await BodyAsync(context))["devices"]!.AsArray())
                {
                    Accounts[user].TryRemove((string)id!, out _);
                }

                await ReplyAsync(context, 200, "{}");
                break;
            case ("PUT", var profile) when user.Length > 0 && profile.EndsWith("/displayname", StringComparison.Ordinal):
                DisplayNames[user] = (string)(await BodyAsync(context))["displayname"]!;
                await ReplyAsync(context, 200, "{}");
                break;
            case ("GET", "/_matrix/client/v3/pushers") when user.Length > 0:
                await context.Response.WriteAsJsonAsync(new { pushers = Pushers.Keys.Where(key => key.User == user).Select(key => new { app_id = key.AppId, pushkey = key.Pushkey, kind = "http" }) });
                break;
            case ("POST", "/_matrix/client/v3/pushers/set") when user.Length > 0:
                var pusher = await BodyAsync(context);
                Assert.True(pusher.AsObject().ContainsKey("kind") && pusher["kind"] is null);
                Pushers.TryRemove((user, (string)pusher["app_id"]!, (string)pusher["pushkey"]!), out _);
                await ReplyAsync(context, 200, "{}");
                break;
            case ("POST", "/_matrix/client/v3/account/deactivate"):
                Accounts[user].Clear();
                await ReplyAsync(context, 200, "{}");
                break;
            case ("POST", "/_matrix/client/v3/keys/device_signing/upload"):
                await UploadIdentityAsync(context, user);
                break;
            case (_, "/_synapse/admin/v1/register"):
                await RegisterBySecretAsync(context);
                break;
            case ("GET", "/_synapse/admin/v1/server_version"):
                await ReplyAsync(context, 200, """{"server_version":"1.160.0"}""");
                break;
            case ("PUT", _) when path.StartsWith("/_synapse/admin/v2/users/@", StringComparison.Ordinal):
                await SetLockedAsync(context, path.Split('@')[1].Split(':')[0]);
                break;
            case ("GET", _) when path.StartsWith("/_synapse/admin/", StringComparison.Ordinal):
                await (Admins.ContainsKey(user) ? ReplyAsync(context, 200, """{"admin":true}""") : ReplyAsync(context, 403, """{"errcode":"M_FORBIDDEN"}"""));
                break;
            default:
                await AnswerMemberAsync(context, path);
                break;
        }
    }

    /// <summary>Synapse's, with its own signature (docs/admin_api/register_api.md).</summary>
    private async Task RegisterBySecretAsync(HttpContext context)
    {
        if (context.Request.Method == "GET")
        {
            await ReplyAsync(context, 200, """{"nonce":"once"}""");
            return;
        }

        if (SharedSecret is null)
        {
            await ReplyAsync(context, 400, """{"errcode":"M_UNKNOWN","error":"Shared secret registration is not enabled"}""");
            return;
        }

        var body = await BodyAsync(context);
        var name = (string)body["username"]!;
        var said = System.Text.Encoding.UTF8.GetBytes($"once\0{name}\0{(string)body["password"]!}\0admin");
#pragma warning disable CA5350 // The homeserver's protocol.
        var mac = Convert.ToHexStringLower(System.Security.Cryptography.HMACSHA1.HashData(System.Text.Encoding.UTF8.GetBytes(SharedSecret), said));
#pragma warning restore CA5350
        if ((string)body["mac"]! != mac || !(bool)body["admin"]! || !(bool)body["inhibit_login"]!)
        {
            await ReplyAsync(context, 403, """{"errcode":"M_FORBIDDEN","error":"HMAC incorrect"}""");
            return;
        }

        if (!Accounts.TryAdd(name, new(StringComparer.Ordinal)))
        {
            await ReplyAsync(context, 400, """{"errcode":"M_USER_IN_USE","error":"taken"}""");
            return;
        }

        Admins[name] = true;
        await ReplyAsync(context, 200, $$"""{"user_id":"@{{name}}:chat.example"}""");
    }

    private async Task SetLockedAsync(HttpContext context, string name)
    {
        var token = context.Request.Headers.Authorization.ToString().Replace("Bearer ", "", StringComparison.Ordinal);
        if (Accounts.FirstOrDefault(account => account.Value.Values.Contains(token)).Key is not { } caller)
        {
            await ReplyAsync(context, 401, """{"errcode":"M_UNKNOWN_TOKEN","error":"no such token"}""");
        }
        else if (!Admins.ContainsKey(caller))
        {
            await ReplyAsync(context, 403, """{"errcode":"M_FORBIDDEN","error":"not an admin"}""");
        }
        else
        {
            var locked = (bool)(await BodyAsync(context))["locked"]!;
            if (locked)
            {
                Locked[name] = true;
            }
            else
            {
                Locked.TryRemove(name, out _);
            }

            await ReplyAsync(context, 200, $$"""{"name":"@{{name}}:chat.example","locked":{{(locked ? "true" : "false")}}}""");
        }
    }

    private async Task LoginAsync(HttpContext context)
    {
        var body = await BodyAsync(context);
        var user = (string)body["identifier"]!["user"]!;
        if (Locked.ContainsKey(user))
        {
            await ReplyAsync(context, 401, """{"errcode":"M_USER_LOCKED","error":"locked","soft_logout":true}""");
            return;
        }

        var device = (string)body["device_id"]!;
        var token = $"syt_{user}_{device}";
        Accounts[user][device] = token;
        await context.Response.WriteAsJsonAsync(new { user_id = $"@{user}:chat.example", access_token = token, device_id = device });
    }

    /// <summary>As Synapse: no proof for the first identity or the same again, nor for an application service (rest/client/keys.py).</summary>
    private async Task UploadIdentityAsync(HttpContext context, string user)
    {
        var body = await BodyAsync(context);
        var key = body["master_key"]!["keys"]!.AsObject().First().Value!.GetValue<string>();
        var token = context.Request.Headers.Authorization.ToString().Replace("Bearer ", "", StringComparison.Ordinal);
        var asMember = Accounts.FirstOrDefault(account => account.Value.Values.Contains(token)).Key;
        if (asMember is null || !Identities.TryGetValue(asMember, out var known) || known == key)
        {
            Identities[asMember ?? user] = key;
            await ReplyAsync(context, 200, "{}");
            return;
        }

        await ReplyAsync(context, 401, """{"session":"theirs","flows":[],"params":{}}""");
    }

    /// <summary>What a member asks with a token of their own.</summary>
    private async Task AnswerMemberAsync(HttpContext context, string path)
    {
        var token = context.Request.Query.TryGetValue("access_token", out var inQuery)
            ? inQuery.ToString()
            : context.Request.Headers.Authorization.ToString().Replace("Bearer ", "", StringComparison.Ordinal);
        var session = Accounts.SelectMany(account => account.Value).FirstOrDefault(session => session.Value == token);
        if (session.Key is null)
        {
            await ReplyAsync(context, 401, """{"errcode":"M_UNKNOWN_TOKEN","error":"no such token","soft_logout":false}""");
        }
        else if (path.EndsWith("/sync", StringComparison.Ordinal))
        {
            await Task.Delay(Timeout.Infinite, context.RequestAborted);
        }
        else
        {
            var user = Accounts.First(account => account.Value.Values.Contains(token)).Key;
            if (path.EndsWith("/logout", StringComparison.Ordinal))
            {
                foreach (var account in Accounts.Values)
                {
                    account.TryRemove(session.Key, out _);
                }
            }

            await ReplyAsync(context, 200, $$"""{"user_id":"@{{user}}:chat.example","device_id":"{{session.Key}}"}""");
        }
    }

    private static async Task<JsonNode> BodyAsync(HttpContext context) => (await JsonNode.ParseAsync(context.Request.Body))!;

    /// <summary>For <see cref="Interfere"/>: a proxy before a homeserver that does not run.</summary>
    public static async Task<bool> Down(HttpContext context)
    {
        await ReplyAsync(context, 502, "{}");
        return true;
    }

    public static Task ReplyAsync(HttpContext context, int status, string json)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json";
        context.Response.Headers["Access-Control-Allow-Origin"] = "*";
        return context.Response.WriteAsync(json);
    }

    internal sealed record Received(string Method, string Target, IReadOnlyDictionary<string, string> Headers)
    {
        public static Received Of(HttpContext context) => new(
            context.Request.Method,
            context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget,
            context.Request.Headers.ToDictionary(header => header.Key, header => header.Value.ToString(), StringComparer.OrdinalIgnoreCase));
    }
}
