using System.Text.Json;
using Gateway.EndToEnd.Lab;

namespace Gateway.EndToEnd.Stories;

/// <summary>
/// After an enrolment, in whatever format, the member's private key is nowhere on the server; nor are the preshared key
/// and the login code in clear, nor what opens the homeserver.
/// </summary>
public sealed class SecretsStory
{
    [Fact]
    public async Task What_an_enrolment_shows_once_is_nowhere_on_the_server_afterwards()
    {
        var start = TimeProvider.System.GetUtcNow().AddSeconds(-1);
        await using var lab = await SmallLab.MakeAsync();
        var tools = new StandIns(lab.Network.Name);
        await lab.Gateway.StartAsync([.. tools.Through]);
        var hunt = new SecretHunt();
        var seen = new HashSet<string>(StringComparer.Ordinal);
        IReadOnlyList<string> publicKeys;
        using (var stop = new CancellationTokenSource())
        {
            // What lives only for a moment is seen by the stand-ins; this sees who lives longer, as often as it can.
            var watch = WatchAsync(lab, stop.Token);
            publicKeys = await EnrolInAllFormatsAsync(lab, hunt);
            await AddHomeserverTokensAsync(lab, hunt);
            await stop.CancelAsync();
            foreach (var shown in await watch)
            {
                seen.UnionWith(hunt.In(shown).Select(secret => $"a process, during the enrolment: {secret}"));
            }
        }

        await lab.Gateway.KillAsync();
        await lab.Gateway.StartAsync([.. tools.Through]);

        Assert.Empty(seen);
        Assert.Empty(hunt.InProcesses([lab.Server.Identity]));
        Assert.All(["/tmp", "/var/tmp", "/dev/shm", "/run", TestLogs.Root], folder => Assert.Empty(hunt.InFiles(folder, start)));
        await ProveTheHuntAsync(lab, hunt, tools, publicKeys, start);
    }

    /// <summary>The same hunt finds what is there: nothing found would else say nothing.</summary>
    private static async Task ProveTheHuntAsync(SmallLab lab, SecretHunt hunt, StandIns tools, IReadOnlyList<string> publicKeys, DateTimeOffset start)
    {
        Assert.Contains("show", await File.ReadAllTextAsync(tools.Calls), StringComparison.Ordinal);
        Assert.Equal(publicKeys.Order(StringComparer.Ordinal), (await lab.Gateway.PeersAsync()).Keys.Order(StringComparer.Ordinal));
        Assert.NotEmpty(Directory.GetFiles(lab.Gateway.DataDirectory));

        var config = (await lab.Gateway.JsonAsync("enrol", "control", "--device", "phone")).GetProperty("config").GetString()!;
        var key = Value(config, "PrivateKey");
        hunt.AddKey("control", key);
        await File.WriteAllBytesAsync(Path.Combine(lab.Gateway.DataDirectory, "control"), [1, 2, .. Convert.FromBase64String(key), 3]);
        await using var careless = new RunningProgram(lab.Server.Describe("env", $"KEY={key}", "sh", "-c", "sleep 60; :", Convert.ToHexStringLower(Convert.FromBase64String(key))), "careless");
        var processes = await Until.ValueAsync(
            "the careless program is seen", TimeSpan.FromSeconds(10), () => Task.FromResult(string.Join('\n', hunt.InProcesses([lab.Server.Identity]))), found => found.Contains("environ of sh", StringComparison.Ordinal));
        Assert.Contains("cmdline of sh: control, hex", processes, StringComparison.Ordinal);
        Assert.Contains(hunt.InFiles("/tmp", start), found => found.EndsWith("/control: control, raw", StringComparison.Ordinal));
    }

    /// <summary>Returns the public keys; the files that were asked for are gone when it returns, as the admin's would be.</summary>
    private static async Task<IReadOnlyList<string>> EnrolInAllFormatsAsync(SmallLab lab, SecretHunt hunt)
    {
        var keys = new List<string>();
        foreach (var format in new[] { "ansi", "svg", "png", "conf" })
        {
            var file = Path.Combine(lab.Network.Name.Folder, $"qr.{format}");
            string[] output = format == "ansi" ? [] : ["--format", format, "--output", file];
            var enrolment = await lab.Gateway.JsonAsync(["enrol", format, "--device", "phone", .. output]);
            Add(hunt, format, enrolment.GetProperty("config").GetString()!);
            AddCode(hunt, format, enrolment);
            keys.Add(enrolment.GetProperty("device").GetProperty("publicKey").GetString()!);
            File.Delete(file);
        }

        AddCode(hunt, "allowed", await lab.Gateway.JsonAsync("allow-login", "conf/phone"));
        await using var terminal = await PhotographedTerminal.RunAsync(lab.Server, "white", "black", [.. lab.Gateway.CommandLine("enrol", "terminal", "--device", "phone")]);
        Add(hunt, "terminal", await terminal.ScanAsync());
        keys.Add((await lab.Gateway.AskAsync("v1/devices?device=terminal/phone")).EnumerateArray().Single().GetProperty("publicKey").GetString()!);
        return keys;
    }

    private static async Task AddHomeserverTokensAsync(SmallLab lab, SecretHunt hunt)
    {
        var folder = Path.Combine(lab.Network.Name.Folder, "homeserver-config");
        (await lab.Gateway.RunAsync("homeserver-config", "--output", folder)).Expect();
        foreach (var line in (await File.ReadAllLinesAsync(Directory.GetFiles(folder, "*registration.yaml").Single())).Where(line => line.Contains("_token:", StringComparison.Ordinal)))
        {
            hunt.AddText(line.Split(':')[0], line.Split(':')[1].Trim(' ', '"', '\''));
        }

        // It is Synapse's copy, which belongs to Synapse's user.
        Directory.Delete(folder, recursive: true);
    }

    private static void Add(SecretHunt hunt, string name, string config)
    {
        hunt.AddKey($"the private key of {name}", Value(config, "PrivateKey"));
        hunt.AddKey($"the preshared key of {name}", Value(config, "PresharedKey"));
    }

    private static void AddCode(SecretHunt hunt, string name, JsonElement json)
    {
        var code = json.GetProperty("loginCode").GetString()!;
        hunt.AddText($"the login code of {name}", code);
        hunt.AddText($"the login code of {name}, in one word", code.Replace("-", "", StringComparison.Ordinal));
    }

    /// <summary>Arguments and environments of everything in the server's namespace, each once, until stopped.</summary>
    private static Task<IReadOnlyCollection<byte[]>> WatchAsync(SmallLab lab, CancellationToken stop) => Task.Factory.StartNew(
        IReadOnlyCollection<byte[]> () =>
        {
            var shown = new Dictionary<string, byte[]>(StringComparer.Ordinal);
            while (!stop.IsCancellationRequested)
            {
                foreach (var (_, bytes) in SecretHunt.Shown([lab.Server.Identity]))
                {
                    shown.TryAdd(Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(bytes)), bytes);
                }
            }

            return shown.Values;
        },
        CancellationToken.None,
        TaskCreationOptions.LongRunning,
        TaskScheduler.Default);

    private static string Value(string config, string key) =>
        config.Split('\n').Single(line => line.StartsWith($"{key} = ", StringComparison.Ordinal))[(key.Length + 3)..].Trim();
}
