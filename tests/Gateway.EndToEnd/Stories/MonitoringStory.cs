using System.Net;
using System.Text;
using Gateway.EndToEnd.Lab;
using Gateway.Tests.Testing;

namespace Gateway.EndToEnd.Stories;

/// <summary>What a Prometheus on the server sees of real members, what it does not, and the doctor in the admin's browser.</summary>
[Collection(SharedLab.Name)]
public sealed class MonitoringStory(TestLab lab) : IAsyncDisposable
{
    private const int Port = 9464;

    public ValueTask DisposeAsync() => lab.EndStoryAsync();

    [Fact]
    public async Task A_scrape_counts_what_members_do_and_names_none_of_them()
    {
        await using var changed = await ChangedSettings.ApplyAsync(lab.Gateway, ("Metrics:Port", Port));
        using var prometheus = NamespaceHttp.Client(lab.Server, IPAddress.Loopback, new Uri($"http://localhost:{Port}/"));
        await Until.TrueAsync("members can be served", TimeSpan.FromSeconds(15), async () => (await lab.Gateway.RunAsync("status", "--ready")).ExitCode == 0);
        var before = await ScrapeAsync(prometheus);

        var xaver = await lab.SignInAsync("xaver");
        var refused = await xaver.Phone.GetAsync("_synapse/admin/v1/users", xaver.Client.AccessToken);
        var hidden = await xaver.Phone.GetAsync("metrics", xaver.Client.AccessToken);
        var isOpenInTunnel = await Doorbell.OpensAsync(xaver.Phone.Space, lab.Gateway.TunnelAddress, Port);
        var during = await Until.ValueAsync(
            "the long poll is open", TimeSpan.FromSeconds(15), () => ScrapeAsync(prometheus), seen => seen["gateway_requests_open{class=\"sync\"}"] > 0);
        (await lab.Gateway.RunAsync("revoke", "xaver/phone")).Expect();
        await AddStrangerAsync();
        var after = await Until.ValueAsync(
            "the stranger is counted", TimeSpan.FromSeconds(15), () => ScrapeAsync(prometheus), seen => seen["gateway_unknown_peers_removed_total"] > before["gateway_unknown_peers_removed_total"]);

        Assert.Equal((HttpStatusCode.NotFound, HttpStatusCode.NotFound, false), (refused.Status, hidden.Status, isOpenInTunnel));
        Assert.Equal(1, Rise("gateway_changes_total{kind=\"device-enrolled\"}", before, during));
        Assert.Equal(1, Rise("gateway_devices{state=\"signed-in\"}", before, during));
        Assert.Equal(1, Rise("gateway_login_grants{state=\"spent\"}", before, during));
        Assert.Equal(2, Rise("gateway_refusals_total{reason=\"path\"}", before, during));
        Assert.InRange(Rise("gateway_request_duration_seconds_count{class=\"sync\",code=\"2xx\"}", before, during), 1, 100);
        Assert.InRange(during["gateway_device_handshakes{age=\"3m\"}"], 1, 500);
        Assert.Equal((1, -1, 1), (Rise("gateway_changes_total{kind=\"device-revoked\"}", during, after), Rise("gateway_devices{state=\"signed-in\"}", during, after), Rise("gateway_devices{state=\"quarantined\"}", during, after)));
        Assert.Equal(1, Rise("gateway_unknown_peers_removed_total", before, after));
        Assert.All(["tunnel", "homeserver", "store", "certificate", "clock", "audit"], part => Assert.Equal(1, after[$"gateway_part_up{{part=\"{part}\"}}"]));
        Assert.InRange(after["gateway_store_write_duration_seconds_sum"], 0.00001, 60);

        var hunt = new SecretHunt();
        foreach (var (name, text) in new[]
        {
            ("member", "xaver"), ("device", xaver.Device), ("address", xaver.Enrolment.TunnelAddress), ("network", "198.19."), ("server", GatewayHost.ServerName), ("token", xaver.Client.AccessToken),
            ("key", xaver.Enrolment.PublicKey), ("session", xaver.Client.SessionId), ("folder", lab.Network.Name.Folder), ("outside", TestLab.PublicAddress), ("interface", lab.Gateway.Link), ("path", "/_matrix"),
        })
        {
            hunt.AddText(name, text);
        }

        Assert.Empty(hunt.In(Encoding.UTF8.GetBytes(during.Text + after.Text)));
        Assert.Contains("member", hunt.In(Encoding.UTF8.GetBytes((await lab.Gateway.AskAsync("v1/devices")).ToString())));
    }

    [Theory]
    [InlineData("en-GB", "Sign in", "Look now", "Look again", 1280)]
    [InlineData("fr-FR", "Se connecter", "Examiner maintenant", "Examiner encore", 390)]
    public async Task The_doctor_is_asked_by_keyboard_and_answers_on_the_page(string language, string signIn, string look, string again, int width)
    {
        var admin = await lab.SignInToConsoleAsync(language, width == 390 ? Viewport.Phone : Viewport.Laptop, signIn);
        await admin.VisitAsync($"{ConsoleBrowser.Console}/health");
        for (var stops = 0; await admin.FocusAsync() is var focus && focus != look && focus != again; stops++)
        {
            Assert.True(stops < 60, "The keyboard does not reach the button");
            await admin.PressAsync("Tab");
        }

        await admin.PressAsync("Enter");
        await admin.AwaitAsync("#doctor .parts li");
        await admin.PictureAsync($"{language}-console-doctor-folded");
        await admin.OpenUpAsync("#doctor > details > summary", "#doctor > details li");
        var sight = await admin.AwaitAsync("#doctor > details li");
        var findings = await admin.AxeAsync();
        await admin.PictureAsync($"{language}-console-doctor");

        Assert.Empty(findings);
        Assert.Contains(again, sight.Text, StringComparison.Ordinal);
        Assert.Contains(language == "en-GB" ? "Nobody makes an account without you." : "Personne ne crée de compte sans vous.", sight.Text, StringComparison.Ordinal);
    }

    private static async Task<Exposition> ScrapeAsync(HttpClient prometheus) => new(await prometheus.GetStringAsync(new Uri("metrics", UriKind.Relative)));

    private static double Rise(string series, Exposition from, Exposition to) => to[series] - (from.Has(series) ? from[series] : 0);

    private async Task AddStrangerAsync()
    {
        var key = (await Command.RunAsync("wg", "genkey")).Expect();
        var stranger = (await Command.FeedAsync(key, "wg", "pubkey")).Expect().Trim();
        (await lab.Server.RunAsync("wg", "set", lab.Gateway.Link, "peer", stranger, "allowed-ips", "198.19.60.61/32")).Expect();
    }
}
