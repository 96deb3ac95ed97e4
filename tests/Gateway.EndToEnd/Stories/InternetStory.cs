using System.Net;
using Gateway.EndToEnd.Lab;

namespace Gateway.EndToEnd.Stories;

/// <summary>Somebody on the Internet, without a tunnel, looks for the gateway.</summary>
[Collection(SharedLab.Name)]
public sealed class InternetStory(TestLab lab) : IAsyncDisposable
{
    private const int SshPort = 22;
    private const int ControlPort = 8443;

    public ValueTask DisposeAsync() => lab.EndStoryAsync();

    [Fact]
    public async Task A_scan_of_all_ports_finds_nothing_of_ours()
    {
        var neighbour = await lab.AddNeighbourAsync();
        using var ssh = await Doorbell.HangAsync(lab.Server, IPAddress.Any, SshPort);

        var open = await PortScan.OpenPortsAsync(neighbour, IPAddress.Parse(TestLab.PublicAddress));

        // Only the test's own listener, which shows that the scan finds what is there.
        Assert.Equal(SshPort, Assert.Single(open));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_packet_for_the_tunnel_address_from_outside_gets_no_answer(bool withTable)
    {
        await using var open = withTable ? null : await lab.Firewall.OpenAsync();
        var neighbour = await lab.AddNeighbourAsync();
        // Linux takes a packet for any of its addresses on any interface; a listener that is bound to the address alone is reached so.
        using var control = await Doorbell.HangAsync(lab.Server, lab.Gateway.TunnelAddress, ControlPort);

        Assert.False(await Doorbell.OpensAsync(neighbour, lab.Gateway.TunnelAddress, 443));
        Assert.Equal(!withTable, await Doorbell.IsHeardAsync(neighbour, lab.Gateway.TunnelAddress, ControlPort));
    }
}
