using System.Net;
using Gateway.Monitoring;
using Gateway.Proxy;
using Gateway.Tests.Testing;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Primitives;

namespace Gateway.Tests.Proxy;

/// <summary>What is decided for each request leaves nothing behind for the collector.</summary>
public sealed class RequestPathAllocationTests
{
    private const string Target = "/_matrix/client/v3/rooms/!room:chat.example/messages?dir=b&limit=20&from=t1_2";

    [Fact]
    public async Task Device_share_policy_query_and_token_allocate_nothing()
    {
        await using var gateway = await TestGateway.StartAsync();
        var alice = await gateway.EnrolAsync("alice");
        using var client = await gateway.SignInAsync(alice);
        var address = IPAddress.Parse(alice.Device.TunnelAddress);
        StringValues authorization = client.DefaultRequestHeaders.Authorization!.ToString();
        var (devices, binding) = (gateway.Service<DeviceResolver>(), gateway.Service<TokenBinding>());
        var passed = 0;

        // The first rounds are for the compiler, and for what is remembered of a token.
        var allocated = 0L;
        for (var round = 0; round < 3; round++)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            for (var request = 0; request < 150; request++)
            {
                passed += Judge(devices, binding, address, authorization) ? 1 : 0;
            }

            allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        }

        Assert.Equal(450, passed);
        Assert.Equal(0, allocated);
    }

    [Fact]
    public async Task To_be_counted_allocates_nothing_while_somebody_scrapes()
    {
        await using var gateway = await TestGateway.StartAsync();
        var metrics = gateway.Service<GateMetrics>();
        var context = new DefaultHttpContext();
        context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget = Target;
        var before = await gateway.ScrapeAsync();

        var allocated = 0L;
        for (var round = 0; round < 3; round++)
        {
            var start = GC.GetAllocatedBytesForCurrentThread();
            for (var request = 0; request < 150; request++)
            {
                metrics.End(metrics.Begin(context), context, CancellationToken.None);
                metrics.Refused(RefusalReason.TokenForeign);
            }

            allocated = GC.GetAllocatedBytesForCurrentThread() - start;
        }

        Assert.Equal(0, allocated);
        Assert.Equal(0, before["gateway_refusals_total{reason=\"token_foreign\"}"]);
        await Eventually.Is(async () => (await gateway.ScrapeAsync()) is var seen
            && seen["gateway_refusals_total{reason=\"token_foreign\"}"] == 450 && seen["gateway_request_duration_seconds_count{class=\"other\",code=\"2xx\"}"] == 450, TimeSpan.FromSeconds(5));
    }

    private static bool Judge(DeviceResolver devices, TokenBinding binding, IPAddress address, StringValues authorization)
    {
        var device = devices.Find(address)!;
        var wait = device.Door.Share.Enter();
        device.Door.Share.Leave();
        return wait is null
            && AccessPolicy.Of("GET", Target) == Passage.Forward
            && !QueryNames.HasShut(Target)
            && binding.Of(device, authorization, out _) == TokenStanding.Bound;
    }
}
