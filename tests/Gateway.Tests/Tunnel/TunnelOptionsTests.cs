using System.Net;
using Gateway.Tunnel;

namespace Gateway.Tests.Tunnel;

public sealed class TunnelOptionsTests
{
    private static TunnelOptions Valid => new() { ListenPort = 47123, Endpoint = "vpn.example.org:47123" };

    [Fact]
    public void The_defaults_need_only_port_and_endpoint()
    {
        Assert.Empty(Faults(Valid));
        Assert.Equal(IPAddress.Parse("198.19.0.1"), Valid.GatewayAddress);
        Assert.Equal(18, Valid.Subnet.PrefixLength);
    }

    [Fact]
    public void All_faults_are_reported_at_once_each_with_its_key()
    {
        var faults = Faults(new() { Interface = "a b", Network = "x", ListenPort = 0, Endpoint = "", Userspace = "maybe" });

        Assert.Collection(
            faults,
            fault => Assert.StartsWith("Tunnel:Interface ", fault, StringComparison.Ordinal),
            fault => Assert.StartsWith("Tunnel:Network ", fault, StringComparison.Ordinal),
            fault => Assert.StartsWith("Tunnel:ListenPort ", fault, StringComparison.Ordinal),
            fault => Assert.StartsWith("Tunnel:Endpoint ", fault, StringComparison.Ordinal),
            fault => Assert.StartsWith("Tunnel:Userspace ", fault, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("10.7.0.0/16")]
    [InlineData("10.9.0.0/30")]
    [InlineData("198.19.0.0/18")]
    public void A_usable_network_is_taken(string network) => Assert.Empty(Faults(With(o => o.Network = network)));

    [Theory]
    [InlineData("")]
    [InlineData("198.19.0.0")]
    [InlineData("198.19.0.0/")]
    [InlineData("198.19.0.0/33")]
    [InlineData("198.19.0.0/31")]
    [InlineData("198.19.0.0/32")]
    [InlineData("198.19.0.5/18")]
    [InlineData("198.19/16")]
    [InlineData("0.0.0.0/0")]
    [InlineData("0.0.0.0/8")]
    [InlineData("fd00::/64")]
    [InlineData("127.0.0.0/8")]
    [InlineData("127.8.0.0/16")]
    [InlineData("169.254.0.0/16")]
    [InlineData("224.0.0.0/8")]
    [InlineData("239.1.0.0/16")]
    [InlineData("255.0.0.0/8")]
    public void An_unusable_network_is_named(string network) =>
        Assert.StartsWith("Tunnel:Network ", Assert.Single(Faults(With(o => o.Network = network))), StringComparison.Ordinal);

    [Theory]
    [InlineData("203.0.113.7:1")]
    [InlineData("[2001:db8::1]:65535")]
    [InlineData("a-name-of-forty-one-characters-is.example:47123")]
    public void A_usable_endpoint_is_taken(string endpoint) => Assert.Empty(Faults(With(o => o.Endpoint = endpoint)));

    [Theory]
    [InlineData("vpn.example.org")]
    [InlineData("vpn.example.org:")]
    [InlineData("vpn.example.org:0")]
    [InlineData("vpn.example.org:65536")]
    [InlineData("vpn.example.org:+1")]
    [InlineData(":47123")]
    [InlineData("vpn example:47123")]
    [InlineData("vpn.example.org\nPostUp = x:47123")]
    [InlineData("2001:db8::1:47123")]
    [InlineData("[vpn.example.org]:47123")]
    [InlineData("https://vpn.example.org:47123")]
    [InlineData("a-name-of-forty-two-characters-is1.example:47123")]
    public void An_unusable_endpoint_is_named(string endpoint) =>
        Assert.StartsWith("Tunnel:Endpoint ", Assert.Single(Faults(With(o => o.Endpoint = endpoint))), StringComparison.Ordinal);

    [Theory]
    [InlineData("")]
    [InlineData("sixteencharacter")]
    [InlineData("wg/0")]
    [InlineData("..")]
    [InlineData("-wg0")]
    [InlineData("wgé")]
    public void An_unusable_interface_name_is_named(string name) =>
        Assert.StartsWith("Tunnel:Interface ", Assert.Single(Faults(With(o => o.Interface = name))), StringComparison.Ordinal);

    [Theory]
    [InlineData("auto", UserspaceMode.Auto)]
    [InlineData("never", UserspaceMode.Never)]
    [InlineData("Always", UserspaceMode.Always)]
    internal void Userspace_is_read(string text, UserspaceMode mode)
    {
        var options = With(o => o.Userspace = text);

        Assert.Empty(Faults(options));
        Assert.Equal(mode, options.UserspaceMode);
    }

    private static TunnelOptions With(Action<TunnelOptions> change)
    {
        var options = Valid;
        change(options);
        return options;
    }

    private static IReadOnlyList<string> Faults(TunnelOptions options) => [.. new TunnelOptionsValidator().Validate(null, options).Failures ?? []];
}
