using System.Globalization;
using System.Net;
using Gateway.Backups;
using Gateway.Monitoring;
using Gateway.Onboarding.Revocation;
using Gateway.Tests.Testing;

namespace Gateway.Tests.Monitoring;

/// <summary>What a Prometheus finds, where, and what it never does.</summary>
public sealed class ScrapeTests
{
    [Fact]
    public async Task Numbers_say_what_happened()
    {
        await using var gateway = await TestGateway.StartAsync();
        using var alice = await gateway.SignInAsync(await gateway.EnrolAsync("alice"));
        await gateway.EnrolAsync("bob", connect: false);
        using var whoami = await alice.GetAsync("/_matrix/client/v3/account/whoami");
        using var stranger = gateway.At("198.19.9.9");
        using var refused = await stranger.GetAsync("/_matrix/client/versions");
        using var other = await alice.GetAsync("/_synapse/admin/v1/users");

        var seen = await gateway.ScrapeAsync();

        Assert.Equal((1, 0, 1), (seen["gateway_devices{state=\"signed-in\"}"], seen["gateway_devices{state=\"connected\"}"], seen["gateway_devices{state=\"pending\"}"]));
        Assert.Equal((1, 1), (seen["gateway_device_handshakes{age=\"3m\"}"], seen["gateway_device_handshakes{age=\"never\"}"]));
        Assert.Equal((1, 1), (seen["gateway_login_grants{state=\"spent\"}"], seen["gateway_login_grants{state=\"armed\"}"]));
        Assert.Equal(1, seen["gateway_request_duration_seconds_count{class=\"other\",code=\"2xx\"}"]);
        Assert.Equal(1, seen["gateway_request_duration_seconds_count{class=\"login\",code=\"2xx\"}"]);
        Assert.Equal((1, 1), (seen["gateway_refusals_total{reason=\"address\"}"], seen["gateway_refusals_total{reason=\"path\"}"]));
        Assert.Equal((2, 1, 0), (seen["gateway_changes_total{kind=\"device-enrolled\"}"], seen["gateway_changes_total{kind=\"grant-spent\"}"], seen["gateway_changes_total{kind=\"device-revoked\"}"]));
        Assert.InRange(seen["gateway_store_write_duration_seconds_count"], 3, 20);
        Assert.InRange(seen["gateway_reconcile_duration_seconds_count"], 1, 50);
        Assert.Equal((1, 1, 1), (seen["gateway_part_up{part=\"homeserver\"}"], seen["gateway_part_up{part=\"tunnel\"}"], seen["gateway_part_up{part=\"store\"}"]));
        Assert.InRange(seen["gateway_certificate_remaining_seconds"] / 86400, 729, 732);
        Assert.Equal((0, 0, 0), (seen["gateway_unknown_peers_removed_total"], seen["gateway_locked"], seen["gateway_requests_open{class=\"sync\"}"]));
        Assert.False(seen.Has("gateway_backup_age_seconds"));
    }

    [Fact]
    public async Task An_open_poll_is_seen_and_so_is_its_end()
    {
        await using var gateway = await TestGateway.StartAsync();
        using var alice = await gateway.SignInAsync(await gateway.EnrolAsync("alice"));

        var poll = alice.GetAsync("/_matrix/client/v3/sync?timeout=30000");
        await Eventually.Is(async () => (await gateway.ScrapeAsync())["gateway_requests_open{class=\"sync\"}"] == 1, TimeSpan.FromSeconds(10));
        gateway.Service<Revoker>().RevokeDevice("alice/phone", cut: true, "test");
        await Assert.ThrowsAnyAsync<HttpRequestException>(() => poll);

        await Eventually.Is(async () => (await gateway.ScrapeAsync())["gateway_requests_open{class=\"sync\"}"] == 0, TimeSpan.FromSeconds(10));
        Assert.Equal(1, (await gateway.ScrapeAsync())["gateway_request_duration_seconds_count{class=\"sync\",code=\"aborted\"}"]);
    }

    [Fact]
    public async Task Nobody_and_nothing_is_named()
    {
        await using var gateway = await TestGateway.StartAsync();
        var enrolment = await gateway.EnrolAsync("alice", "tablet");
        using var alice = await gateway.SignInAsync(enrolment);
        using var room = await alice.GetAsync("/_matrix/client/v3/rooms/!secret:chat.example/messages");
        gateway.Service<Revoker>().RevokeDevice("alice/tablet", cut: false, "test");

        var seen = await gateway.ScrapeAsync();

        var device = gateway.Device(enrolment.Device.Id);
        Assert.All(
            ["alice", "tablet", enrolment.Device.Id, enrolment.Device.TunnelAddress, enrolment.Device.PublicKey, "198.19.", "chat.example", "secret", "127.0.0.1", "/_matrix", gateway.DataDirectory, device.Sessions[0].MatrixDeviceId],
            name => Assert.DoesNotContain(name, seen.Text, StringComparison.OrdinalIgnoreCase));
        Assert.Equal(["age", "class", "code", "kind", "le", "part", "reason", "state", "version", "waits_for"], seen.LabelNames.Order(StringComparer.Ordinal));
        Assert.All(seen.Series, series => Assert.StartsWith("gateway_", series, StringComparison.Ordinal));
        Assert.InRange(seen.Series.Count(), 100, 1000);
    }

    [Fact]
    public async Task A_revocation_that_hangs_shows_by_its_age_and_a_phone_that_is_away_does_not()
    {
        await using var gateway = await TestGateway.StartAsync();
        using var alice = await gateway.SignInAsync(await gateway.EnrolAsync("alice"));
        gateway.Homeserver.Interfere = FakeHomeserver.Down;
        gateway.Service<Revoker>().RevokeDevice("alice/phone", cut: false, "test");
        gateway.Clock.Advance(TimeSpan.FromMinutes(6));

        var hanging = await gateway.ScrapeAsync();
        gateway.Homeserver.Interfere = _ => Task.FromResult(false);
        await Eventually.Is(
            async () =>
            {
                gateway.Clock.Advance(TimeSpan.FromSeconds(5));
                return (await gateway.ScrapeAsync())["gateway_revocations_pending{waits_for=\"homeserver\"}"] == 0;
            },
            TimeSpan.FromSeconds(20));
        var done = await gateway.ScrapeAsync();

        Assert.InRange(hanging["gateway_revocation_pending_age_seconds{waits_for=\"homeserver\"}"], 360, 400);
        Assert.Equal(0, done["gateway_revocation_pending_age_seconds{waits_for=\"homeserver\"}"]);
        Assert.Equal((0, 2), (done["gateway_revocations_pending{waits_for=\"interface\"}"], done["gateway_revocations_pending{waits_for=\"phone\"}"]));
        Assert.Equal(1, done["gateway_devices{state=\"quarantined\"}"]);
    }

    [Fact]
    public async Task A_peer_from_elsewhere_is_counted_and_one_that_was_revoked_is_not()
    {
        await using var gateway = await TestGateway.StartAsync();
        await gateway.EnrolAsync("alice", connect: false);
        await gateway.EnrolAsync("bob", connect: false);
        await Eventually.Is(() => gateway.Interface.Peers.Count == 2, TimeSpan.FromSeconds(10));
        gateway.Service<Revoker>().RevokeDevice("alice/phone", cut: true, "test");
        gateway.Clock.Advance(TimeSpan.FromMinutes(16));
        await Eventually.Is(() => gateway.Interface.Peers.Count == 0, TimeSpan.FromSeconds(10));
        Assert.Equal(0, (await gateway.ScrapeAsync())["gateway_unknown_peers_removed_total"]);

        gateway.Interface.PutByHand(SomePeers.Standing(SomePeers.Number(200)));
        gateway.Clock.Advance(TimeSpan.FromSeconds(2));

        await Eventually.Is(async () => (await gateway.ScrapeAsync())["gateway_unknown_peers_removed_total"] == 1, TimeSpan.FromSeconds(10));
    }

    [Fact]
    public async Task The_age_of_the_backup_is_that_of_its_file()
    {
        await using var gateway = await TestGateway.StartAsync();
        var age = gateway.Service<BackupAge>();
        var file = Path.Combine(gateway.DataDirectory, LastBackup.FileName);
        Assert.Empty(age.Observe());

        await File.WriteAllTextAsync(file, $$"""{"at": "{{gateway.Clock.GetUtcNow().AddHours(-3).ToString("O", CultureInfo.InvariantCulture)}}", "to": "x"}""");
        Assert.Equal(10800, Assert.Single(age.Observe()).Value);
        await File.WriteAllTextAsync(file, "{");
        Assert.Equal(double.PositiveInfinity, Assert.Single(age.Observe()).Value);
        File.Delete(file);
        Assert.Equal(double.PositiveInfinity, Assert.Single(age.Observe()).Value);
    }

    [Fact]
    public async Task It_is_on_the_socket_and_on_loopback_and_nowhere_else()
    {
        await using var gateway = await TestGateway.StartAsync(("Metrics:Port", "9464"), ("Console:TunnelPort", "8443"));
        var enrolment = await gateway.EnrolAsync("alice");
        using var alice = await gateway.SignInAsync(enrolment);
        using var marked = gateway.ConsoleAt(enrolment.Device.TunnelAddress);
        using var http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false });
        await gateway.Admin.MarkAsync(new("alice/phone", true), default);

        foreach (var path in new[] { "/metrics", "/health/live", "/health/ready" })
        {
            Assert.Equal(HttpStatusCode.NotFound, (await alice.GetAsync(path)).StatusCode);
            Assert.Equal(HttpStatusCode.NotFound, (await marked.GetAsync(path)).StatusCode);
            Assert.Equal(HttpStatusCode.NotFound, (await http.GetAsync($"http://localhost:{gateway.ConsolePort}{path}")).StatusCode);
            Assert.Equal(HttpStatusCode.OK, (await http.GetAsync($"http://127.0.0.1:{gateway.MonitoringPort}{path}")).StatusCode);
            using var rebound = new HttpRequestMessage(HttpMethod.Get, $"http://127.0.0.1:{gateway.MonitoringPort}{path}") { Headers = { Host = "attacker.example" } };
            Assert.Equal(HttpStatusCode.MisdirectedRequest, (await http.SendAsync(rebound)).StatusCode);
        }

        foreach (var path in new[] { "/v1/devices", "/v1/status", "/", "/health" })
        {
            Assert.Equal(HttpStatusCode.NotFound, (await http.GetAsync($"http://127.0.0.1:{gateway.MonitoringPort}{path}")).StatusCode);
        }
    }
}
