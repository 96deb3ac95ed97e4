using System.Net;
using Gateway.Onboarding.Enrolment;
using Gateway.Onboarding.Store;
using Gateway.Proxy;
using Gateway.Tests.Testing;

namespace Gateway.Tests.Proxy;

public sealed class DeviceResolverTests
{
    [Fact]
    public async Task A_late_word_about_a_device_that_is_gone_does_not_take_its_address_from_the_next()
    {
        await using var gateway = await TestGateway.StartAsync();
        var gone = await gateway.EnrolAsync("alice", connect: false);
        var id = gateway.Device("alice/phone").Id;
        Assert.Null(gateway.Service<Enroller>().Cancel(gone.Device.Id, "a test"));
        var next = await gateway.EnrolAsync("bob");
        Assert.Equal(gone.Device.TunnelAddress, next.Device.TunnelAddress);

        gateway.Service<StateWriter>().Write(new EnrolmentEnded("once more") { At = gateway.Clock.GetUtcNow(), Device = id });

        Assert.Equal(gateway.Device("bob/phone").Id, gateway.Service<DeviceResolver>().Find(IPAddress.Parse(next.Device.TunnelAddress))?.Id);
    }
}
