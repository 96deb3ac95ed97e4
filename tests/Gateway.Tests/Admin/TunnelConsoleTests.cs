using System.Net;
using Gateway.Admin;
using Gateway.Admin.Access;
using Gateway.Commands;
using Gateway.Listening;
using Gateway.Onboarding.Devices;
using Gateway.Onboarding.Store;
using Gateway.Tests.Testing;

namespace Gateway.Tests.Admin;

/// <summary>The console in the tunnel: there for the devices that the admin has marked, and for nobody else.</summary>
public sealed class TunnelConsoleTests
{
    private static readonly (string, string) Switched = ("Console:TunnelPort", "8443");

    [Fact]
    public async Task A_marked_device_gets_in_by_the_link_and_its_cookie_is_as_strict_as_can_be()
    {
        await using var gateway = await TestGateway.StartAsync(Switched);
        var laptop = await MarkedAsync(gateway, "ada");
        var (link, _) = await gateway.Admin.ConsoleLinkAsync(default);
        using var browser = gateway.ConsoleAt(laptop.TunnelAddress);

        using var page = await browser.GetAsync(new Uri(link.Tunnel!).PathAndQuery);
        using var opened = await PostAsync(browser, "/link", ("secret", link.Tunnel!.Split('/')[^1]));
        var cookie = opened.Headers.GetValues("Set-Cookie").Single();
        browser.DefaultRequestHeaders.Add("Cookie", cookie.Split(';')[0]);
        using var start = await browser.GetAsync("/");

        Assert.StartsWith("https://chat.example:8443/link/", link.Tunnel, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.OK, page.StatusCode);
        Assert.StartsWith("__Host-console=", cookie, StringComparison.Ordinal);
        Assert.Equal(["httponly", "path=/", "samesite=strict", "secure"], cookie.Split("; ").Skip(1).Order());
        Assert.Equal(HttpStatusCode.OK, start.StatusCode);
    }

    [Theory]
    [InlineData("unmarked")]
    [InlineData("quarantined")]
    [InlineData("cut")]
    [InlineData("the gateway itself")]
    [InlineData("nobody")]
    public async Task To_all_others_there_is_nothing(string who)
    {
        await using var gateway = await TestGateway.StartAsync(Switched);
        var device = who == "unmarked" ? (await gateway.EnrolAsync("eve")).Device : await MarkedAsync(gateway, "ada");
        if (who is "quarantined" or "cut")
        {
            using var app = await gateway.SignInAsync(await gateway.EnrolAsync("ada", "second"));
            await gateway.Admin.MarkAsync(new AdminDeviceRequest("ada/second", Admin: true), default);
            device = (await gateway.Admin.RevokeAsync(new RevocationRequest("ada/second", null, Cut: who == "cut", Erase: false), default)).View[0];
        }

        using var browser = gateway.ConsoleAt(who switch { "the gateway itself" => "198.19.0.1", "nobody" => "198.19.9.9", _ => device.TunnelAddress });

        await Assert.ThrowsAsync<HttpRequestException>(() => browser.GetAsync("/sign-in"));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Losing_the_device_or_its_mark_ends_its_sessions_and_what_they_listen_to(bool lost)
    {
        await using var gateway = await TestGateway.StartAsync(Switched);
        var laptop = await MarkedAsync(gateway, "ada");
        using var browser = SignedIn(gateway, laptop);
        using var stream = await browser.GetAsync("/live/members?v=x", HttpCompletionOption.ResponseHeadersRead);
        await using var events = await stream.Content.ReadAsStreamAsync();

        await (lost
            ? (Task)gateway.Admin.RevokeAsync(new RevocationRequest(laptop.Id, null, Cut: false, Erase: false), default)
            : gateway.Admin.MarkAsync(new AdminDeviceRequest(laptop.Id, Admin: false), default));

        await EndsAsync(events);
        await Assert.ThrowsAsync<HttpRequestException>(() => browser.GetAsync("/"));
        Assert.Empty(gateway.Service<ConsoleSessions>().All());
    }

    [Fact]
    public async Task A_key_that_two_phones_use_opens_no_console_any_more()
    {
        await using var gateway = await TestGateway.StartAsync(Switched);
        var laptop = await MarkedAsync(gateway, "ada");
        using var browser = SignedIn(gateway, laptop);

        gateway.Service<StateWriter>().Write(new KeyCopied { At = gateway.Clock.GetUtcNow(), Device = DeviceId.Parse(laptop.Id, null) });

        await Assert.ThrowsAsync<HttpRequestException>(() => browser.GetAsync("/"));
        Assert.Empty(gateway.Service<ConsoleSessions>().All());
        await Assert.ThrowsAsync<CommandException>(() => gateway.Admin.MarkAsync(new AdminDeviceRequest(laptop.Id, Admin: true), default));
    }

    [Fact]
    public async Task A_session_is_worth_nothing_from_another_device_or_on_another_listener()
    {
        await using var gateway = await TestGateway.StartAsync(Switched);
        var laptop = await MarkedAsync(gateway, "ada");
        var other = await MarkedAsync(gateway, "bea");
        var secret = gateway.Service<ConsoleSessions>().Open(Plane.TunnelConsole, DeviceId.Parse(laptop.Id, null), "test").Secret;
        using var elsewhere = gateway.ConsoleAt(other.TunnelAddress);
        elsewhere.DefaultRequestHeaders.Add("Cookie", $"__Host-console={secret}");
        using var local = new ConsoleBrowser(gateway) { Cookie = $"console={secret}" };

        using var foreign = await elsewhere.GetAsync("/");
        await local.OpenAsync("/");

        Assert.Equal(HttpStatusCode.SeeOther, foreign.StatusCode);
        Assert.Equal(HttpStatusCode.SeeOther, local.Last.StatusCode);
    }

    [Fact]
    public async Task The_members_listener_neither_sets_nor_believes_nor_forwards_the_consoles_cookie()
    {
        await using var gateway = await TestGateway.StartAsync(Switched);
        var enrolment = await gateway.EnrolAsync("ada");
        await gateway.Admin.MarkAsync(new AdminDeviceRequest("ada/phone", Admin: true), default);
        using var app = await gateway.SignInAsync(enrolment);
        var secret = gateway.Service<ConsoleSessions>().Open(Plane.TunnelConsole, gateway.Device("ada/phone").Id, "test").Secret;
        app.DefaultRequestHeaders.Add("Cookie", $"__Host-console={secret}");

        using var whoami = await app.GetAsync("/_matrix/client/v3/account/whoami");
        using var welcome = await app.GetAsync("/");
        using var console = await app.GetAsync("/health");

        Assert.Equal(HttpStatusCode.OK, whoami.StatusCode);
        Assert.All([whoami, welcome, console], reply => Assert.False(reply.Headers.Contains("Set-Cookie")));
        Assert.Equal(HttpStatusCode.NotFound, console.StatusCode);
        Assert.DoesNotContain(gateway.Homeserver.Requests, request => request.Headers.Any(header => header.Value.ToString().Contains(secret, StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_lock_shuts_members_out_and_not_the_admin_who_opens_it()
    {
        await using var gateway = await TestGateway.StartAsync(Switched);
        var laptop = await MarkedAsync(gateway, "ada");
        using var browser = SignedIn(gateway, laptop);

        await gateway.Admin.LockAsync(default);
        using var page = await browser.GetAsync("/lock");

        Assert.Equal(HttpStatusCode.OK, page.StatusCode);
    }

    [Fact]
    public async Task Without_the_setting_there_is_no_such_listener_and_no_link_to_it()
    {
        await using var gateway = await TestGateway.StartAsync();
        using var browser = gateway.ConsoleAt("198.19.0.2");

        Assert.Null((await gateway.Admin.ConsoleLinkAsync(default)).View.Tunnel);
        await Assert.ThrowsAnyAsync<Exception>(() => browser.GetAsync("/"));
    }

    private static async Task<DeviceView> MarkedAsync(TestGateway gateway, string member)
    {
        var device = (await gateway.EnrolAsync(member)).Device;
        return (await gateway.Admin.MarkAsync(new AdminDeviceRequest(device.Id, Admin: true), default)).View;
    }

    private static HttpClient SignedIn(TestGateway gateway, DeviceView device)
    {
        var browser = gateway.ConsoleAt(device.TunnelAddress);
        browser.DefaultRequestHeaders.Add("Cookie", $"__Host-console={gateway.Service<ConsoleSessions>().Open(Plane.TunnelConsole, DeviceId.Parse(device.Id, null), "test").Secret}");
        return browser;
    }

    private static async Task<HttpResponseMessage> PostAsync(HttpClient browser, string path, params (string Name, string Value)[] fields)
    {
        using var form = new FormUrlEncodedContent(fields.Select(field => KeyValuePair.Create(field.Name, field.Value)));
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = form };
        request.Headers.Add("Origin", "https://chat.example:8443");
        return await browser.SendAsync(request);
    }

    /// <summary>By a clean end or by an abort.</summary>
    private static async Task EndsAsync(Stream events)
    {
        var buffer = new byte[4096];
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(10));
        try
        {
            while (await events.ReadAsync(buffer, deadline.Token) > 0)
            {
                // What was said before.
            }
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            // Cut.
        }
    }
}
