using System.Net;
using Gateway.Proxy;
using Gateway.Tests.Testing;
using Gateway.Tunnel;
using Microsoft.Extensions.Logging;

namespace Gateway.Tests.Monitoring;

/// <summary>What a supervisor is told: alive, and able to serve, or which part is not.</summary>
public sealed class ProbeTests
{
    [Fact]
    public async Task Ready_when_all_parts_are()
    {
        await using var gateway = await TestGateway.StartAsync();

        Assert.Equal((HttpStatusCode.OK, "live\n"), await AskAsync(gateway, "live"));
        await Eventually.Is(async () => await AskAsync(gateway, "ready") == (HttpStatusCode.OK, "ready\n"), TimeSpan.FromSeconds(10));
    }

    [Fact]
    public async Task A_part_that_is_not_well_is_named_without_a_word_of_why_and_without_a_line_in_the_log()
    {
        await using var gateway = await TestGateway.StartAsync();
        await Eventually.Is(async () => (await AskAsync(gateway, "ready")).Status == HttpStatusCode.OK, TimeSpan.FromSeconds(10));
        gateway.Homeserver.Interfere = FakeHomeserver.Down;
        await gateway.Service<HomeserverWatch>().LookOnceAsync(default);

        Assert.Equal((HttpStatusCode.ServiceUnavailable, "homeserver\n"), await AskAsync(gateway, "ready"));
        gateway.Interface.Before = (_, _) => throw new TunnelException("wg is missing");
        gateway.Service<PeerReconciler>().Wake();
        gateway.Clock.Advance(TimeSpan.FromSeconds(5));
        await Eventually.Is(async () => await AskAsync(gateway, "ready") == (HttpStatusCode.ServiceUnavailable, "interface\nhomeserver\n"), TimeSpan.FromSeconds(10));

        Assert.Equal((HttpStatusCode.OK, "live\n"), await AskAsync(gateway, "live"));
        Assert.DoesNotContain(gateway.Log.GetSnapshot(), line => line.Category?.Contains("HealthCheck", StringComparison.Ordinal) == true && line.Level >= LogLevel.Warning);
    }

    [Fact]
    public async Task A_disk_that_takes_nothing_makes_it_unready_until_it_does_again()
    {
        await using var gateway = await TestGateway.StartAsync();
        await Eventually.Is(async () => (await AskAsync(gateway, "ready")).Status == HttpStatusCode.OK, TimeSpan.FromSeconds(10));

        gateway.Disk.Before = what => throw new IOException($"no space left: {what}");
        await Assert.ThrowsAnyAsync<Exception>(() => gateway.EnrolAsync("alice"));
        var full = await AskAsync(gateway, "ready");
        gateway.Disk.Before = _ => { };
        await gateway.EnrolAsync("alice");

        Assert.Equal((HttpStatusCode.ServiceUnavailable, "store\n"), full);
        Assert.Equal((HttpStatusCode.OK, "ready\n"), await AskAsync(gateway, "ready"));
    }

    private static async Task<(HttpStatusCode Status, string Text)> AskAsync(TestGateway gateway, string which)
    {
        using var admin = gateway.RawAdmin();
        using var answer = await admin.GetAsync($"/health/{which}");
        return (answer.StatusCode, await answer.Content.ReadAsStringAsync());
    }
}
