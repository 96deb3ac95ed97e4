using System.Text.Json;
using Gateway.EndToEnd.Lab;
using Gateway.Tests.Testing;

namespace Gateway.EndToEnd.Stories;

/// <summary><c>gateway drill</c>: a lost phone, played against the running system, and against one that is broken.</summary>
public sealed class DrillStory
{
    private static readonly string[] Steps = ["enrolled", "tunnel", "signed in", "in use", "revoked", "open request", "token", "code", "session", "peer"];

    /// <summary>With the unit tests' homeserver: faults on command.</summary>
    [Fact]
    public async Task A_homeserver_that_keeps_the_session_is_found_and_said_until_it_is_mended()
    {
        await using var lab = await SmallLab.MakeAsync();
        lab.Gateway.Settings["Revocation:GraceHours"] = 1;
        await lab.Gateway.StartAsync();
        lab.Homeserver.Interfere = async context =>
        {
            if (!context.Request.Path.Value!.EndsWith("/delete_devices", StringComparison.Ordinal))
            {
                return false;
            }

            await FakeHomeserver.ReplyAsync(context, 500, "{}");
            return true;
        };

        var broken = await lab.Gateway.RunAsync("drill");
        var finding = await FindingAsync(lab.Gateway);
        lab.Homeserver.Interfere = _ => Task.FromResult(false);
        var mended = (await lab.Gateway.RunAsync("drill")).Expect();

        Assert.Equal(1, broken.ExitCode);
        Assert.Equal(["session"], Words(broken.Output, "FAILED"));
        Assert.StartsWith("error: a lost phone would not lose everything: session: the homeserver still takes the token", broken.Error, StringComparison.Ordinal);
        Assert.Equal("fault", finding.Verdict);
        Assert.Contains("session: the homeserver still takes the token", finding.Detail, StringComparison.Ordinal);
        Assert.Equal(Steps, Words(mended, "ok"));
        Assert.Equal("ok", (await FindingAsync(lab.Gateway)).Verdict);
        await NothingIsLeftAsync(lab.Gateway, lab.Server);
    }

    [Fact]
    public async Task One_that_was_killed_leaves_nothing_behind_after_the_next()
    {
        await using var lab = await SmallLab.MakeAsync();
        lab.Gateway.Settings["Revocation:GraceHours"] = 1;
        await lab.Gateway.StartAsync();
        var line = lab.Gateway.CommandLine("drill");
        var (underWay, goOn) = lab.Homeserver.HoldLogin();
        await using (var drill = new RunningProgram(lab.Server.Describe(line[0], line[1..]), "drill"))
        {
            await underWay;
            _ = Libc.Signal(drill.Id, Libc.Kill);
            await drill.WaitForEndAsync();
            goOn.SetResult();
        }

        lab.Homeserver.Interfere = _ => Task.FromResult(false);
        var left = Assert.Single((await lab.Gateway.JsonAsync("devices")).EnumerateArray());
        var next = (await lab.Gateway.RunAsync("drill", "--json")).Expect();

        Assert.NotEqual("revoked", left.GetProperty("state").GetString());
        Assert.True(JsonElement.Parse(next).GetProperty("ok").GetBoolean());
        await NothingIsLeftAsync(lab.Gateway, lab.Server);
    }

    [Fact]
    public async Task A_gateway_that_dies_of_the_revocation_is_remembered()
    {
        await using var lab = await SmallLab.MakeAsync();
        lab.Gateway.Settings["Revocation:GraceHours"] = 1;
        await lab.Gateway.StartAsync();
        var asked = new TaskCompletionSource();
        lab.Homeserver.Interfere = async context =>
        {
            if (context.Request.Path.Value!.EndsWith("/delete_devices", StringComparison.Ordinal))
            {
                asked.TrySetResult();
                await Task.Delay(Timeout.Infinite, context.RequestAborted);
            }

            return false;
        };

        var drill = lab.Gateway.RunAsync("drill", "--json");
        await asked.Task.WaitAsync(TimeSpan.FromSeconds(30));
        await lab.Gateway.KillAsync();
        var report = await drill;
        lab.Homeserver.Interfere = _ => Task.FromResult(false);
        await lab.Gateway.StartAsync();
        var finding = await FindingAsync(lab.Gateway);
        (await lab.Gateway.RunAsync("drill")).Expect();

        var steps = JsonElement.Parse(report.Output).GetProperty("steps").EnumerateArray().Where(step => !step.GetProperty("ok").GetBoolean()).Select(step => step.GetProperty("name").GetString());
        Assert.Equal(1, report.ExitCode);
        Assert.Superset(new HashSet<string?> { "revoked", "token", "code", "session", "peer", "test device" }, steps.ToHashSet());
        Assert.Equal("fault", finding.Verdict);
        await NothingIsLeftAsync(lab.Gateway, lab.Server);
    }

    private static async Task<(string Verdict, string Detail)> FindingAsync(GatewayHost gateway)
    {
        var finding = JsonElement.Parse((await gateway.RunAsync("doctor", "--json")).Output).EnumerateArray().Single(one => one.GetProperty("name").GetString() == "drill");
        return (finding.GetProperty("verdict").GetString()!, finding.GetProperty("detail").GetString()!);
    }

    /// <summary>The steps that begin with this word.</summary>
    private static IEnumerable<string> Words(string output, string verdict) => output.Split('\n')
        .Where(line => line.TrimStart().StartsWith(verdict + " ", StringComparison.Ordinal))
        .Select(line => Steps.Single(step => line.Contains($"  {step}  ", StringComparison.Ordinal)));

    private static async Task NothingIsLeftAsync(GatewayHost gateway, NetworkNamespace server)
    {
        await Until.TrueAsync("all devices of drills are over", TimeSpan.FromSeconds(10), async () =>
            (await gateway.JsonAsync("devices", "--member", "gateway-drill")).EnumerateArray().All(device => device.GetProperty("state").GetString() == "revoked"));
        Assert.Empty(await gateway.PeersAsync());
        Assert.DoesNotContain("drill-", (await server.RunAsync("ip", "-oneline", "link")).Expect(), StringComparison.Ordinal);
        await Until.TrueAsync("the drill's wireguard-go has ended", TimeSpan.FromSeconds(10), () => Task.FromResult(!Directory.Exists("/var/run/wireguard") || Directory.GetFiles("/var/run/wireguard", "drill-*").Length == 0));
    }
}
