using System.Net;
using Gateway.Tunnel;

namespace Gateway.Tests.Tunnel;

public sealed class WgDumpTests
{
    private const string Interface = "6EtabScXwQA6E7QxVwNT26ypFGzxUMX4V1aA/rpSAno=\tXHNQWDyIYVSRTDmqGNAvR1KRjaj6XUZrXRCnkRTmwgM=\t47123\toff";
    private const string Key = "uFmW/sycfx/G0lcqdu2hHVm80gvo5UOxXOS9hajnWjM=";

    [Fact]
    public void Interface_and_peers_are_read()
    {
        var dump = WgDump.Parse(
            $"{Interface}\n"
            + $"{Key}\tGIUVCT6VL18i6GXO8wEucvi18LWYrAMJ1drM47cPz1I=\t203.0.113.7:40000\t198.19.0.2/32\t1700000000\t10\t20\t25\n"
            + "WEAuaVuhdyscyTCXVfBDJR6nf9zxD75jmJzrfhkyE3Y=\t(none)\t(none)\t(none)\t0\t0\t0\toff\n");

        Assert.Equal(47123, dump.ListenPort);
        Assert.Equal("6EtabScXwQA6E7QxVwNT26ypFGzxUMX4V1aA/rpSAno=", dump.PrivateKey!.Reveal());
        var (connected, silent) = (dump.Peers[0], dump.Peers[1]);
        Assert.Equal(Key, connected.PublicKey.ToString());
        Assert.Equal("GIUVCT6VL18i6GXO8wEucvi18LWYrAMJ1drM47cPz1I=", connected.PresharedKey!.Reveal());
        Assert.Equal(IPEndPoint.Parse("203.0.113.7:40000"), connected.Endpoint);
        Assert.Equal(IPNetwork.Parse("198.19.0.2/32"), Assert.Single(connected.AllowedIPs));
        Assert.Equal(DateTimeOffset.FromUnixTimeSeconds(1_700_000_000), connected.LastHandshake);
        Assert.Equal((10L, 20L), (connected.ReceivedBytes, connected.SentBytes));
        Assert.Equal((null, null, null), (silent.PresharedKey, silent.Endpoint, silent.LastHandshake));
        Assert.Empty(silent.AllowedIPs);
    }

    [Fact]
    public void A_fresh_interface_has_no_key() => Assert.Null(WgDump.Parse("(none)\t(none)\t0\toff\n").PrivateKey);

    [Theory]
    [InlineData("")]
    [InlineData("(none)\t(none)\t0\n")]
    [InlineData("(none)\t(none)\t65536\toff\n")]
    [InlineData("nokey\t(none)\t0\toff\n")]
    [InlineData(Interface + "\nnokey\t(none)\t(none)\t(none)\t0\t0\t0\toff\n")]
    [InlineData(Interface + "\n" + Key + "\tnokey\t(none)\t(none)\t0\t0\t0\toff\n")]
    [InlineData(Interface + "\n" + Key + "\t(none)\tnowhere\t(none)\t0\t0\t0\toff\n")]
    [InlineData(Interface + "\n" + Key + "\t(none)\t(none)\t10.0.0.0\t0\t0\t0\toff\n")]
    [InlineData(Interface + "\n" + Key + "\t(none)\t(none)\t(none)\t-1\t0\t0\toff\n")]
    [InlineData(Interface + "\n" + Key + "\t(none)\t(none)\t(none)\t999999999999999\t0\t0\toff\n")]
    [InlineData(Interface + "\n" + Key + "\t(none)\t(none)\n")]
    public void What_is_not_understood_is_refused_without_quoting_it(string text)
    {
        var fault = Assert.Throws<TunnelException>(() => WgDump.Parse(text));

        Assert.DoesNotContain("6EtabScX", fault.Message, StringComparison.Ordinal);
    }
}
