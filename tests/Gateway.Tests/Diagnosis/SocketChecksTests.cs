using Gateway.Admin;
using Gateway.Diagnosis;
using Gateway.Listening;
using Gateway.Proxy;
using Gateway.Tunnel;

namespace Gateway.Tests.Diagnosis;

/// <summary>What is made of the sockets that ss(8) lists.</summary>
public sealed class SocketChecksTests
{
    private const string Ours =
        """
        tcp   LISTEN 0      512    198.19.0.1%wg0:443          0.0.0.0:*
        tcp   LISTEN 0      512         127.0.0.1:8008         0.0.0.0:*
        udp   UNCONN 0      0             0.0.0.0:51000        0.0.0.0:*
        udp   UNCONN 0      0                [::]:51000           [::]:*

        """;

    [Fact]
    public void Every_kind_of_address_is_read()
    {
        var sockets = ListeningSocket.Parse(Ours + "tcp LISTEN 0 1 *:8080 *:*\nudp UNCONN 0 0 [fe80::1]%eth0:546 [::]:*\ntcp LISTEN 0 1 [::1%lo]:25 [::]:*\n");

        Assert.Equal(
            ["198.19.0.1|wg0|443", "127.0.0.1||8008", "0.0.0.0||51000", "::||51000", "::||8080", "fe80::1|eth0|546", "::1|lo|25"],
            sockets.Select(socket => $"{socket.Address}|{socket.Interface}|{socket.Port}"));
        Assert.Throws<FormatException>(() => ListeningSocket.Parse("tcp LISTEN 0"));
    }

    [Fact]
    public void As_it_should_be()
    {
        Assert.All(Judge(Ours, hasFirewall: true), finding => Assert.Equal(Verdict.Ok, finding.Verdict));
    }

    [Theory]
    [InlineData("listener", "tcp LISTEN 0 512 127.0.0.1:8008 0.0.0.0:*", Verdict.Fault, "nothing listens on 198.19.0.1:443")]
    [InlineData("listener", "tcp LISTEN 0 512 198.19.0.1:443 0.0.0.0:*", Verdict.Fault, "not bound to wg0")]
    [InlineData("listener", "tcp LISTEN 0 512 198.19.0.1%eth0:443 0.0.0.0:*", Verdict.Fault, "not bound to wg0")]
    [InlineData("tunnel", Ours + "tcp LISTEN 0 9 0.0.0.0:22 0.0.0.0:*", Verdict.Fault, "members reach also tcp 22")]
    [InlineData("tunnel", Ours + "tcp LISTEN 0 9 *:5432 *:*", Verdict.Fault, "tcp 5432")]
    [InlineData("tunnel", Ours + "tcp LISTEN 0 9 198.19.0.1:53 0.0.0.0:*\nudp UNCONN 0 0 198.19.0.1:53 0.0.0.0:*", Verdict.Fault, "tcp 53, udp 53")]
    [InlineData("tunnel", Ours + "tcp LISTEN 0 9 0.0.0.0%eth0:22 0.0.0.0:*", Verdict.Ok, "nothing else")]
    [InlineData("outside", Ours + "tcp LISTEN 0 9 [::]:22 [::]:*", Verdict.Warning, "tcp 22")]
    [InlineData("outside", Ours + "tcp LISTEN 0 9 203.0.113.7:80 0.0.0.0:*", Verdict.Warning, "tcp 80")]
    [InlineData("outside", Ours + "udp UNCONN 0 0 0.0.0.0%lo:53 0.0.0.0:*", Verdict.Ok, "51000")]
    [InlineData("homeserver", Ours + "tcp LISTEN 0 9 0.0.0.0:8008 0.0.0.0:*", Verdict.Fault, "around the gateway")]
    [InlineData("homeserver", Ours + "tcp LISTEN 0 9 203.0.113.7:8008 0.0.0.0:*", Verdict.Fault, "around the gateway")]
    internal void What_is_not(string name, string sockets, Verdict verdict, string detail)
    {
        var finding = Judge(sockets, hasFirewall: false).Single(finding => finding.Name == name);

        Assert.Equal(verdict, finding.Verdict);
        Assert.Contains(detail, finding.Detail, StringComparison.Ordinal);
        Assert.Equal(verdict != Verdict.Ok, finding.WayOut is not null);
    }

    [Fact]
    public void Without_the_firewall_only_the_binding_protects()
    {
        Assert.Equal(Verdict.Warning, Judge(Ours, hasFirewall: false).Single(finding => finding.Name == "firewall").Verdict);
        Assert.Equal(Verdict.Ok, Judge(Ours + "tcp LISTEN 0 9 0.0.0.0:22 0.0.0.0:*", hasFirewall: true).Single(finding => finding.Name == "tunnel").Verdict);
    }

    [Fact]
    public void Behind_the_firewall_it_decides_what_the_world_reaches()
    {
        const string Open = Ours + "tcp LISTEN 0 9 0.0.0.0:22 0.0.0.0:*\ntcp LISTEN 0 9 *:5432 *:*";
        var table = new OutsideTable(51000, ["tcp 22, 2222 from chosen addresses", "udp 3478"]);

        var without = Judge(Open, hasFirewall: true).Single(finding => finding.Name == "outside");
        var with = Judge(Open, hasFirewall: true, outside: table).Single(finding => finding.Name == "outside");
        var shut = Judge(Open, hasFirewall: true, outside: table with { TunnelPort = 51001 }).Single(finding => finding.Name == "outside");

        Assert.Equal((Verdict.Warning, "these listen to the world too: tcp 22, tcp 5432"), (without.Verdict, without.Detail));
        Assert.Equal((Verdict.Ok, "the firewall lets in UDP port 51000 and tcp 22, 2222 from chosen addresses and udp 3478, and nothing else"), (with.Verdict, with.Detail));
        Assert.Equal(Verdict.Fault, shut.Verdict);
        Assert.Contains("no member gets in", shut.Detail, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("http://192.0.2.9:8008", Verdict.Fault)]
    [InlineData("unix:/run/matrix/main.sock", Verdict.Ok)]
    internal void Where_the_homeserver_is(string baseUrl, Verdict verdict) =>
        Assert.Equal(verdict, Judge(Ours, hasFirewall: true, baseUrl).Single(finding => finding.Name == "homeserver").Verdict);

    private static IReadOnlyList<Finding> Judge(string sockets, bool hasFirewall, string baseUrl = "http://127.0.0.1:8008", OutsideTable? outside = null) =>
        new SocketChecks(new TunnelOptions { ListenPort = 51000 }, new ListenOptions(), new ConsoleOptions(), new HomeserverOptions { BaseUrl = baseUrl })
            .Judge(ListeningSocket.Parse(sockets), hasFirewall, outside);
}
