using System.Net;
using Gateway.Proxy;
using Gateway.Tests.Testing;
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
