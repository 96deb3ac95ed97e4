using System.Net;
using System.Security.Authentication;
using System.Text;
using Gateway.EndToEnd.Lab;

namespace Gateway.EndToEnd.Stories;

/// <summary>The admin enrols a device; the phone is given the QR's text and nothing else, and reaches the gateway and nothing else.</summary>
[Collection(SharedLab.Name)]
public sealed class EnrolmentStory(TestLab lab) : IAsyncDisposable
{
    private const int ForeignPort = 4022;

    public ValueTask DisposeAsync() => lab.EndStoryAsync();

    [Fact]
    public async Task The_png_holds_exactly_the_configuration()
    {
        var png = Path.Combine(lab.Network.Name.Folder, "vera.png");

        var enrolment = new Enrolment(await lab.Gateway.JsonAsync("enrol", "vera", "--device", "phone", "--output", png));
        var scanned = await QrReader.ReadAsync(png);

        Assert.Equal(enrolment.Config, scanned);
        Assert.InRange(Encoding.UTF8.GetByteCount(enrolment.Config), 1, 350);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(png));
    }

    [Fact]
    public async Task The_conf_file_is_the_configuration_for_its_owners_eyes_only()
    {
        var file = Path.Combine(lab.Network.Name.Folder, "wilma.conf");

        var enrolment = new Enrolment(await lab.Gateway.JsonAsync("enrol", "wilma", "--device", "phone", "--output", file));

        Assert.Equal(enrolment.Config, await File.ReadAllTextAsync(file));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
    }

    [Fact]
    public async Task Enrolling_makes_the_account_and_one_peer()
    {
        var enrolment = await lab.Gateway.EnrolAsync("xenia", "phone");

        Assert.True(await lab.Homeserver.AccountExistsAsync(enrolment.MatrixUserId));
        Assert.True(await lab.Gateway.HasPeerAsync(enrolment.PublicKey));
        Assert.Equal("pending", (await lab.Gateway.DeviceAsync(enrolment.DeviceId)).GetProperty("state").GetString());
    }

#pragma warning disable CA5398 // The versions themselves are what is tested here: phones need both.
    [Theory]
    [InlineData("1.1", SslProtocols.Tls12)]
    [InlineData("1.1", SslProtocols.Tls13)]
    [InlineData("2.0", SslProtocols.Tls12)]
    [InlineData("2.0", SslProtocols.Tls13)]
#pragma warning restore CA5398
    public async Task A_phone_reaches_the_homeserver_through_the_tunnel(string http, SslProtocols tls)
    {
        var (_, phone) = await lab.JoinAsync("yann", $"phone-{http}-{tls}");
        await phone.WaitForHandshakeAsync();
        var trust = lab.Authority.Trust;
        trust.EnabledSslProtocols = tls;
        using var client = NamespaceHttp.Client(phone.Space, lab.Gateway.TunnelAddress, phone.Http.BaseAddress!, trust);
        using var request = new HttpRequestMessage(HttpMethod.Get, "_matrix/client/versions") { Version = Version.Parse(http), VersionPolicy = HttpVersionPolicy.RequestVersionExact };

        using var answer = await client.SendAsync(request);

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal(Version.Parse(http), answer.Version);
        Assert.Contains("\"versions\"", await answer.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_is_not_for_members_does_not_exist_for_them()
    {
        var zoe = await lab.SignInAsync("zoe");
        string[] targets =
        [
            "v1/status", "v1/devices", "v1/enrolments", "_synapse/admin/v1/server_version", "_matrix/client/v3/admin/whois/@zoe:chat.lab.test",
            "_matrix/federation/v1/version", "_matrix/key/v2/server", "_matrix/client/v3/register/available?username=x",
        ];

        foreach (var target in targets)
        {
            var answer = await zoe.Phone.GetAsync(target, zoe.Client.AccessToken);

            Assert.True(answer.Status is HttpStatusCode.NotFound or HttpStatusCode.Forbidden, $"{target}: {answer.Status} {answer.Text}");
            Assert.True(answer.ErrorCode is "M_UNRECOGNIZED" or "M_FORBIDDEN", $"{target}: {answer.Text}");
        }
    }

    [Fact]
    public async Task A_phone_reaches_no_other_program_of_the_server()
    {
        var (_, phone) = await lab.JoinAsync("amir");
        using var ssh = await Doorbell.HangAsync(lab.Server, IPAddress.Any, ForeignPort);
        Assert.True(await Doorbell.OpensAsync(phone.Space, lab.Gateway.TunnelAddress, 443));

        Assert.False(await Doorbell.IsHeardAsync(phone.Space, lab.Gateway.TunnelAddress, ForeignPort));
        Assert.False(await Doorbell.OpensAsync(phone.Space, lab.Gateway.TunnelAddress, HomeserverHost.BaseAddress.Port));

        await using (await lab.Firewall.OpenAsync())
        {
            // So the listener was there to be found. Synapse is on the loopback and stays out of reach.
            Assert.True(await Doorbell.IsHeardAsync(phone.Space, lab.Gateway.TunnelAddress, ForeignPort));
            Assert.False(await Doorbell.OpensAsync(phone.Space, lab.Gateway.TunnelAddress, HomeserverHost.BaseAddress.Port));
        }
    }

    [Fact]
    public async Task A_phone_reaches_no_other_members_phone_even_if_it_tries()
    {
        var (victim, victimsPhone) = await lab.JoinAsync("bela");
        var (_, phone) = await lab.JoinAsync("carl");
        await victimsPhone.WaitForHandshakeAsync();
        var target = IPAddress.Parse(victim.TunnelAddress);
        using var door = await Doorbell.HangAsync(victimsPhone.Space, target, ForeignPort);
        // The worst case on both sides: the server forwards for another reason, and both phones were told to let the other in.
        (await lab.Server.RunAsync("sysctl", "-qw", "net.ipv4.ip_forward=1")).Expect();
        await phone.AllowAlsoAsync(target);
        await victimsPhone.AllowAlsoAsync(IPAddress.Parse("198.19.0.0"), prefix: 18);

        Assert.False(await Doorbell.IsHeardAsync(phone.Space, target, ForeignPort));

        await using (await lab.Firewall.OpenAsync())
        {
            Assert.True(await Doorbell.IsHeardAsync(phone.Space, target, ForeignPort));
        }

        (await lab.Server.RunAsync("sysctl", "-qw", "net.ipv4.ip_forward=0")).Expect();
    }
}
