using System.Text.Json;
using Gateway.EndToEnd.Lab;

namespace Gateway.EndToEnd.Stories;

/// <summary>What the admin sees, and what the gateway puts right by itself.</summary>
[Collection(SharedLab.Name)]
public sealed class UpkeepStory(TestLab lab) : IAsyncDisposable
{
    /// <summary>What the design promises for a peer that should not be there, or is missing.</summary>
    private static readonly TimeSpan Repair = TimeSpan.FromSeconds(5);

    public ValueTask DisposeAsync() => lab.EndStoryAsync();

    [Fact]
    public async Task Devices_shows_who_is_connected_since_when_and_how()
    {
        var start = TimeProvider.System.GetUtcNow().AddSeconds(-1);
        var fay = await lab.SignInAsync("fay");

        var device = await Until.ValueAsync(
            "the handshake is seen", TimeSpan.FromSeconds(10), () => lab.Gateway.DeviceAsync(fay.Device), seen => seen.GetProperty("online").GetBoolean());
        var text = (await lab.Gateway.RunAsync("devices")).Expect();
        var members = await lab.Gateway.JsonAsync("members");

        Assert.Equal("fay", device.GetProperty("member").GetString());
        Assert.Equal("phone", device.GetProperty("name").GetString());
        Assert.Equal(fay.Enrolment.TunnelAddress, device.GetProperty("tunnelAddress").GetString());
        Assert.Equal(fay.Enrolment.PublicKey, device.GetProperty("publicKey").GetString());
        Assert.Equal("signed-in", device.GetProperty("state").GetString());
        Assert.InRange(device.GetProperty("lastHandshake").GetDateTimeOffset(), start.AddSeconds(-1), TimeProvider.System.GetUtcNow());
        var session = Assert.Single(device.GetProperty("sessions").EnumerateArray());
        Assert.Equal(fay.Client.SessionId, session.GetProperty("matrixDeviceId").GetString());
        Assert.Equal("Lab client", session.GetProperty("client").GetString());
        Assert.InRange(session.GetProperty("since").GetDateTimeOffset(), start, TimeProvider.System.GetUtcNow());
        Assert.Equal(JsonValueKind.Null, device.GetProperty("revocation").ValueKind);
        Assert.Contains(text.Split('\n'), line => line.Contains("fay/phone", StringComparison.Ordinal) && line.Contains(fay.Enrolment.TunnelAddress, StringComparison.Ordinal));
        Assert.Contains(members.EnumerateArray(), member => member.GetProperty("matrixUserId").GetString() == fay.UserId);
    }

    [Fact]
    public async Task Status_is_one_glance()
    {
        var gus = await lab.SignInAsync("gus");

        var status = await Until.ValueAsync(
            "all parts are well", TimeSpan.FromSeconds(15), () => lab.Gateway.JsonAsync("status"), seen => seen.GetProperty("healthy").GetBoolean());
        var text = (await lab.Gateway.RunAsync("status")).Expect();

        Assert.Equal(GatewayHost.ServerName, status.GetProperty("serverName").GetString());
        Assert.All(["tunnel", "homeserver", "store", "certificate"], part => Assert.True(status.GetProperty(part).GetProperty("ok").GetBoolean(), part));
        Assert.False(status.GetProperty("lock").GetProperty("locked").GetBoolean());
        Assert.InRange(status.GetProperty("counts").GetProperty("signedIn").GetInt32(), 1, int.MaxValue);
        Assert.Contains(GatewayHost.ServerName, text, StringComparison.Ordinal);
        Assert.DoesNotContain(gus.Client.AccessToken, text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Doctor_finds_the_doors_of_the_real_homeserver_shut()
    {
        await lab.Gateway.WaitForAccountAsync();
        var findings = await ExamineAsync();
        var text = (await lab.Gateway.RunAsync("doctor")).Expect();

        Assert.All(
            ["listener", "firewall", "tunnel", "outside", "homeserver", "registration", "guests", "federation", "public rooms", "certificate", "revocations", "service token", "encryption", "retention", "purge", "Synapse"],
            name => Assert.True(findings[name].Verdict == "ok", $"{name}: {findings[name]}"));
        Assert.DoesNotContain(findings, finding => finding.Value.Verdict is "fault" or "unknown");
        Assert.Equal(0, await lab.Homeserver.CountAsync("SELECT count(*) FROM rooms WHERE creator LIKE '@gateway:%'"));
        Assert.Contains($"bound to {lab.Gateway.Link}", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Doctor_tells_what_an_open_homeserver_lets_happen()
    {
        await lab.Gateway.WaitForAccountAsync();
        var registration = Directory.GetFiles(lab.Homeserver.ConfigFolder, "*registration.yaml").Single();
        var careless = Path.Combine(lab.Homeserver.ConfigFolder, "careless.yaml");
        await File.WriteAllLinesAsync(careless, (await File.ReadAllLinesAsync(registration)).Where(line => !line.StartsWith("ip_range_whitelist", StringComparison.Ordinal)));
        await lab.Homeserver.StopAsync();
        try
        {
            await lab.Homeserver.StartAsync($"""
                enable_registration: true
                enable_registration_without_verification: true
                allow_guest_access: true
                allow_public_rooms_without_auth: true
                encryption_enabled_by_default_for_room_type: 'off'
                retention: null
                app_service_config_files: ['{careless}']
                """);
            var findings = await ExamineAsync();

            Assert.Equal(
                ["encryption", "guests", "public rooms", "registration", "retention", "service token"],
                findings.Where(finding => finding.Value.Verdict == "fault").Select(finding => finding.Key).Order(StringComparer.Ordinal));
            Assert.Equal(1, (await lab.Gateway.RunAsync("doctor")).ExitCode);
            Assert.Equal(0, await lab.Homeserver.CountAsync("SELECT count(*) FROM rooms WHERE creator LIKE '@gateway:%'"));
        }
        finally
        {
            await lab.Homeserver.StopAsync();
            File.Delete(careless);
            await lab.Homeserver.StartAsync();
        }
    }

    [Fact]
    public async Task A_lost_phone_is_played_and_loses_everything_while_a_members_goes_on()
    {
        // The lab's own grace of seconds could end the tunnel before the drill has looked at what the phone is told.
        await using var patient = await ChangedSettings.ApplyAsync(lab.Gateway, ("Revocation:GraceHours", 1));
        var ravi = await lab.SignInAsync("ravi");

        var said = (await lab.Gateway.RunAsync("drill")).Expect();
        var again = await lab.Gateway.JsonAsync("drill");

        Assert.Equal(10, said.Split('\n').Count(line => line.StartsWith("  ok ", StringComparison.Ordinal)));
        Assert.EndsWith("A lost phone loses everything. The test device is gone.\n", said, StringComparison.Ordinal);
        Assert.True(again.GetProperty("ok").GetBoolean());
        Assert.Equal("ok", (await ExamineAsync())["drill"].Verdict);
        Assert.Equal(ravi.UserId, (await ravi.Client.WhoAmIAsync()).GetProperty("user_id").GetString());
        Assert.Equal(0, await lab.Homeserver.CountAsync("SELECT count(*) FROM devices WHERE user_id LIKE '@gateway-drill:%'"));
    }

    [Fact]
    public async Task A_peer_that_somebody_added_by_hand_is_removed()
    {
        var key = (await Command.RunAsync("wg", "genkey")).Expect();
        var stranger = (await Command.FeedAsync(key, "wg", "pubkey")).Expect().Trim();

        await lab.Gateway.WhileItStandsStillAsync(async () =>
        {
            (await lab.Server.RunAsync("wg", "set", lab.Gateway.Link, "peer", stranger, "allowed-ips", "198.19.60.60/32")).Expect();
            Assert.True(await lab.Gateway.HasPeerAsync(stranger));
        });

        await Until.TrueAsync("the stranger is gone", Repair, async () => !await lab.Gateway.HasPeerAsync(stranger));
    }

    [Fact]
    public async Task A_peer_that_is_missing_is_put_back()
    {
        var (enrolment, phone) = await lab.JoinAsync("hugo");
        await phone.WaitForHandshakeAsync();

        await lab.Gateway.WhileItStandsStillAsync(async () =>
        {
            (await lab.Server.RunAsync("wg", "set", lab.Gateway.Link, "peer", enrolment.PublicKey, "remove")).Expect();
            Assert.False(await lab.Gateway.HasPeerAsync(enrolment.PublicKey));
        });

        await Until.TrueAsync("the peer is back", Repair, () => lab.Gateway.HasPeerAsync(enrolment.PublicKey));
        await Until.TrueAsync("the phone gets through again", TimeSpan.FromSeconds(60), () => Doorbell.OpensAsync(phone.Space, lab.Gateway.TunnelAddress, 443));
    }

    [Fact]
    public async Task A_lost_interface_is_rebuilt_and_the_phone_gets_through_again()
    {
        var ines = await lab.SignInAsync("ines");

        await lab.Server.IpAsync("link", "delete", lab.Gateway.Link);
        await Until.TrueAsync("the peer is back", TimeSpan.FromSeconds(20), () => lab.Gateway.HasPeerAsync(ines.Enrolment.PublicKey));
        // The phone believes in its old session until nothing has answered for 15 s.
        await Until.TrueAsync("the phone gets through again", TimeSpan.FromSeconds(60), () => Doorbell.OpensAsync(ines.Phone.Space, lab.Gateway.TunnelAddress, 443));

        Assert.Equal(ines.UserId, (await ines.Client.WhoAmIAsync()).GetProperty("user_id").GetString());
        // The listener is bound to the interface of now: the table would hide it if it were bound to nothing.
        await using (await lab.Firewall.OpenAsync())
        {
            var neighbour = await lab.AddNeighbourAsync();
            Assert.False(await Doorbell.OpensAsync(neighbour, lab.Gateway.TunnelAddress, 443));
        }
    }

    [Fact]
    public async Task A_restart_of_the_gateway_drops_no_tunnel_and_no_session()
    {
        var jana = await lab.SignInAsync("jana");
        var kai = await lab.SignInAsync("kai");
        var room = await jana.Client.CreateRoomAsync(kai.UserId);
        await kai.Client.JoinAsync(room);
        await jana.Client.SeeJoinAsync(room, kai.UserId);
        var handshake = await jana.Phone.LastHandshakeAsync();
        var daemon = await DaemonAsync();

        await lab.Gateway.RestartAsync();
        var straightAfter = await jana.Phone.GetAsync("_matrix/client/v3/account/whoami", jana.Client.AccessToken);
        await jana.Client.SendAsync(room, "after the restart");
        await kai.Client.ReceiveAsync("after the restart");

        Assert.Equal(jana.UserId, straightAfter.Json.GetProperty("user_id").GetString());
        Assert.Equal(daemon, await DaemonAsync());
        Assert.Equal(handshake, await jana.Phone.LastHandshakeAsync());
    }

    [Fact]
    public async Task Without_a_gateway_the_command_line_says_so()
    {
        await lab.Gateway.StopAsync();

        var devices = await lab.Gateway.RunAsync("devices");
        await lab.Gateway.StartAsync();

        Assert.Equal(3, devices.ExitCode);
        Assert.StartsWith("error:", devices.Error, StringComparison.Ordinal);
        Assert.Contains("hint:", devices.Error, StringComparison.Ordinal);
    }

    private async Task<Dictionary<string, (string Verdict, string Detail)>> ExamineAsync() =>
        JsonElement.Parse((await lab.Gateway.RunAsync("doctor", "--json")).Output).EnumerateArray().ToDictionary(
            finding => finding.GetProperty("name").GetString()!,
            finding => (finding.GetProperty("verdict").GetString()!, finding.GetProperty("detail").GetString()!),
            StringComparer.Ordinal);

    /// <summary>The process that holds the server's interface. The whole argument counts: another link's name may begin with this one.</summary>
    private async Task<int> DaemonAsync()
    {
        var processes = await lab.Server.ProcessesAsync();
        return Assert.Single(processes, id => Arguments(id).Take(2).SequenceEqual(["wireguard-go", lab.Gateway.Link]));
    }

    private static string[] Arguments(int process)
    {
        try
        {
            return File.ReadAllText($"/proc/{process}/cmdline").Split('\0');
        }
        catch (IOException)
        {
            return [];
        }
    }
}
