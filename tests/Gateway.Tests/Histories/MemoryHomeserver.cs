using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using Gateway.Onboarding.Keys;

namespace Gateway.Tests.Histories;

/// <summary>How the homeserver behaves. What it does although nobody hears of it is what makes the difference.</summary>
internal enum HomeserverMood
{
    Well,

    /// <summary>No connection: it certainly did nothing.</summary>
    Down,

    /// <summary>500, and nothing done.</summary>
    Broken,

    /// <summary>500, and done.</summary>
    BrokenAfterwards,

    /// <summary>A maintenance page with status 200, and nothing done.</summary>
    Garbage,

    /// <summary>It acts and the connection ends before the answer.</summary>
    Mute,

    /// <summary>Nobody hears of it in time; it acts some time within the next two minutes.</summary>
    Late,

    /// <summary>It waits until it is told to go on, or until the gateway's patience is over.</summary>
    Slow,
}

/// <summary>One request, so that it can be done later, or by a copy.</summary>
internal sealed record Asked(string Method, string Path, string User, string? Token, JsonNode? Body, TimeSpan At)
{
    public string Name => $"homeserver {Method} {Path}";

    public static Asked Of(HttpRequestMessage request, TimeSpan at)
    {
        var user = System.Web.HttpUtility.ParseQueryString(request.RequestUri!.Query)["user_id"] ?? "";
        using var reader = request.Content is null ? null : new StreamReader(request.Content.ReadAsStream());
        var body = reader?.ReadToEnd();
        return new(
            request.Method.Method,
            request.RequestUri.AbsolutePath,
            user.TrimStart('@').Split(':')[0],
            request.Headers.Authorization?.Parameter,
            string.IsNullOrEmpty(body) ? null : JsonNode.Parse(body),
            at);
    }
}

/// <summary>Accounts, sessions and pushers as Synapse keeps them, without a socket: asked in process, in whatever mood the test wants.</summary>
internal sealed class MemoryHomeserver(Entropy random, TimeProvider time) : HttpMessageHandler
{
    private static readonly TimeSpan LatestArrival = TimeSpan.FromSeconds(110);

    /// <summary>The gateway's own account.</summary>
    private const string Admin = "gateway";

    private readonly List<Waiting> _waiting = [];
    private readonly List<(TimeSpan Due, Asked Asked)> _late = [];
    private int _tokens;

    public SortedDictionary<string, Account> Accounts { get; } = new(StringComparer.Ordinal);

    public HomeserverMood Mood { get; set; }

    /// <summary>For so many calls; then it is well again.</summary>
    public int MoodLasts { get; set; }

    /// <summary>Told before and after it acts.</summary>
    public Action<string> Reached { get; set; } = _ => { };

    /// <summary>Time as it passes, whatever somebody sets the clock to.</summary>
    private TimeSpan Now => time.GetElapsedTime(0);

    /// <summary>What is being done at the moment that is told: whoever dies here does not stop it.</summary>
    private Asked? _inHand;

    public bool Knows(string token) => Accounts.Values.Any(account => account.Sessions.ContainsValue(token));

    /// <summary>Of those that may still appear.</summary>
    public bool MayStillOpen(string user, string matrixDeviceId) =>
        Coming().Contains((user, matrixDeviceId));

    /// <summary>Every member's session that is there or may still appear.</summary>
    public IEnumerable<(string User, string MatrixDeviceId)> All() =>
        Accounts.Where(account => account.Key != Admin).SelectMany(account => account.Value.Sessions.Keys.Select(id => (account.Key, id)))
            .Concat(Coming().Where(coming => coming.User != Admin));

    /// <summary>Those that may still appear.</summary>
    public IEnumerable<(string User, string MatrixDeviceId)> Coming() =>
        _late.Select(late => Opens(late.Asked)).Concat(_waiting.Select(waiting => Opens(waiting.Asked))).OfType<(string, string)>();

    /// <summary>As it goes on for a gateway that has just died: what waits or is in hand will be done, or was never received.</summary>
    public MemoryHomeserver Copy()
    {
        var copy = new MemoryHomeserver(random, time) { Mood = Mood, MoodLasts = MoodLasts, _tokens = _tokens + 1000 };
        foreach (var (user, account) in Accounts)
        {
            copy.Accounts[user] = account.Copy();
        }

        copy._late.AddRange(_late);
        foreach (var asked in _waiting.Select(waiting => waiting.Asked).Append(_inHand).OfType<Asked>().Where(_ => random.Below(2) == 0))
        {
            copy.DoLater(asked);
        }

        return copy;
    }

    /// <summary>Whoever is waiting gets an answer now.</summary>
    public void Release()
    {
        foreach (var waiting in _waiting.ToList())
        {
            _waiting.Remove(waiting);
            OneThread.Outside(() => waiting.Done.TrySetResult(true));
        }
    }

    /// <summary>The gateway's patience is over.</summary>
    public void GiveUp()
    {
        foreach (var waiting in _waiting.ToList())
        {
            _waiting.Remove(waiting);
            DoLater(waiting.Asked);
            OneThread.Outside(() => waiting.Done.TrySetResult(false));
        }
    }

    /// <summary>Does what was due by now.</summary>
    public void CatchUp()
    {
        foreach (var late in _late.Where(late => late.Due <= Now).OrderBy(late => late.Due).ToList())
        {
            _late.Remove(late);
            Do(late.Asked);
        }
    }

    /// <summary>A member's own request, as the gate forwards it.</summary>
    public Task<HttpResponseMessage> ForwardedAsync(HttpRequestMessage request, CancellationToken cancellationToken) => SendAsync(request, cancellationToken);

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var asked = Asked.Of(request, Now);
        _inHand = asked;
        Reached(asked.Name);
        _inHand = null;
        switch (Next())
        {
            case HomeserverMood.Down:
                throw new HttpRequestException(HttpRequestError.ConnectionError, "nobody listens");
            case HomeserverMood.Broken:
                return Reply(500, """{"errcode":"M_UNKNOWN"}""");
            case HomeserverMood.BrokenAfterwards:
                Do(asked);
                return Reply(502, "<html>bad gateway</html>");
            case HomeserverMood.Garbage:
                return Reply(200, "<html>maintenance</html>");
            case HomeserverMood.Mute:
                Do(asked);
                Reached($"{asked.Name}, done");
                throw new HttpRequestException(HttpRequestError.ResponseEnded, "the connection ended");
            case HomeserverMood.Late:
                DoLater(asked);
                throw new OperationCanceledException("too late");
            case HomeserverMood.Slow:
                return await WaitAsync(asked, cancellationToken).ConfigureAwait(false);
            default:
                var reply = Do(asked);
                Reached($"{asked.Name}, done");
                return reply;
        }
    }

    private async Task<HttpResponseMessage> WaitAsync(Asked asked, CancellationToken cancellationToken)
    {
        var waiting = new Waiting(asked, new TaskCompletionSource<bool>());
        _waiting.Add(waiting);
        await using var cancelled = cancellationToken.Register(() => OneThread.Outside(() =>
        {
            _waiting.Remove(waiting);
            waiting.Done.TrySetResult(false);
        }));
        return await waiting.Done.Task.ConfigureAwait(false) ? Do(asked) : throw new OperationCanceledException("too late");
    }

    private HomeserverMood Next()
    {
        if (MoodLasts > 0 && --MoodLasts >= 0)
        {
            return Mood;
        }

        return HomeserverMood.Well;
    }

    private void DoLater(Asked asked) => _late.Add((asked.At + (random.Below(100) / 100.0 * LatestArrival), asked));

    private HttpResponseMessage Do(Asked asked)
    {
        if (asked.Token?.StartsWith("syt_", StringComparison.Ordinal) == true)
        {
            return DoForMember(asked);
        }

        var account = Accounts.GetValueOrDefault(asked.User);
        switch (asked.Method, asked.Path)
        {
            case ("GET", "/_matrix/client/versions"):
                return Reply(200, """{"versions":["v1.11"]}""");
            case ("POST", "/_matrix/client/v3/register"):
                var name = (string)asked.Body!["username"]!;
                return Accounts.TryAdd(name, new Account()) ? Reply(200, new JsonObject { ["user_id"] = $"@{name}:chat.example" }) : Reply(400, """{"errcode":"M_USER_IN_USE"}""");
            case ("POST", "/_matrix/client/v3/login"):
                return Login(asked);
            case ("PUT", _) when asked.Path.StartsWith("/_matrix/client/v3/profile/", StringComparison.Ordinal):
                return Reply(200, "{}");
            case ("GET", "/_synapse/admin/v1/register"):
                return Reply(200, """{"nonce":"once"}""");
            case ("POST", "/_synapse/admin/v1/register"):
                return Accounts.TryAdd(Admin, new Account()) ? Reply(200, new JsonObject { ["user_id"] = $"@{Admin}:chat.example" }) : Reply(400, """{"errcode":"M_USER_IN_USE"}""");
            case ("GET", _) when asked.Path.EndsWith("/admin", StringComparison.Ordinal):
                return Accounts.ContainsKey(Admin) && asked.User == Admin ? Reply(200, """{"admin":true}""") : Reply(403, """{"errcode":"M_FORBIDDEN"}""");
        }

        return account switch
        {
            null => Reply(403, """{"errcode":"M_FORBIDDEN"}"""),
            { Closed: true } => Reply(403, """{"errcode":"M_USER_DEACTIVATED"}"""),
            _ => DoFor(account, asked),
        };
    }

    private static HttpResponseMessage DoFor(Account account, Asked asked)
    {
        switch (asked.Method, asked.Path)
        {
            case ("GET", "/_matrix/client/v3/devices"):
                return Reply(200, new JsonObject { ["devices"] = new JsonArray([.. account.Sessions.Keys.Select(id => new JsonObject { ["device_id"] = id })]) });
            case ("POST", "/_matrix/client/v3/delete_devices"):
                foreach (var id in asked.Body!["devices"]!.AsArray())
                {
                    account.End((string)id!);
                }

                return Reply(200, "{}");
            case ("GET", "/_matrix/client/v3/pushers"):
                return Reply(200, new JsonObject { ["pushers"] = new JsonArray([.. account.Pushers.Select(id => new JsonObject { ["app_id"] = "app", ["pushkey"] = id, ["kind"] = "http" })]) });
            case ("POST", "/_matrix/client/v3/pushers/set"):
                account.Pushers.Remove((string)asked.Body!["pushkey"]!);
                return Reply(200, "{}");
            case ("POST", "/_matrix/client/v3/account/deactivate"):
                account.Close();
                return Reply(200, """{"id_server_unbind_result":"success"}""");
            default:
                throw new InvalidOperationException($"The homeserver of the histories does not know {asked.Name}.");
        }
    }

    private HttpResponseMessage Login(Asked asked)
    {
        var (user, id) = Opens(asked)!.Value;
        if (Accounts.GetValueOrDefault(user) is not { Closed: false } account)
        {
            return Reply(403, """{"errcode":"M_USER_DEACTIVATED"}""");
        }

        if (account.Locked)
        {
            return Reply(401, """{"errcode":"M_USER_LOCKED","soft_logout":true}""");
        }

        account.Sessions[id] = $"syt_{++_tokens}_{id}";
        return Reply(200, new JsonObject { ["user_id"] = $"@{user}:chat.example", ["device_id"] = id, ["access_token"] = account.Sessions[id] });
    }

    private HttpResponseMessage DoForMember(Asked asked)
    {
        var (user, account) = Accounts.FirstOrDefault(entry => entry.Value.Sessions.ContainsValue(asked.Token!));
        if (account is null)
        {
            return Reply(401, """{"errcode":"M_UNKNOWN_TOKEN","soft_logout":false}""");
        }

        if (asked.Path.StartsWith("/_synapse/admin/v2/users/", StringComparison.Ordinal))
        {
            var locked = (bool)asked.Body!["locked"]!;
            Accounts[Uri.UnescapeDataString(asked.Path).Split('@')[1].Split(':')[0]].Locked = locked;
            return Reply(200, new JsonObject { ["locked"] = locked });
        }

        var id = account.Sessions.First(session => session.Value == asked.Token).Key;
        if (asked.Path.EndsWith("/logout", StringComparison.Ordinal))
        {
            account.End(id);
        }
        else if (asked.Path.EndsWith("/pushers/set", StringComparison.Ordinal))
        {
            account.Pushers.Add(id);
        }

        return Reply(200, new JsonObject { ["user_id"] = $"@{user}:chat.example", ["device_id"] = id });
    }

    private static (string User, string MatrixDeviceId)? Opens(Asked asked) =>
        asked is { Method: "POST", Path: "/_matrix/client/v3/login" } ? ((string)asked.Body!["identifier"]!["user"]!, (string)asked.Body["device_id"]!) : null;

    private static HttpResponseMessage Reply(int status, JsonNode json) => Reply(status, json.ToJsonString());

    private static HttpResponseMessage Reply(int status, string body) =>
        new((HttpStatusCode)status) { Content = new StringContent(body, Encoding.UTF8, body.StartsWith('<') ? "text/html" : "application/json") };

    private sealed record Waiting(Asked Asked, TaskCompletionSource<bool> Done);

    /// <summary>Sessions: ID → token. Pushers: by the ID of the session that set them.</summary>
    internal sealed class Account
    {
        public bool Closed { get; private set; }

        public bool Locked { get; set; }

        public SortedDictionary<string, string> Sessions { get; private init; } = new(StringComparer.Ordinal);

        public SortedSet<string> Pushers { get; private init; } = new(StringComparer.Ordinal);

        public Account Copy() => new() { Closed = Closed, Locked = Locked, Sessions = new(Sessions, StringComparer.Ordinal), Pushers = new(Pushers, StringComparer.Ordinal) };

        public void End(string matrixDeviceId)
        {
            Sessions.Remove(matrixDeviceId);
            Pushers.Remove(matrixDeviceId);
        }

        public void Close()
        {
            Closed = true;
            Sessions.Clear();
            Pushers.Clear();
        }
    }
}
