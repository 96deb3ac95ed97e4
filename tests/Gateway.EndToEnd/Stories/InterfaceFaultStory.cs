using System.Diagnostics;
using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using Gateway.EndToEnd.Lab;

namespace Gateway.EndToEnd.Stories;

/// <summary>
/// The tunnel's programs hang or fail while a device is cut: it is blocked at once and told as such, nothing unfinished is
/// called done, and when the fault is over the peer goes and everybody else is where they were.
/// </summary>
public sealed class InterfaceFaultStory : IAsyncLifetime
{
    /// <summary>A revocation's answer waits for the interface for two seconds; the rest is for a busy machine.</summary>
    private static readonly TimeSpan AtOnce = TimeSpan.FromSeconds(6);

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(40);

    private SmallLab? lab;
    private StandIns? tools;
    private JsonElement lost;
    private JsonElement other;

    private GatewayHost Gateway => lab!.Gateway;

    public async ValueTask InitializeAsync()
    {
        lab = await SmallLab.MakeAsync();
        tools = new StandIns(lab.Network.Name);
        await Gateway.StartAsync([.. tools.Through]);
        lost = await EnrolAsync("lost");
        other = await EnrolAsync("other");
    }

    public ValueTask DisposeAsync() => lab!.DisposeAsync();

    [Fact]
    public async Task A_wireguard_that_hangs_holds_up_no_revocation()
    {
        var wireguard = await WireGuardAsync();
        _ = Libc.Signal(wireguard, Libc.Pause);
        try
        {
            await CutUnfinishedAsync();
        }
        finally
        {
            _ = Libc.Signal(wireguard, Libc.Continue);
        }

        await AllEndsWellAsync();
    }

    [Theory]
    [InlineData("once")]
    [InlineData("fail")]
    [InlineData("hang")]
    public async Task A_tool_that_fails_or_hangs_keeps_no_peer_on_the_interface(string fault)
    {
        tools!.Break("ip", fault);

        var steps = await CutAsync();
        Assert.Equal("done", steps["blocked"]);
        await PeerGoesAsync();

        tools.Mend("ip");
        await AllEndsWellAsync();
    }

    [Fact]
    public async Task An_interface_that_is_gone_and_cannot_be_made_holds_up_no_revocation_and_comes_back_without_the_peer()
    {
        tools!.Break("setsid", "fail");
        await lab!.Server.IpAsync("link", "delete", Gateway.Link);

        await CutUnfinishedAsync();
        tools.Mend("setsid");

        await AllEndsWellAsync();
    }

    [Fact]
    public async Task A_revocation_that_waits_for_the_interface_outlives_a_kill()
    {
        tools!.Break("setsid", "hang");
        await lab!.Server.IpAsync("link", "delete", Gateway.Link);

        await CutUnfinishedAsync();
        await Gateway.KillAsync();
        tools.Mend("setsid");
        await Gateway.StartAsync([.. tools.Through]);

        await AllEndsWellAsync();
    }

    /// <summary>Blocked, answered in time, and the step that is not done says so and why.</summary>
    private async Task CutUnfinishedAsync()
    {
        var steps = await CutAsync();
        Assert.Equal("done", steps["blocked"]);
        Assert.Equal("done", steps["requests-cut"]);
        Assert.NotEqual("done", steps["peer"]);
        var step = await Until.ValueAsync("the step says what it waits for", Patience, PeerStepAsync, one => one.GetProperty("state").GetString() == "retrying");
        Assert.NotEmpty(step.GetProperty("detail").GetString()!);
        await Until.TrueAsync("the status says so", Patience, async () => !await IsTunnelWellAsync());
    }

    private async Task<IReadOnlyDictionary<string, string>> CutAsync()
    {
        var clock = Stopwatch.StartNew();
        var (status, json) = await Gateway.TellAsync(HttpMethod.Post, "v1/revocations", new JsonObject { ["device"] = Id(lost), ["cut"] = true });
        Assert.Equal(HttpStatusCode.OK, status);
        Assert.InRange(clock.Elapsed, TimeSpan.Zero, AtOnce);
        return json.EnumerateArray().Single().GetProperty("revocation").GetProperty("steps").EnumerateArray()
            .ToDictionary(step => step.GetProperty("name").GetString()!, step => step.GetProperty("state").GetString()!, StringComparer.Ordinal);
    }

    private Task PeerGoesAsync() => Until.TrueAsync("the peer is gone", Patience, async () => !await Gateway.HasPeerAsync(Key(lost)));

    private async Task AllEndsWellAsync()
    {
        await Until.ValueAsync("the peer's step ends", Patience, PeerStepAsync, step => step.GetProperty("state").GetString() == "done");
        Assert.False(await Gateway.HasPeerAsync(Key(lost)));
        await Until.TrueAsync("the tunnel is well", Patience, IsTunnelWellAsync);
        Assert.Equal([Key(other)], (await Gateway.PeersAsync()).Keys);
    }

    private async Task<bool> IsTunnelWellAsync() => (await Gateway.AskAsync("v1/status")).GetProperty("tunnel").GetProperty("ok").GetBoolean();

    private async Task<JsonElement> PeerStepAsync() =>
        (await Gateway.DeviceAsync(Id(lost))).GetProperty("revocation").GetProperty("steps").EnumerateArray().Single(step => step.GetProperty("name").GetString() == "peer");

    private async Task<JsonElement> EnrolAsync(string member)
    {
        var (status, json) = await Gateway.TellAsync(HttpMethod.Post, "v1/enrolments", new JsonObject { ["member"] = member });
        Assert.Equal(HttpStatusCode.Created, status);
        return json.GetProperty("device");
    }

    private async Task<int> WireGuardAsync()
    {
        foreach (var process in await lab!.Server.ProcessesAsync())
        {
            if ((await File.ReadAllTextAsync($"/proc/{process}/cmdline")).StartsWith($"wireguard-go\0{Gateway.Link}\0", StringComparison.Ordinal))
            {
                return process;
            }
        }

        throw new InvalidOperationException("there is no wireguard-go in the server's namespace");
    }

    private static string Id(JsonElement device) => device.GetProperty("id").GetString()!;

    private static string Key(JsonElement device) => device.GetProperty("publicKey").GetString()!;
}
