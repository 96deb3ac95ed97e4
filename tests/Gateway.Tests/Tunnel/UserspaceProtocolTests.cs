using System.Net;
using Gateway.Tests.Testing;
using Gateway.Tunnel;

namespace Gateway.Tests.Tunnel;

public sealed class UserspaceProtocolTests
{
    /// <summary>The example dialogue of https://www.wireguard.com/xplatform/, the answer to get=1, with a handshake added.</summary>
    private const string Example =
        """
        private_key=e84b5a6d2717c1003a13b431570353dbaca9146cf150c5f8575680feba52027a
        listen_port=12912
        public_key=b85996fecc9c7f1fc6d2572a76eda11d59bcd20be8e543b15ce4bd85a8e75a33
        preshared_key=188515093e952f5f22e865cef3012e72f8b5f0b598ac0309d5dacce3b70fcf52
        allowed_ip=192.168.4.4/32
        endpoint=[abcd:23::33%2]:51820
        public_key=58402e695ba1772b1cc9309755f043251ea77fdcf10fbe63989ceb7e19321376
        tx_bytes=38333
        rx_bytes=2224
        allowed_ip=192.168.4.6/32
        persistent_keepalive_interval=111
        endpoint=182.122.22.19:3233
        public_key=662e14fd594556f522604703340351258903b64f35553763f19426ab2a515c58
        endpoint=5.152.198.39:51820
        last_handshake_time_sec=1700000000
        last_handshake_time_nsec=250000000
        allowed_ip=192.168.4.10/32
        allowed_ip=192.168.4.11/32
        tx_bytes=1212111
        rx_bytes=1929999999
        protocol_version=1
        """;

    [Fact]
    public void The_documented_dialogue_is_understood()
    {
        var dump = Parse(Example);

        Assert.Equal("6EtabScXwQA6E7QxVwNT26ypFGzxUMX4V1aA/rpSAno=", dump.PrivateKey!.Reveal());
        Assert.Equal(12912, dump.ListenPort);
        Assert.Equal(3, dump.Peers.Count);

        var first = dump.Peers[0];
        Assert.Equal("uFmW/sycfx/G0lcqdu2hHVm80gvo5UOxXOS9hajnWjM=", first.PublicKey.ToString());
        Assert.Equal("GIUVCT6VL18i6GXO8wEucvi18LWYrAMJ1drM47cPz1I=", first.PresharedKey!.Reveal());
        Assert.Equal(IPNetwork.Parse("192.168.4.4/32"), Assert.Single(first.AllowedIPs));
        Assert.Equal(IPEndPoint.Parse("[abcd:23::33%2]:51820"), first.Endpoint);
        Assert.Null(first.LastHandshake);

        var second = dump.Peers[1];
        Assert.Null(second.PresharedKey);
        Assert.Equal((2224L, 38333L), (second.ReceivedBytes, second.SentBytes));

        var third = dump.Peers[2];
        Assert.Equal(2, third.AllowedIPs.Count);
        Assert.Equal(DateTimeOffset.FromUnixTimeMilliseconds(1_700_000_000_250), third.LastHandshake);
    }

    [Fact]
    public void An_all_zero_preshared_key_is_none_and_second_zero_is_no_handshake()
    {
        var dump = Parse($"public_key={new string('1', 64)}\npreshared_key={new string('0', 64)}\nlast_handshake_time_sec=0\nlast_handshake_time_nsec=0");

        Assert.Null(Assert.Single(dump.Peers).PresharedKey);
        Assert.Null(dump.Peers[0].LastHandshake);
    }

    [Fact]
    public void A_fresh_interface_has_nothing()
    {
        var dump = Parse("");

        Assert.Null(dump.PrivateKey);
        Assert.Equal(0, dump.ListenPort);
        Assert.Empty(dump.Peers);
    }

    [Theory]
    [InlineData("nonsense")]
    [InlineData("=x")]
    [InlineData("allowed_ip=10.0.0.1/32")]
    [InlineData("tx_bytes=1")]
    [InlineData("unknown=1")]
    [InlineData("listen_port=65536")]
    [InlineData("listen_port=-1")]
    [InlineData("listen_port= 1")]
    [InlineData("private_key=12")]
    [InlineData("private_key=zz4b5a6d2717c1003a13b431570353dbaca9146cf150c5f8575680feba52027a")]
    [InlineData("private_key=e84b5a6d2717c1003a13b431570353dbaca9146cf150c5f8575680feba52027aab")]
    [InlineData("public_key=e84b")]
    [InlineData(Peer + "allowed_ip=10.0.0.1/33")]
    [InlineData(Peer + "endpoint=somewhere")]
    [InlineData(Peer + "last_handshake_time_sec=99999999999999999999")]
    [InlineData(Peer + "last_handshake_time_sec=999999999999999")]
    [InlineData(Peer + "private_key=e84b5a6d2717c1003a13b431570353dbaca9146cf150c5f8575680feba52027a")]
    [InlineData(Peer + "unknown=1")]
    public void What_is_not_understood_is_refused_without_quoting_a_value(string answer)
    {
        var fault = Assert.Throws<TunnelException>(() => Parse(answer));

        Assert.DoesNotContain("2717c1003a13", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_peer_is_set_alone_and_with_exactly_one_address()
    {
        var peer = SomePeers.Number(7);

        Assert.Equal(
            $"""
            set=1
            public_key={Convert.ToHexStringLower(peer.PublicKey.ToBytes())}
            preshared_key={Convert.ToHexStringLower(peer.PresharedKey.Bytes)}
            replace_allowed_ips=true
            allowed_ip=198.19.0.7/32


            """,
            UserspaceProtocol.Set(peer));
        Assert.Equal($"set=1\npublic_key={Convert.ToHexStringLower(peer.PublicKey.ToBytes())}\nremove=true\n\n", UserspaceProtocol.Remove(peer.PublicKey));
        Assert.DoesNotContain("replace_peers", UserspaceProtocol.Set(SomePeers.Settings()), StringComparison.Ordinal);
    }

    private const string Peer = "public_key=662e14fd594556f522604703340351258903b64f35553763f19426ab2a515c58\n";

    private static InterfaceDump Parse(string text) => UserspaceProtocol.Parse(System.Text.Encoding.ASCII.GetBytes(text));
}
