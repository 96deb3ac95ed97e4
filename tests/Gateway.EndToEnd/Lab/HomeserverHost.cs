using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text.Json;

namespace Gateway.EndToEnd.Lab;

/// <summary>
/// A real Synapse on the server's loopback, from its own root file system and as an unprivileged user. What the gateway's
/// side demands of it comes from <c>gateway homeserver-config</c>, unchanged; this class adds only where its files lie.
/// </summary>
public sealed class HomeserverHost : IAsyncDisposable
{
    private readonly string folder;
    private readonly string? socket;
    private NetworkNamespace server;
    private HttpClient http;
    private RunningProgram? program;
    private string applicationToken = "";

    /// <summary>On TCP port 8008 of the server's loopback, or on a Unix socket.</summary>
    public HomeserverHost(NetworkNamespace server, string folder, string? socket = null)
    {
        this.server = server;
        this.folder = folder;
        this.socket = socket;
        http = Client();
        Directory.CreateDirectory(ConfigFolder);
    }

    /// <summary>The application service's own: as powerful as the server.</summary>
    public string ServiceToken => applicationToken;

    public static Uri BaseAddress { get; } = new("http://127.0.0.1:8008/");

    public string Folder => folder;

    /// <summary>From now on it runs on another server.</summary>
    public void MoveTo(NetworkNamespace other)
    {
        server = other;
        http.Dispose();
        http = Client();
    }

    /// <summary>Where <c>gateway homeserver-config --output</c> shall write.</summary>
    public string ConfigFolder => Path.Combine(folder, "config");

    /// <summary>Whether its time is the lab's to set (libfaketime): two weeks are then a moment.</summary>
    public bool HasOwnClock { get; init; }

    /// <summary>Synapse's <c>database</c> setting as one line of YAML.</summary>
    public string? Database { get; init; }

    public string MediaFolder => Path.Combine(folder, "media");

    private string Clock => Path.Combine(folder, "clock");

    /// <summary>
    /// Starts with the files that the gateway wrote, and waits until it answers. <paramref name="afterwards"/>: settings of a third
    /// file, by which a story takes something back.
    /// </summary>
    public async Task StartAsync(string? afterwards = null)
    {
        var registration = await File.ReadAllLinesAsync(Directory.GetFiles(ConfigFolder, "*registration.yaml").Single());
        applicationToken = registration.Single(line => line.StartsWith("as_token:", StringComparison.Ordinal))["as_token:".Length..].Trim(' ', '"', '\'');
        await WriteBaseAsync();
        await File.WriteAllTextAsync(Path.Combine(ConfigFolder, "afterwards.yaml"), afterwards ?? "{}");
        await WriteTimeAsync(TimeSpan.Zero);
        GiveToSynapse();
        string[] configs = ["-c", Path.Combine(ConfigFolder, "base.yaml"), "-c", Path.Combine(ConfigFolder, "gateway.yaml"), "-c", Path.Combine(ConfigFolder, "afterwards.yaml")];
        program = new RunningProgram(SynapseRoot.Describe(server, folder, [.. Timekeeper, "python3", "-m", "synapse.app.homeserver", .. configs]), "homeserver");
        await Until.TrueAsync("the homeserver answers", TimeSpan.FromSeconds(60), AnswersAsync);
    }

    /// <summary>Lets its wall clock be this much later than the lab's, and wakes it. Whatever was due by then happens at once; also the end of connections.</summary>
    public async Task SetTimeAsync(TimeSpan later)
    {
        await WriteTimeAsync(later);
        await Until.TrueAsync("the homeserver answers at its new time", TimeSpan.FromSeconds(30), AnswersAsync);
    }

    /// <summary>The number that a query of its database says, asked of the file itself.</summary>
    public async Task<int> CountAsync(string query)
    {
        const string ask = "import sqlite3, sys; print(sqlite3.connect(sys.argv[1], timeout=20).execute(sys.argv[2]).fetchone()[0])";
        var answer = await SynapseRoot.RunAsync(server, folder, "python3", "-c", ask, Path.Combine(folder, "homeserver.db"), query);
        return int.Parse(answer.Expect(), CultureInfo.InvariantCulture);
    }

    /// <summary>Whether the bytes of the database's files hold this text, be it in use or only not overwritten. For a Synapse that is stopped.</summary>
    public bool HoldsBytes(string text) =>
        Directory.GetFiles(folder, "homeserver.db*").Any(file => File.ReadAllBytes(file).AsSpan().IndexOf(System.Text.Encoding.UTF8.GetBytes(text)) >= 0);

    /// <summary>A request as it comes through the gateway from a device of the tunnel; without a token, a stranger's.</summary>
    public async Task<MatrixAnswer> SendAsync(HttpMethod method, string target, string? token, HttpContent? content = null)
    {
        using var request = MatrixAnswer.Request(method, target, token);
        request.Content = content;
        request.Headers.Add("X-Forwarded-For", "198.19.0.9");
        // A kept connection does not outlive the hours that a story lets pass.
        request.Headers.ConnectionClose = true;
        return await MatrixAnswer.ReadAsync(await http.SendAsync(request));
    }

    /// <summary>Stops Synapse; its data stays for the next start.</summary>
    public async Task StopAsync()
    {
        await program!.StopAsync();
        await program.DisposeAsync();
        program = null;
    }

    /// <summary>The Matrix sessions that Synapse itself knows for a member.</summary>
    public async Task<IReadOnlyList<string>> SessionsAsync(string matrixUserId)
    {
        var answer = await AskAsync(HttpMethod.Get, $"_matrix/client/v3/devices?user_id={Uri.EscapeDataString(matrixUserId)}");
        return [.. answer.GetProperty("devices").EnumerateArray().Select(session => session.GetProperty("device_id").GetString()!)];
    }

    /// <summary>Whether Synapse still accepts an access token, asked behind the gateway's back.</summary>
    public async Task<HttpStatusCode> WhoAmIAsync(string accessToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "_matrix/client/v3/account/whoami");
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", accessToken);
        using var answer = await http.SendAsync(request);
        return answer.StatusCode;
    }

    /// <summary>How many requests that hold <paramref name="text"/> in their target Synapse has begun so far.</summary>
    public async Task<int> RequestsAsync(string text)
    {
        var lines = await File.ReadAllLinesAsync(Path.Combine(folder, "requests.log"));
        return lines.Count(line => line.Contains("Received request", StringComparison.Ordinal) && line.Contains(text, StringComparison.Ordinal));
    }

    /// <summary>Whether there is such an account: only then does Synapse let an application service speak for it.</summary>
    public async Task<bool> AccountExistsAsync(string matrixUserId)
    {
        using var request = ApplicationRequest(HttpMethod.Get, $"_matrix/client/v3/account/whoami?user_id={Uri.EscapeDataString(matrixUserId)}");
        using var answer = await http.SendAsync(request);
        return answer.StatusCode switch
        {
            HttpStatusCode.OK => true,
            HttpStatusCode.Forbidden => false,
            _ => throw new InvalidOperationException($"whoami for {matrixUserId}: {answer.StatusCode}"),
        };
    }

    /// <summary>A request with the application service's rights.</summary>
    public async Task<JsonElement> AskAsync(HttpMethod method, string target, string? json = null)
    {
        using var request = ApplicationRequest(method, target);
        request.Content = json is null ? null : new StringContent(json, new MediaTypeHeaderValue("application/json"));
        using var answer = await http.SendAsync(request);
        var text = await answer.Content.ReadAsStringAsync();
        return answer.IsSuccessStatusCode ? JsonElement.Parse(text) : throw new InvalidOperationException($"{method} {target}: {(int)answer.StatusCode} {text}");
    }

    public async ValueTask DisposeAsync()
    {
        http.Dispose();
        if (program is not null)
        {
            await program.DisposeAsync();
        }
    }

    /// <summary>Without the monotonic clock, on which Synapse's own waiting rests. $LIB is ld.so(8)'s.</summary>
    private IEnumerable<string> Timekeeper => HasOwnClock
        ? ["env", "LD_PRELOAD=/usr/$LIB/faketime/libfaketime.so.1", $"FAKETIME_TIMESTAMP_FILE={Clock}", "FAKETIME_NO_CACHE=1", "FAKETIME_DONT_FAKE_MONOTONIC=1"]
        : [];

    private HttpClient Client() => socket is null
        ? NamespaceHttp.Client(server, IPAddress.Loopback, BaseAddress)
        : NamespaceHttp.OverSocket(socket, BaseAddress);

    private HttpRequestMessage ApplicationRequest(HttpMethod method, string target)
    {
        var request = new HttpRequestMessage(method, target);
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", applicationToken);
        // The registration takes the token from loopback only; this says who we are, as a proxy would.
        request.Headers.Add("X-Forwarded-For", "127.0.0.1");
        return request;
    }

    /// <summary>Synapse reads it at every look at the clock: never half of it.</summary>
    private async Task WriteTimeAsync(TimeSpan later)
    {
        await File.WriteAllTextAsync(Clock + ".new", string.Create(CultureInfo.InvariantCulture, $"+{later.TotalSeconds}\n"));
        File.Move(Clock + ".new", Clock, overwrite: true);
    }

    private async Task<bool> AnswersAsync()
    {
        if (program!.HasEnded)
        {
            throw new InvalidOperationException($"Synapse ended with {program.ExitCode}: {program.LastWords}");
        }

        try
        {
            using var answer = await http.GetAsync(new Uri("_matrix/client/versions", UriKind.Relative));
            return answer.IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    private async Task WriteBaseAsync()
    {
        var signingKey = Path.Combine(folder, "signing.key");
        if (File.Exists(signingKey))
        {
            return;
        }

        var seed = Convert.FromHexString(RandomNumberGenerator.GetHexString(64));
        await File.WriteAllTextAsync(signingKey, $"ed25519 a_lab {Convert.ToBase64String(seed).TrimEnd('=')}\n");
        await File.WriteAllTextAsync(Path.Combine(ConfigFolder, "log.yaml"), LogSettings);
        await File.WriteAllTextAsync(Path.Combine(ConfigFolder, "base.yaml"), $"""
            server_name: {GatewayHost.ServerName}
            pid_file: {folder}/homeserver.pid
            log_config: {ConfigFolder}/log.yaml
            signing_key_path: {signingKey}
            media_store_path: {MediaFolder}
            report_stats: false
            macaroon_secret_key: {RandomNumberGenerator.GetHexString(32)}
            form_secret: {RandomNumberGenerator.GetHexString(32)}
            database: {Database ?? $"{{name: sqlite3, args: {{database: {folder}/homeserver.db}}}}"}
            # Synapse notifies no address of a private network: but this one is a story's.
            ip_range_whitelist: ['127.0.0.1/32']
            """);
    }

    private string LogSettings => $$"""
        version: 1
        formatters:
          plain: {format: '%(asctime)s %(levelname)s %(name)s %(message)s'}
        handlers:
          console: {class: logging.StreamHandler, formatter: plain}
          requests: {class: logging.FileHandler, formatter: plain, filename: '{{folder}}/requests.log'}
        loggers:
          synapse.access: {level: DEBUG, handlers: [requests]}
        root: {level: INFO, handlers: [console]}
        """;

    /// <summary>Synapse must write its data and read what the gateway wrote as root, and nobody else shall.</summary>
    private void GiveToSynapse()
    {
        File.SetUnixFileMode(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        foreach (var path in Directory.EnumerateFileSystemEntries(folder, "*", SearchOption.AllDirectories).Prepend(folder))
        {
            if (Libc.ChangeOwner(path, SynapseRoot.User, SynapseRoot.User) != 0)
            {
                throw new IOException(string.Create(CultureInfo.InvariantCulture, $"cannot give {path} to user {SynapseRoot.User}"));
            }
        }
    }
}
