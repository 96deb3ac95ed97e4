using Gateway.Diagnosis;

namespace Gateway.Tests.Diagnosis;

/// <summary>The table of <c>deploy/firewall</c> as nft(8) prints it; FirewallStory asks the real one.</summary>
public sealed class OutsideTableTests
{
    private const string Loaded =
        """
        table inet gateway_outside {
        	chain input {
        		type filter hook input priority filter; policy drop;
        		iifname "lo" accept
        		udp dport 51000 goto wireguard
        		udp sport 67 udp dport 68 accept
        		ip6 saddr fe80::/10 udp sport 547 udp dport 546 accept
        		jump chosen
        	}

        	chain chosen {
        		ip saddr @admins4 tcp dport { 22, 2222 } accept comment "SSH"
        		ip6 saddr @admins6 tcp dport { 22, 2222 } accept comment "SSH"
        		tcp dport 80 accept
        		udp dport 3478 accept
        	}

        	chain published {
        		meta l4proto tcp ct original proto-dst 80 accept
        	}
        }
        """;

    [Fact]
    public void The_ports_are_read_and_nothing_that_only_keeps_the_host_alive()
    {
        var table = OutsideTable.Parse(Loaded)!;

        Assert.Equal(51000, table.TunnelPort);
        Assert.Equal(["tcp 22, 2222 from chosen addresses", "tcp 80", "udp 3478"], table.Others);
    }

    [Theory]
    [InlineData("policy drop;", "policy accept;")]
    [InlineData("goto wireguard", "accept")]
    public void A_table_that_does_not_shut_is_none(string line, string instead)
    {
        Assert.Null(OutsideTable.Parse(Loaded.Replace(line, instead, StringComparison.Ordinal)));
        Assert.Null(OutsideTable.Parse(""));
    }
}
