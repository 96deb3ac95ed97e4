using System.Diagnostics;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Gateway.Diagnosis;
using Gateway.Onboarding.Store;

namespace Gateway.Tests.Deploy;

/// <summary>What Docker's own reader makes of deploy/compose.yaml; no engine runs here.</summary>
public sealed partial class ComposeTests
{
    [Fact]
    public async Task Nothing_is_published_but_the_tunnel()
    {
        var port = Assert.Single((await ServicesAsync()).SelectMany(service => service.Value!["ports"]?.AsArray() ?? []));

        Assert.Equal(("udp", 31337, 31337), ((string?)port!["protocol"], (int)port["published"]!, (int)port["target"]!));
    }

    [Fact]
    public async Task Every_service_is_shut()
    {
        foreach (var (name, service) in await ServicesAsync())
        {
            Assert.True((bool?)service!["read_only"], name);
            Assert.Equal(["ALL"], Texts(service["cap_drop"]));
            Assert.Equal(["no-new-privileges:true"], Texts(service["security_opt"]));
            Assert.NotNull(service["healthcheck"]);
            Assert.NotEmpty(Texts(service["secrets"]));
            Assert.Null(service["privileged"]);
            Assert.Null(service["pid"]);
            Assert.NotEqual("host", (string?)service["network_mode"]);
            Assert.True(name == "gateway" || service["cap_add"] is null, name);
        }
    }

    [Fact]
    public async Task Versions_are_pinned()
    {
        var images = (await ServicesAsync()).Select(service => (string)service.Value!["image"]!);
        var bases = Directory.GetFiles(Deploy("containers"), "*.Containerfile").SelectMany(File.ReadAllLines).Where(line => line.StartsWith("FROM ", StringComparison.Ordinal));

        Assert.All([.. images, .. bases], image => Assert.Matches(Version(), image));
    }

    /// <summary>The doctor would say so only once it runs.</summary>
    [Fact]
    public void The_versions_have_no_hole_that_the_doctor_knows()
    {
        var synapse = VersionOf("homeserver.Containerfile");

        Assert.Equal(Verdict.Ok, VersionChecks.OfSynapse(synapse).Verdict);
        Assert.Contains($"image: gateway-homeserver:v{synapse}\n", File.ReadAllText(Deploy("compose.yaml")), StringComparison.Ordinal);
        Assert.Equal(Verdict.Ok, VersionChecks.OfDotNet(System.Version.Parse(VersionOf("gateway.Containerfile"))).Verdict);
    }

    [Fact]
    public async Task Secrets_are_files_and_nowhere_else()
    {
        var all = await ReadAsync();

        Assert.All(all["secrets"]!.AsObject(), secret => Assert.NotNull(secret.Value!["file"]));
        Assert.DoesNotContain(all["services"]!.AsObject().SelectMany(service => service.Value!["environment"]?.AsObject() ?? []), variable =>
            Regex.IsMatch(variable.Key, "PASSWORD|KEY|TOKEN|SECRET", RegexOptions.None, TimeSpan.FromSeconds(1)) && !variable.Key.EndsWith("_FILE", StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_gateways_user_keeps_two_capabilities_and_its_children_have_them()
    {
        var added = Texts((await ServicesAsync())["gateway"]!["cap_add"]).Select(name => "+" + name.ToLowerInvariant());
        var entry = (await File.ReadAllLinesAsync(Deploy("containers/gateway.Containerfile"), TestContext.Current.CancellationToken)).Single(line => line.StartsWith("ENTRYPOINT ", StringComparison.Ordinal))["ENTRYPOINT ".Length..];
        var become = JsonNode.Parse(entry)!.AsArray().Select(word => (string)word!).SkipLast(1);

        // As the engine starts it: root with these capabilities, who can gain no others.
        var said = await RunAsync("setpriv", ["--no-new-privs", $"--bounding-set=-all,{string.Join(',', added)}", .. become, "grep", "-E", "^(Uid|CapEff|CapBnd|NoNewPrivs)", "/proc/self/status"]);

        // Bits 10 (net_bind_service) and 12 (net_admin).
        Assert.Equal("Uid:\t990\t990\t990\t990\nCapEff:\t0000000000001400\nCapBnd:\t0000000000001400\nNoNewPrivs:\t1\n", said);
    }

    /// <summary>deploy/install reads it before it puts a program in another's place.</summary>
    [Fact]
    public void The_published_program_says_which_store_it_reads() =>
        Assert.Equal(Snapshot.Format, int.Parse(File.ReadAllText(Deploy("../src/Gateway/store-format")), CultureInfo.InvariantCulture));

    /// <summary>A block that no test runs says so, and why, in the line above it.</summary>
    [Theory]
    [InlineData("install.md")]
    [InlineData("install.fr.md")]
    [InlineData("certificates.md")]
    public void What_the_installation_tells_people_to_type_is_run_by_its_story(string page)
    {
        var story = File.ReadAllText(Deploy("../tests/Gateway.EndToEnd/Stories/InstallStory.cs")).Replace("{Install}", "deploy/install --from gateway", StringComparison.Ordinal);
        var blocks = CodeBlock().Matches(File.ReadAllText(Deploy($"../docs/{page}")));

        Assert.NotEmpty(blocks);
        Assert.All(
            blocks.Where(block => !block.Groups["reason"].Success).SelectMany(block => block.Groups["commands"].Value.Split('\n', StringSplitOptions.RemoveEmptyEntries)),
            command => Assert.Contains(command, story, StringComparison.Ordinal));
    }

    private static string VersionOf(string recipe) => BaseVersion().Match(File.ReadAllText(Deploy($"containers/{recipe}"))).Groups["version"].Value;

    [GeneratedRegex(@"^FROM \S+:v?(?<version>[0-9.]+)(-\w+)?$", RegexOptions.Multiline | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex BaseVersion();

    [GeneratedRegex(@":v?\d+\.\d+", RegexOptions.None, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Version();

    [GeneratedRegex(@"(?:<!-- not run: (?<reason>[^\n]+) -->\n)?```bash\n(?<commands>.*?)```", RegexOptions.Singleline, matchTimeoutMilliseconds: 1000)]
    private static partial Regex CodeBlock();

    private static IEnumerable<string> Texts(JsonNode? list) => list?.AsArray().Select(item => item is JsonObject ? (string)item["source"]! : (string)item!) ?? [];

    private static async Task<JsonObject> ServicesAsync() => (await ReadAsync())["services"]!.AsObject();

    /// <summary>docker-compose checks it against its schema; python, which it needs anyhow, makes JSON of its YAML.</summary>
    private static async Task<JsonObject> ReadAsync() => JsonNode.Parse(await RunAsync(
        "sh", ["-euc", "docker-compose -f \"$1\" config | /usr/bin/python3 -c 'import json, sys, yaml; json.dump(yaml.safe_load(sys.stdin), sys.stdout)'", "sh", Deploy("compose.yaml")]))!.AsObject();

    private static string Deploy(string name, [CallerFilePath] string file = "") => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(file)!, "../../../deploy", name));

    private static async Task<string> RunAsync(string program, IEnumerable<string> arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false })!;
        var errors = process.StandardError.ReadToEndAsync();
        var said = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return process.ExitCode == 0 ? said : throw new InvalidOperationException($"{program} ended with {process.ExitCode}: {await errors}");
    }
}
