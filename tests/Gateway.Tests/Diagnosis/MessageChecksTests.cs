using System.Globalization;
using System.Text.Json.Nodes;
using Gateway.Diagnosis;
using Gateway.Tests.Testing;
using Microsoft.AspNetCore.Http;

namespace Gateway.Tests.Diagnosis;

/// <summary>What the doctor makes of a homeserver that encrypts or not, and that forgets or not.</summary>
public sealed class MessageChecksTests : IAsyncDisposable
{
    private readonly ManualRooms _rooms = new();
    private TestGateway? _gateway;

    public async ValueTask DisposeAsync()
    {
        if (_gateway is not null)
        {
            await _gateway.DisposeAsync();
        }
    }

    [Fact]
    public async Task As_it_should_be_and_nothing_is_left_behind()
    {
        var findings = await LookAsync();

        Assert.Equal(["encryption Ok", "retention Ok", "purge Ok"], findings.Select(finding => $"{finding.Name} {finding.Verdict}"));
        Assert.Equal(1, _rooms.Made);
        Assert.Empty(_rooms.Trials);
    }

    [Fact]
    public async Task A_room_that_is_not_encrypted_is_a_fault()
    {
        _rooms.Encrypts = false;

        Assert.Equal(Verdict.Fault, (await LookAsync()).Single(finding => finding.Name == "encryption").Verdict);
    }

    [Theory]
    [InlineData(14, Verdict.Ok)]
    [InlineData(null, Verdict.Fault)]
    [InlineData(28, Verdict.Fault)]
    [InlineData(7, Verdict.Warning)]
    internal async Task How_long_messages_are_shown(int? days, Verdict verdict)
    {
        _rooms.ShownDays = days;

        Assert.Equal(verdict, (await LookAsync()).Single(finding => finding.Name == "retention").Verdict);
    }

    [Theory]
    [InlineData("", Verdict.Ok)]
    [InlineData("1 5 14", Verdict.Ok)]
    [InlineData("14.9 14.5 14.1", Verdict.Ok)]
    [InlineData("300 2 1", Verdict.Ok)]
    [InlineData("300 299 1", Verdict.Ok)]
    [InlineData("300 299 298", Verdict.Fault)]
    [InlineData("16 15.2 15.1 3", Verdict.Fault)]
    internal async Task What_is_still_in_the_rooms(string ages, Verdict verdict)
    {
        _rooms.Ages = [.. ages.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(age => double.Parse(age, CultureInfo.InvariantCulture))];

        Assert.Equal(verdict, (await LookAsync()).Single(finding => finding.Name == "purge").Verdict);
    }

    [Fact]
    public async Task The_admins_own_number_of_days_counts()
    {
        _rooms.ShownDays = 30;
        _rooms.Ages = [30.5, 29, 28];

        var findings = await LookAsync(("Homeserver:RetentionDays", "30"));

        Assert.All(findings, finding => Assert.Equal(Verdict.Ok, finding.Verdict));
    }

    [Fact]
    public async Task Without_an_account_nothing_is_known()
    {
        _rooms.HasAccount = false;

        var finding = Assert.Single(await LookAsync());

        Assert.Equal((Verdict.Unknown, "messages"), (finding.Verdict, finding.Name));
        Assert.Equal(0, _rooms.Made);
    }

    [Fact]
    public async Task Straight_after_a_restart_the_account_is_still_known()
    {
        await LookAsync();

        await _gateway!.RestartAsync();
        var findings = await _gateway.Service<Doctor>().ExamineAsync(default);

        Assert.Equal(Verdict.Ok, findings.Single(finding => finding.Name == "encryption").Verdict);
    }

    [Fact]
    public async Task A_homeserver_in_trouble_is_unknown_and_its_room_goes_all_the_same()
    {
        _rooms.Trouble = "/event/";

        var findings = await ExamineAsync();

        Assert.Equal(Verdict.Unknown, findings.Single(finding => finding.Name == "messages").Verdict);
        Assert.Equal(1, _rooms.Made);
        Assert.Empty(_rooms.Trials);
    }

    [Theory]
    [InlineData(401, Verdict.Ok)]
    [InlineData(200, Verdict.Fault)]
    [InlineData(502, Verdict.Unknown)]
    internal async Task The_service_token_is_for_this_machine_alone(int status, Verdict verdict)
    {
        _rooms.ForeignToken = status;

        Assert.Equal(verdict, (await ExamineAsync()).Single(finding => finding.Name == "service token").Verdict);
        var asked = Assert.Single(_gateway!.Homeserver.Requests, request => request.Target == "/_matrix/client/v3/account/whoami");
        Assert.Equal("198.19.0.1", asked.Headers["X-Forwarded-For"]);
    }

    [Theory]
    [InlineData("1.160.0", Verdict.Ok)]
    [InlineData("1.157.2", Verdict.Ok)]
    [InlineData("1.160.0 (b=develop,abc123)", Verdict.Ok)]
    [InlineData("1.157.1", Verdict.Fault)]
    [InlineData("1.98.0rc1", Verdict.Fault)]
    [InlineData("0.33.5", Verdict.Fault)]
    [InlineData("", Verdict.Unknown)]
    [InlineData("unknown", Verdict.Unknown)]
    internal void Synapses_version_is_looked_up(string version, Verdict verdict)
    {
        var finding = VersionChecks.OfSynapse(version);

        Assert.Equal(verdict, finding.Verdict);
        Assert.Equal(verdict == Verdict.Ok, finding.Detail.Contains("not checked against news since", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("10.0.13", Verdict.Ok)]
    [InlineData("11.0.0", Verdict.Ok)]
    [InlineData("10.0.12", Verdict.Warning)]
    internal void Dot_nets_version_is_looked_up(string version, Verdict verdict) =>
        Assert.Equal(verdict, VersionChecks.OfDotNet(Version.Parse(version)).Verdict);

    private async Task<IReadOnlyList<Finding>> LookAsync(params (string Key, string Value)[] settings)
    {
        await StartAsync(settings);
        return await _gateway!.Service<IEnumerable<ICheck>>().OfType<MessageChecks>().Single().LookAsync(default);
    }

    private async Task<IReadOnlyList<Finding>> ExamineAsync()
    {
        await StartAsync([]);
        return await _gateway!.Service<Doctor>().ExamineAsync(default);
    }

    private async Task StartAsync((string Key, string Value)[] settings)
    {
        _gateway = await TestGateway.StartAsync(settings);
        _rooms.Now = _gateway.Clock.GetUtcNow();
        if (_rooms.HasAccount)
        {
            _gateway.Homeserver.Accounts["gateway"] = new(StringComparer.Ordinal);
            _gateway.Homeserver.Admins["gateway"] = true;
            await _gateway.Service<Gateway.Onboarding.Enrolment.AdminAccount>().KeepOnceAsync(default);
        }

        _gateway.Homeserver.Requests.Clear();
        _gateway.Homeserver.Interfere = _rooms.AnswerAsync;
    }

    /// <summary>The rooms of a homeserver: one of members, and those that are made meanwhile.</summary>
    private sealed class ManualRooms
    {
        private readonly Dictionary<string, long> _messages = new(StringComparer.Ordinal);

        public bool HasAccount { get; set; } = true;

        public bool Encrypts { get; set; } = true;

        public int? ShownDays { get; set; } = 14;

        /// <summary>In days, of what is in the members' room.</summary>
        public IReadOnlyList<double> Ages { get; set; } = [];

        /// <summary>What is answered 500.</summary>
        public string? Trouble { get; set; }

        /// <summary>To the service's token from elsewhere.</summary>
        public int ForeignToken { get; set; } = 401;

        public DateTimeOffset Now { get; set; }

        public int Made { get; private set; }

        public HashSet<string> Trials { get; } = new(StringComparer.Ordinal);

        public async Task<bool> AnswerAsync(HttpContext context)
        {
            var path = context.Request.Path.Value!;
            if (Trouble is not null && path.Contains(Trouble, StringComparison.Ordinal))
            {
                await FakeHomeserver.ReplyAsync(context, 500, "{}");
                return true;
            }

            var (status, json) = Answer(context.Request, path);
            if (status == 0)
            {
                return false;
            }

            await FakeHomeserver.ReplyAsync(context, status, json.ToJsonString());
            return true;
        }

        private (int Status, JsonObject Json) Answer(HttpRequest request, string path)
        {
            const string client = "/_matrix/client/v3/";
            const string admin = "/_synapse/admin/v1/rooms";
            switch (request.Method)
            {
                case "GET" when path == client + "account/whoami":
                    return (ForeignToken, Error("M_UNKNOWN_TOKEN"));
                case "POST" when path == client + "createRoom":
                    Made++;
                    Trials.Add("!trial:chat.example");
                    return (200, new JsonObject { ["room_id"] = "!trial:chat.example" });
                case "GET" when path.EndsWith("/state/m.room.encryption", StringComparison.Ordinal):
                    return Encrypts ? (200, new JsonObject { ["algorithm"] = "m.megolm.v1.aes-sha2" }) : (404, Error("M_NOT_FOUND"));
                case "PUT" when path.Contains("/send/", StringComparison.Ordinal):
                    var id = $"$event{_messages.Count}";
                    _messages[id] = long.Parse(request.Query["ts"].ToString(), CultureInfo.InvariantCulture);
                    return (200, new JsonObject { ["event_id"] = id });
                case "GET" when path.Contains("/event/", StringComparison.Ordinal):
                    var time = DateTimeOffset.FromUnixTimeMilliseconds(_messages[path.Split('/')[^1]]);
                    return ShownDays is { } days && Now - time > TimeSpan.FromDays(days) ? (404, Error("M_NOT_FOUND")) : (200, []);
                case "DELETE" when path.StartsWith(admin, StringComparison.Ordinal):
                    Trials.Remove(path[(admin.Length + 1)..]);
                    return (200, []);
                case "GET" when path == admin:
                    return (200, new JsonObject { ["total_rooms"] = 1, ["rooms"] = new JsonArray(new JsonObject { ["room_id"] = "!team:chat.example" }) });
                case "GET" when path.EndsWith("/timestamp_to_event", StringComparison.Ordinal):
                    return First(long.Parse(request.Query["ts"].ToString(), CultureInfo.InvariantCulture));
                case "GET" when path == "/_synapse/admin/v1/server_version":
                    return (200, new JsonObject { ["server_version"] = "1.160.0" });
                default:
                    return (0, []);
            }
        }

        private (int Status, JsonObject Json) First(long since)
        {
            var first = Ages.Select(age => (Now - TimeSpan.FromDays(age)).ToUnixTimeMilliseconds()).Where(time => time >= since).Order().Cast<long?>().FirstOrDefault();
            return first is { } time ? (200, new JsonObject { ["event_id"] = "$first", ["origin_server_ts"] = time }) : (404, Error("M_NOT_FOUND"));
        }

        private static JsonObject Error(string code) => new() { ["errcode"] = code, ["error"] = "no" };
    }
}
