using Gateway.EndToEnd.Lab;

namespace Gateway.EndToEnd.Stories;

/// <summary>What cannot be done is said clearly, and leaves nothing half done.</summary>
[Collection(SharedLab.Name)]
public sealed class RefusalStory(TestLab lab) : IAsyncDisposable
{
    public ValueTask DisposeAsync() => lab.EndStoryAsync();

    [Fact]
    public async Task A_name_that_nobody_may_have_is_refused()
    {
        foreach (var localpart in (string[])["Alice", "12345", "al ice", "al/ice", "_alice", "gateway", "admin"])
        {
            await AssertRefusedAsync($"'{localpart}'", "enrol", localpart, "--device", "phone");
        }
    }

    [Fact]
    public async Task An_account_that_somebody_has_already_is_not_taken_over()
    {
        await lab.Homeserver.AskAsync(HttpMethod.Post, "_matrix/client/v3/register", """{"type": "m.login.application_service", "username": "lars", "inhibit_login": true}""");

        await AssertRefusedAsync("lars", "enrol", "lars", "--device", "phone");
    }

    [Fact]
    public async Task The_name_of_a_live_device_is_not_given_twice()
    {
        var first = await lab.Gateway.EnrolAsync("mona", "phone");

        await AssertRefusedAsync("phone", "enrol", "mona", "--device", "phone");

        Assert.True(await lab.Gateway.HasPeerAsync(first.PublicKey));
    }

    [Fact]
    public async Task A_device_that_is_not_there_cannot_be_revoked() => await AssertRefusedAsync("nobody/phone", "revoke", "nobody/phone");

    [Fact]
    public async Task Without_the_homeserver_nothing_is_created()
    {
        await using (await ChangedSettings.ApplyAsync(lab.Gateway, ("Homeserver:BaseUrl", "http://127.0.0.1:9")))
        {
            await AssertRefusedAsync("homeserver", "enrol", "nina", "--device", "phone");
        }

        Assert.False(await lab.Homeserver.AccountExistsAsync($"@nina:{GatewayHost.ServerName}"));
        // Nothing is in the way of trying again.
        await lab.Gateway.EnrolAsync("nina", "phone");
    }

    [Fact]
    public async Task An_output_file_that_exists_is_not_overwritten_and_no_device_is_made()
    {
        var file = Path.Combine(lab.Network.Name.Folder, "theirs.conf");
        await File.WriteAllTextAsync(file, "theirs");

        await AssertRefusedAsync(file, "enrol", "otto", "--device", "phone", "--output", file);

        Assert.Equal("theirs", await File.ReadAllTextAsync(file));
    }

    [Fact]
    public async Task All_faults_of_a_configuration_are_named_at_once_and_nothing_listens()
    {
        await using var wrong = Another("wrong");
        wrong.Settings.Remove("Gateway:ServerName");
        wrong.Settings.Remove("Tunnel:Endpoint");
        wrong.Settings["Tunnel:Network"] = "banana";
        wrong.Settings["Homeserver:BaseUrl"] = "ftp://127.0.0.1";

        var (code, said) = await wrong.StartInVainAsync();

        Assert.Equal(2, code);
        Assert.All(["Gateway:ServerName", "Tunnel:Endpoint", "Tunnel:Network", "Homeserver:BaseUrl"], key => Assert.Contains(key, said, StringComparison.Ordinal));
        await AssertNothingStartedAsync(wrong);
    }

    [Fact]
    public async Task Without_wg_the_gateway_says_what_to_install_and_creates_nothing()
    {
        // All of the machine's programs but one.
        var tools = Directory.CreateDirectory(Path.Combine(lab.Network.Name.Folder, "tools")).FullName;
        foreach (var program in Directory.EnumerateFiles("/usr/bin").Where(program => Path.GetFileName(program) is not ("wg" or "wg-quick" or "wireguard-go")))
        {
            File.CreateSymbolicLink(Path.Combine(tools, Path.GetFileName(program)), program);
        }

        await using var bare = Another("bare");
        await AssertNoTunnelAsync(bare, "apt install wireguard", "env", $"PATH={tools}");
    }

    [Fact]
    public async Task Without_permission_the_gateway_says_which_it_needs_and_creates_nothing()
    {
        await using var powerless = Another("powerless");
        powerless.GiveToEverybody();

        await AssertNoTunnelAsync(powerless, "CAP_NET_ADMIN", "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all", "--");
    }

    [Fact]
    public async Task A_console_port_that_another_program_has_is_named_and_nothing_is_served()
    {
        await using var other = Another("latecomer");
        other.Settings["Console:Port"] = 8080;

        var (code, said) = await other.StartInVainAsync();

        Assert.Equal(1, code);
        Assert.Contains("error: Console:Port: another program has 127.0.0.1:8080: set another port", said, StringComparison.Ordinal);
    }

    /// <summary>A second gateway that never gets as far as touching the first one's interface.</summary>
    private GatewayHost Another(string name)
    {
        var other = new GatewayHost(lab.Server, lab.Network.Name, TestLab.PublicAddress, lab.Authority, name);
        other.Settings["Tunnel:Network"] = "198.18.0.0/24";
        other.Settings["Tunnel:ListenPort"] = GatewayHost.ListenPort + 1;
        other.Settings["Console:Port"] = 8081;
        return other;
    }

    /// <summary>A gateway that cannot make its interface stays up to say so, serves no member and enrols nobody.</summary>
    private async Task AssertNoTunnelAsync(GatewayHost gateway, string wayOut, params string[] through)
    {
        await gateway.StartAsync(through);
        try
        {
            var tunnel = (await gateway.AskAsync("v1/status")).GetProperty("tunnel");
            var enrolment = await gateway.RunAsync("enrol", "ottilie", "--device", "phone");

            Assert.False(tunnel.GetProperty("ok").GetBoolean());
            Assert.Contains(wayOut, tunnel.GetProperty("detail").GetString(), StringComparison.Ordinal);
            Assert.Equal(1, enrolment.ExitCode);
            Assert.Empty((await gateway.AskAsync("v1/devices")).EnumerateArray());
            Assert.NotEqual(0, (await lab.Server.RunAsync("ip", "link", "show", gateway.Link)).ExitCode);
            Assert.False(await Doorbell.OpensAsync(lab.Server, gateway.TunnelAddress, 443));
        }
        finally
        {
            await gateway.StopAsync();
        }
    }

    private async Task AssertNothingStartedAsync(GatewayHost gateway)
    {
        Assert.False(File.Exists(gateway.AdminSocket));
        Assert.NotEqual(0, (await lab.Server.RunAsync("ip", "link", "show", gateway.Link)).ExitCode);
    }

    /// <summary>Exit 1, an error that names the item, a hint; and the gateway's world is as before.</summary>
    private async Task AssertRefusedAsync(string item, params string[] command)
    {
        var before = await WorldAsync();

        var refused = await lab.Gateway.RunAsync(command);

        Assert.Equal(1, refused.ExitCode);
        Assert.StartsWith("error:", refused.Error, StringComparison.Ordinal);
        Assert.Contains(item, refused.Error, StringComparison.Ordinal);
        Assert.Contains("hint:", refused.Error, StringComparison.Ordinal);
        Assert.Empty(refused.Output);
        Assert.Equal(before, await WorldAsync());
    }

    /// <summary>The devices' and members' names, and the peers on the interface.</summary>
    private async Task<string> WorldAsync()
    {
        var devices = (await lab.Gateway.AskAsync("v1/devices")).EnumerateArray().Select(device => device.GetProperty("id").GetString()).Order(StringComparer.Ordinal);
        var members = (await lab.Gateway.AskAsync("v1/members")).EnumerateArray().Select(member => member.GetProperty("member").GetString()).Order(StringComparer.Ordinal);
        var peers = (await lab.Server.RunAsync("wg", "show", lab.Gateway.Link, "peers")).Expect().Split('\n').Order(StringComparer.Ordinal);
        return string.Join('\n', [.. devices, .. members, .. peers]);
    }
}
