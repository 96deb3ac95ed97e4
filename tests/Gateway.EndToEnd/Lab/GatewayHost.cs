using System.Globalization;
using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Gateway.EndToEnd.Lab;

/// <summary>
/// The gateway itself, as it ships: its program, its configuration file, its interface in the server's namespace and its
/// command line, run there as the admin would.
/// </summary>
public sealed class GatewayHost : IAsyncDisposable
{
    public const string ServerName = "chat.lab.test";
    public const int ListenPort = 41194;

    private readonly string folder;
    private NetworkNamespace server;
    private readonly HttpClient admin;
    private RunningProgram? program;

    public GatewayHost(NetworkNamespace server, LabName lab, string publicAddress, Authority authority, string name = "gateway")
    {
        this.server = server;
        folder = Directory.CreateDirectory(Path.Combine(lab.Folder, name)).FullName;
        admin = NamespaceHttp.OverSocket(AdminSocket, new Uri("http://gateway/"));
        Link = lab.NextLink();
        authority.Issue(ServerName, CertificatePath, KeyPath);
        Settings = new Dictionary<string, JsonNode?>(StringComparer.Ordinal)
        {
            ["Gateway:ServerName"] = ServerName,
            ["Gateway:DataDirectory"] = DataDirectory,
            ["Tunnel:Interface"] = Link,
            ["Tunnel:Network"] = "198.19.0.0/18",
            ["Tunnel:ListenPort"] = ListenPort,
            ["Tunnel:Endpoint"] = $"{publicAddress}:{ListenPort}",
            // Also where the kernel has WireGuard: the lab must behave the same on every machine.
            ["Tunnel:Userspace"] = "always",
            ["Certificate:Path"] = CertificatePath,
            ["Certificate:KeyPath"] = KeyPath,
            ["Homeserver:BaseUrl"] = HomeserverHost.BaseAddress.ToString().TrimEnd('/'),
            ["Login:RedirectUrls"] = new JsonArray(WebBrowser.App),
            // Some seconds, so that the whole life of a revocation fits into a story.
            ["Revocation:GraceHours"] = 0.001,
            ["Console:TunnelPort"] = 9443,
            ["Admin:Socket"] = Path.Combine(folder, "admin.sock"),
        };
    }

    /// <summary>The configuration, by the names that the documentation uses; read at the next start.</summary>
    public IDictionary<string, JsonNode?> Settings { get; }

    public string Link { get; }

    public string CertificatePath => Path.Combine(folder, "certificate.pem");

    public string KeyPath => Path.Combine(folder, "key.pem");

    public string DataDirectory => Path.Combine(folder, "data");

    public string AdminSocket => Path.Combine(folder, "admin.sock");

    /// <summary>The gateway's own tunnel address: the first of the network.</summary>
    public IPAddress TunnelAddress
    {
        get
        {
            var bytes = IPNetwork.Parse(Settings["Tunnel:Network"]!.GetValue<string>()).BaseAddress.GetAddressBytes();
            bytes[3]++;
            return new IPAddress(bytes);
        }
    }

    /// <summary>What the gateway logged last; whole in the test logs.</summary>
    public string LastWords => program!.LastWords;

    public int ProcessId => program!.Id;

    private string ConfigFile => Path.Combine(folder, "gateway.json");

    /// <summary>Starts serving, perhaps through a program that takes something from it, and waits until the admin gets an answer.</summary>
    public async Task StartAsync(params string[] through)
    {
        Begin(through);
        await ReadyAsync();
    }

    /// <summary>Starts serving and waits for nothing.</summary>
    public void Begin(params string[] through) => program = Launch(through);

    public async Task ReadyAsync()
    {
        await Until.TrueAsync("the gateway answers", TimeSpan.FromSeconds(30), async () => program!.HasEnded
            ? throw new InvalidOperationException($"gateway serve ended with {program.ExitCode}: {program.LastWords}")
            : await AnswersAsync());
    }

    /// <summary>Starts a gateway that is expected to give up, and returns how it ended.</summary>
    public async Task<(int ExitCode, string Said)> StartInVainAsync()
    {
        await using var attempt = Launch();
        var code = await attempt.WaitForEndAsync();
        return (code, attempt.LastWords);
    }

    /// <summary>Ends it as a supervisor would.</summary>
    public async Task StopAsync()
    {
        await program!.StopAsync();
        await program.DisposeAsync();
        program = null;
    }

    /// <summary><c>kill -9</c>: it learns nothing of it, and wireguard-go goes on without it.</summary>
    public async Task KillAsync()
    {
        _ = Libc.Signal(program!.Id, Libc.Kill);
        await program.WaitForEndAsync();
        await program.DisposeAsync();
        program = null;
    }

    public async Task RestartAsync()
    {
        await StopAsync();
        await StartAsync();
    }

    /// <summary><c>gateway COMMAND … --config FILE</c> on the server.</summary>
    public Task<Finished> RunAsync(params string[] arguments)
    {
        var line = CommandLine(arguments);
        return server.RunAsync(line[0], line[1..]);
    }

    /// <summary>The program and its arguments, for those who start it elsewhere.</summary>
    public string[] CommandLine(params string[] arguments) => [Requirements.Gateway, .. arguments, "--config", ConfigFile];

    /// <summary>Until it has its own account on the homeserver, and knows it.</summary>
    public Task WaitForAccountAsync() => Until.TrueAsync(
        "the gateway has its account",
        TimeSpan.FromSeconds(30),
        async () => !(await JsonAsync("status")).GetProperty("adminAccount").GetProperty("detail").GetString()!.Contains("has no admin account", StringComparison.Ordinal));

    /// <summary>The same with <c>--json</c>, for a command that must succeed.</summary>
    public async Task<JsonElement> JsonAsync(params string[] arguments) =>
        JsonElement.Parse((await RunAsync([.. arguments, "--json"])).Expect());

    public async Task<Enrolment> EnrolAsync(string member, string device) =>
        new(await JsonAsync("enrol", member, "--device", device));

    /// <summary>One device as <c>gateway devices</c> shows it now.</summary>
    public async Task<JsonElement> DeviceAsync(string id) =>
        (await AskAsync("v1/devices")).EnumerateArray().Single(device => device.GetProperty("id").GetString() == id);

    /// <summary>The JSON that the command line would print, asked of the admin's socket: a story asks often while it waits.</summary>
    public async Task<JsonElement> AskAsync(string target) => JsonElement.Parse(await admin.GetStringAsync(new Uri(target, UriKind.Relative)));

    /// <summary>The same for what changes something; the answer as it came.</summary>
    public async Task<(HttpStatusCode Status, JsonElement Json)> TellAsync(HttpMethod method, string target, JsonObject? body = null)
    {
        using var request = new HttpRequestMessage(method, new Uri(target, UriKind.Relative)) { Content = body is null ? null : Phone.JsonContentOf(body) };
        using var answer = await admin.SendAsync(request);
        return (answer.StatusCode, JsonElement.Parse(await answer.Content.ReadAsStringAsync()));
    }

    /// <summary>Public key → allowed IPs of every peer on the interface, asked of <c>wg</c>, not of the gateway.</summary>
    public async Task<IReadOnlyDictionary<string, string>> PeersAsync()
    {
        var lines = (await server.RunAsync("wg", "show", Link, "allowed-ips")).Expect().Split('\n', StringSplitOptions.RemoveEmptyEntries);
        return lines.Select(line => line.Split('\t')).ToDictionary(fields => fields[0], fields => fields[1], StringComparer.Ordinal);
    }

    /// <summary>A peer's last handshake and what passed since it was set, as <c>wg</c> counts.</summary>
    public async Task<(long Handshake, long Received, long Sent)> TrafficAsync(string publicKey)
    {
        // wg(8), show dump: key, preshared key, endpoint, allowed IPs, handshake, received, sent, keepalive.
        var fields = (await server.RunAsync("wg", "show", Link, "dump")).Expect().Split('\n').Select(line => line.Split('\t')).Single(line => line[0] == publicKey);
        long Number(int at) => long.Parse(fields[at], CultureInfo.InvariantCulture);
        return (Number(4), Number(5), Number(6));
    }

    /// <summary>Whether a peer stands on the interface, asked of <c>wg</c>, not of the gateway.</summary>
    /// <summary>The gateway stands still meanwhile: what is changed and seen then, it cannot have answered yet.</summary>
    public async Task WhileItStandsStillAsync(Func<Task> act)
    {
        _ = Libc.Signal(ProcessId, Libc.Pause);
        try
        {
            await act();
        }
        finally
        {
            _ = Libc.Signal(ProcessId, Libc.Continue);
        }
    }

    public async Task<bool> HasPeerAsync(string publicKey)
    {
        var keys = await server.RunAsync("wg", "show", Link, "peers");
        return keys.ExitCode == 0 && keys.Output.Split('\n').Contains(publicKey, StringComparer.Ordinal);
    }

    /// <summary>The folder of its files, which have the same paths on every server.</summary>
    public string Folder => folder;

    /// <summary>From now on it runs on another server.</summary>
    public void MoveTo(NetworkNamespace other) => server = other;

    /// <summary>Lets a gateway without rights read and write its own files, so that it gets as far as missing the others.</summary>
    public void GiveToEverybody()
    {
        foreach (var path in Directory.EnumerateFileSystemEntries(folder).Prepend(folder))
        {
            _ = Libc.ChangeOwner(path, 65534, 65534);
        }
    }

    /// <summary>Its interface outlives the gateway, but not this.</summary>
    public async ValueTask DisposeAsync()
    {
        admin.Dispose();
        if (program is not null)
        {
            await program.DisposeAsync();
        }

        // Fails where no interface was made, as in most refusals.
        await server.RunAsync("ip", "link", "delete", Link);
    }

    private async Task<bool> AnswersAsync()
    {
        try
        {
            await AskAsync("v1/status");
            return true;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    private RunningProgram Launch(params string[] through)
    {
        var json = new JsonObject();
        foreach (var (key, value) in Settings)
        {
            var (section, name) = (key.Split(':')[0], key.Split(':')[1]);
            json[section] ??= new JsonObject();
            json[section]![name] = value?.DeepClone();
        }

        File.WriteAllText(ConfigFile, json.ToJsonString());
        string[] serve = [.. through, .. CommandLine("serve")];
        return new RunningProgram(server.Describe(serve[0], serve[1..]), "gateway") { MustNotSay = "A thread that serves sockets waited" };
    }
}
