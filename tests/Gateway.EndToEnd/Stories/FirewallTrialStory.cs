using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;
using Gateway.EndToEnd.Lab;

namespace Gateway.EndToEnd.Stories;

/// <summary>How <c>deploy/firewall</c> changes the rules: checked first, whole or not at all, and never so that the admin is out for good.</summary>
[Collection(SharedFirewallLab.Name)]
public sealed class FirewallTrialStory(FirewallLab lab) : IAsyncDisposable
{
    private const int SshPort = 22;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    public ValueTask DisposeAsync() => lab.EndStoryAsync();

    [Fact]
    public async Task Rules_that_nobody_confirms_go_by_themselves()
    {
        using var ssh = await Doorbell.HangAsync(lab.Server, IPAddress.Any, SshPort);

        var said = (await lab.FirewallAsync("on", "--ssh", "none", "--seconds", "3")).Expect();
        Assert.Contains("deploy/firewall confirm", said, StringComparison.Ordinal);
        Assert.Contains("on trial", (await lab.FirewallAsync("status")).Expect(), StringComparison.Ordinal);
        Assert.False(await Doorbell.IsHeardAsync(lab.Stranger, FirewallLab.ServerV4, SshPort));

        await Until.TrueAsync("the admin is back in", Patience, () => Doorbell.IsHeardAsync(lab.Stranger, FirewallLab.ServerV4, SshPort));
        Assert.DoesNotContain("gateway_outside", await lab.RulesAsync(), StringComparison.Ordinal);
        Assert.Empty(lab.Remembered());
        var late = await lab.FirewallAsync("confirm");
        Assert.Equal((1, true), (late.ExitCode, late.Error.Contains("nothing is on trial", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task They_go_too_when_the_session_broke_off()
    {
        var cut = await lab.CutOffAsync("on", "--ssh", "none", "--seconds", "2");

        Assert.Equal(128 + Libc.Kill, cut.ExitCode);
        Assert.Contains("gateway_outside", await lab.RulesAsync(), StringComparison.Ordinal);
        await Until.TrueAsync("they go", Patience, async () => (await lab.RulesAsync()).Length == 0);
    }

    [Fact]
    public async Task The_rules_that_come_back_are_those_that_were_confirmed_last()
    {
        using var ssh = await Doorbell.HangAsync(lab.Server, IPAddress.Any, SshPort);
        await lab.LoadAsync("--ssh", "22", "--open", "80/tcp");
        var confirmed = await lab.RulesAsync();

        (await lab.FirewallAsync("on", "--ssh", "none", "--seconds", "1")).Expect();
        Assert.NotEqual(confirmed, await lab.RulesAsync());

        await Until.TrueAsync("the rules from before", Patience, async () => await lab.RulesAsync() == confirmed);
        Assert.True(await Doorbell.IsHeardAsync(lab.Stranger, FirewallLab.ServerV4, SshPort));
        Assert.Contains("SSH 22; others 80/tcp", (await lab.FirewallAsync("status")).Expect(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Rules_that_were_confirmed_stay_after_the_time()
    {
        var before = await lab.Server.ProcessesAsync();
        (await lab.FirewallAsync("on", "--ssh", "none", "--seconds", "2")).Expect();
        var watch = (await lab.Server.ProcessesAsync()).Except(before).ToList();
        Assert.NotEmpty(watch);
        var onTrial = await lab.RulesAsync();

        (await lab.FirewallAsync("confirm", "--here")).Expect();

        // The watch itself says that its time is over: it ends.
        await Until.TrueAsync("the watch ends", Patience, async () => !(await lab.Server.ProcessesAsync()).Intersect(watch).Any());
        Assert.Equal(onTrial, await lab.RulesAsync());
        Assert.Equal(["firewall"], lab.Remembered());
        Assert.StartsWith("on: UDP port 41194; SSH none", (await lab.FirewallAsync("status")).Expect(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_boot_loads_what_was_confirmed_and_not_what_was_on_trial()
    {
        await lab.LoadAsync("--ssh", "none");
        var confirmed = await lab.RulesAsync();
        (await lab.FirewallAsync("on", "--open", "80/tcp")).Expect();
        Assert.NotEqual(confirmed, await lab.RulesAsync());

        await lab.RebootAsync();

        Assert.Equal(confirmed, await lab.RulesAsync());
        Assert.StartsWith("on: UDP port 41194; SSH none; others none", (await lab.FirewallAsync("status")).Expect(), StringComparison.Ordinal);
        Assert.Contains("nothing is on trial", (await lab.FirewallAsync("confirm", "--here")).Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_choice_that_was_confirmed_on_another_server_is_tried_first()
    {
        await lab.LoadAsync("--ssh", "none", "--open", "80/tcp");
        (await lab.FirewallAsync("unload")).Expect();
        await lab.ComeFromAnotherServerAsync();

        Assert.Contains("another server's", (await lab.FirewallAsync("load")).Expect(), StringComparison.Ordinal);
        Assert.Empty(await lab.RulesAsync());

        Assert.StartsWith("On trial", (await lab.FirewallAsync("on")).Expect(), StringComparison.Ordinal);
        (await lab.FirewallAsync("confirm", "--here")).Expect();
        Assert.Contains("others 80/tcp", (await lab.FirewallAsync("load")).Expect(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_session_that_was_in_before_the_rules_cannot_confirm_them()
    {
        Assert.SkipUnless(File.Exists("/proc/self/loginuid"), "this kernel numbers no logins");

        var same = await lab.LogInAsync("firewall on --ssh none\nfirewall confirm");
        Assert.Equal(1, same.ExitCode);
        Assert.Contains("error: this session is older than the rules", same.Error, StringComparison.Ordinal);
        Assert.Contains("on trial", (await lab.FirewallAsync("status")).Expect(), StringComparison.Ordinal);

        (await lab.LogInAsync("firewall confirm")).Expect();
        Assert.StartsWith("on:", (await lab.FirewallAsync("status")).Expect(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_second_try_before_the_first_is_confirmed_has_its_own_time()
    {
        (await lab.FirewallAsync("on", "--ssh", "none", "--seconds", "1")).Expect();
        var before = await lab.Server.ProcessesAsync();
        (await lab.FirewallAsync("on", "--open", "80/tcp", "--seconds", "60")).Expect();

        await Until.TrueAsync("the first watch ends", Patience, async () => !(await lab.Server.ProcessesAsync()).Intersect(before.Where(IsWatch)).Any());
        Assert.Contains("tcp dport 80 accept", await lab.RulesAsync(), StringComparison.Ordinal);
        (await lab.FirewallAsync("confirm", "--here")).Expect();
        Assert.Contains("others 80/tcp", (await lab.FirewallAsync("status")).Expect(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Loading_again_changes_nothing_and_unloading_leaves_nothing()
    {
        await lab.LoadAsync("--ssh", "none", "--open", "443/tcp,3478/udp", "--countries", await lab.WriteAsync("countries", FirewallLab.StrangersPrefixes));
        var loaded = await lab.RulesAsync();

        (await lab.FirewallAsync("load")).Expect();
        (await lab.FirewallAsync("load")).Expect();
        Assert.Equal(loaded, await lab.RulesAsync());

        // As deploy/down and deploy/up do it.
        (await lab.FirewallAsync("unload")).Expect();
        Assert.Empty(await lab.RulesAsync());
        Assert.Contains("not loaded", (await lab.FirewallAsync("status")).Expect(), StringComparison.Ordinal);
        (await lab.FirewallAsync("load")).Expect();
        Assert.Equal(loaded, await lab.RulesAsync());

        (await lab.FirewallAsync("off")).Expect();
        Assert.Empty(await lab.RulesAsync());
        Assert.Empty(lab.Remembered());
        Assert.StartsWith("off", (await lab.FirewallAsync("load")).Expect(), StringComparison.Ordinal);
        Assert.Empty(await lab.RulesAsync());
    }

    [Theory]
    [InlineData("tcp dport { 22", "nft refuses these rules")]
    [InlineData("table inet gateway_outside { chain input { jump nowhere; }; }", "nft refuses these rules")]
    public async Task Rules_that_nft_does_not_take_change_nothing(string line, string error)
    {
        await lab.LoadAsync("--ssh", "none");
        var before = await lab.RulesAsync();
        var template = Path.Combine(lab.Scripts, "nftables", "outside.nft");
        var whole = await File.ReadAllTextAsync(template);
        await File.AppendAllTextAsync(template, line + "\n");

        var tried = await lab.FirewallAsync("on", "--open", "80/tcp");
        var loaded = await lab.FirewallAsync("load");

        await File.WriteAllTextAsync(template, whole);
        Assert.Equal((1, 1), (tried.ExitCode, loaded.ExitCode));
        Assert.Contains(error, tried.Error, StringComparison.Ordinal);
        Assert.Contains("hint:", tried.Error, StringComparison.Ordinal);
        await AssertUntouchedAsync(before);
    }

    [Theory]
    [InlineData("--ssh", "23", "nothing listens on TCP port 23")]
    [InlineData("--ssh", "0", "not a port: 0")]
    [InlineData("--ssh", "22 23", "not a list of ports: 22 23")]
    [InlineData("--ssh", "65536", "not a port: 65536")]
    [InlineData("--open", "80", "not ports with their protocol: 80")]
    [InlineData("--open", "80/tcp,90000/udp", "not a port: 90000")]
    [InlineData("--ssh-from", "192.0.2.0/24,2001:db8::1/32", "--ssh-from:2: not a prefix: 2001:db8::1/32")]
    [InlineData("--ssh-from", "any\n}", "--ssh-from:1: not a prefix: any")]
    [InlineData("--countries", "/nowhere", "no such file: /nowhere")]
    [InlineData("--seconds", "0", "not a time: 0")]
    public async Task A_wrong_choice_is_named_and_changes_nothing(string option, string value, string error)
    {
        await lab.LoadAsync("--ssh", "none");
        var before = await lab.RulesAsync();

        var tried = await lab.FirewallAsync("on", option, value);

        Assert.Equal(1, tried.ExitCode);
        Assert.StartsWith($"error: {error}", tried.Error, StringComparison.Ordinal);
        Assert.Contains("\nhint: ", tried.Error, StringComparison.Ordinal);
        await AssertUntouchedAsync(before);
    }

    [Fact]
    public async Task Ssh_has_to_be_decided_the_first_time()
    {
        var tried = await lab.FirewallAsync("on", "--open", "80/tcp");

        Assert.Equal(1, tried.ExitCode);
        Assert.StartsWith("error: say how SSH reaches this host", tried.Error, StringComparison.Ordinal);
        Assert.Empty(await lab.RulesAsync());
    }

    [Theory]
    [InlineData("192.0.2.0/24 # a carrier\n\n# another\r\n2001:db8::/32\n198.51.100.7/24\n", "5: not a prefix: 198.51.100.7/24")]
    [InlineData("192.0.2.0/33\n", "1: not a prefix: 192.0.2.0/33")]
    [InlineData("\n192.0.2.0/24, 198.51.100.0/24\n", "2: not a prefix: 192.0.2.0/24, 198.51.100.0/24")]
    [InlineData("192.0.2\n", "1: not a prefix: 192.0.2")]
    [InlineData("0.0.0.0/0\n", "1: not a prefix: 0.0.0.0/0")]
    [InlineData("2001:db8:::/32\n", "1: not a prefix: 2001:db8:::/32")]
    [InlineData("10.0.0.0/8 }; flush ruleset\n", "1: not a prefix: 10.0.0.0/8 }; flush ruleset")]
    [InlineData("# nothing\n", " no prefix in it")]
    public async Task A_wrong_line_of_the_countries_is_named_and_changes_nothing(string text, string error)
    {
        await lab.LoadAsync("--ssh", "none", "--countries", await lab.WriteAsync("right", FirewallLab.StrangersPrefixes));
        var before = await lab.RulesAsync();
        var file = await lab.WriteAsync("wrong", text);

        var tried = await lab.FirewallAsync("on", "--countries", file);

        Assert.Equal(1, tried.ExitCode);
        Assert.StartsWith($"error: {file}:{error}", tried.Error, StringComparison.Ordinal);
        await AssertUntouchedAsync(before);
    }

    [Fact]
    public async Task The_countries_let_in_and_keep_out_and_a_tunnel_goes_on_while_they_change()
    {
        await lab.LoadAsync("--ssh", "none", "--countries", await lab.WriteAsync("phones", "198.51.100.0/24\n"));
        var (_, phone) = await lab.JoinAsync("emil");
        await Until.TrueAsync("the phone is in", Patience, () => lab.IsThroughAsync(phone));
        await AssertStrangerAsync(FirewallLab.ServerV4, isIn: false);
        await AssertStrangerAsync(FirewallLab.ServerV6, isIn: false);

        // Without a trial: no country decides about SSH.
        var others = await lab.WriteAsync("others", FirewallLab.StrangersPrefixes);
        Assert.StartsWith("UDP port", (await lab.FirewallAsync("on", "--countries", others)).Expect(), StringComparison.Ordinal);
        Assert.True(await lab.IsThroughAsync(phone));
        await AssertStrangerAsync(FirewallLab.ServerV4, isIn: true);
        await AssertStrangerAsync(FirewallLab.ServerV6, isIn: true);
        var (_, late) = await lab.JoinAsync("fanny");
        Assert.False(await lab.IsThroughAsync(late));

        (await lab.FirewallAsync("on", "--countries", "none")).Expect();
        await Until.TrueAsync("everybody is in", Patience, () => lab.IsThroughAsync(late));
    }

    [Fact]
    public async Task Tens_of_thousands_of_prefixes_load_quickly()
    {
        var lines = new StringBuilder();
        for (var i = 0; i < 40_000; i++)
        {
            // Every other /24 from 11.0.0.0 on, so that none can be merged with the next; some within others.
            lines.Append(CultureInfo.InvariantCulture, $"{11 + (i >> 15)}.{(i >> 7) & 255}.{(i & 127) * 2}.0/24\n{(i % 4 == 0 ? $"2001:{i:x}::/32\n" : "")}");
        }

        var file = await lab.WriteAsync("many", lines.Append("11.0.0.0/25\n").ToString());
        var clock = System.Diagnostics.Stopwatch.StartNew();

        await lab.LoadAsync("--ssh", "none", "--countries", file);

        // 1.5 s on two cores; the rest is for a busy machine.
        Assert.InRange(clock.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(15));
        Assert.Contains("from prefixes: 50001", (await lab.FirewallAsync("status")).Expect(), StringComparison.Ordinal);
        Assert.Contains("11.0.2.0/24", (await lab.Server.RunAsync("nft", "get", "element", "inet", "gateway_outside", "countries4", "{ 11.0.2.7 }")).Expect(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_doctor_says_what_the_firewall_lets_in()
    {
        using var ssh = await Doorbell.HangAsync(lab.Server, IPAddress.Any, SshPort);
        Assert.Equal(("warning", "these listen to the world too: tcp 22"), await OutsideAsync());

        await lab.LoadAsync("--ssh", "22", "--ssh-from", "192.0.2.1", "--open", "80/tcp,443/tcp");
        Assert.Equal(("ok", "the firewall lets in UDP port 41194 and tcp 22 from chosen addresses and tcp 80, 443, and nothing else"), await OutsideAsync());

        (await lab.FirewallAsync("off")).Expect();
        Assert.Equal("warning", (await OutsideAsync()).Verdict);
    }

    private static bool IsWatch(int process) =>
        File.Exists($"/proc/{process}/cmdline") && File.ReadAllText($"/proc/{process}/cmdline").Contains("firewall\0watch", StringComparison.Ordinal);

    private async Task<(string? Verdict, string? Detail)> OutsideAsync()
    {
        var findings = JsonElement.Parse((await lab.Gateway.RunAsync("doctor", "--json")).Output);
        var finding = findings.EnumerateArray().Single(one => one.GetProperty("name").GetString() == "outside");
        return (finding.GetProperty("verdict").GetString(), finding.GetProperty("detail").GetString());
    }

    /// <summary>Data, not initiations: no limit may be what keeps it out. What is in follows what is not, in the same queue.</summary>
    private async Task AssertStrangerAsync(IPAddress server, bool isIn)
    {
        const int Count = 20;
        var before = await lab.ArrivedAsync();
        await Datagrams.SendAsync(lab.Stranger, server, Datagrams.Data, Count);
        if (isIn)
        {
            await Until.ValueAsync("it arrives", Patience, lab.ArrivedAsync, arrived => arrived >= before + Count);
        }
        else
        {
            // A veth hands a packet over while it is sent: what was let in would be counted by now. A phone may add a few.
            Assert.InRange(await lab.ArrivedAsync(), before, before + Count - 10);
        }
    }

    private async Task AssertUntouchedAsync(string rules)
    {
        Assert.Equal(rules, await lab.RulesAsync());
        Assert.Equal(["firewall"], lab.Remembered());
        Assert.Contains("SSH none; others none", (await lab.FirewallAsync("status")).Expect(), StringComparison.Ordinal);
    }
}
