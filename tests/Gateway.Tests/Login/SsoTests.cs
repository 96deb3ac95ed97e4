using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Gateway.Admin;
using Gateway.Commands;
using Gateway.Onboarding.Devices;
using Gateway.Tests.Testing;

namespace Gateway.Tests.Login;

public sealed class SsoTests
{
    private const string Element = "/_matrix/client/v3/login/sso/redirect?redirectUrl=element%3A%2F%2Fconnect%3Ftransaction_id%3D7";

    [Fact]
    public async Task A_member_taps_the_admin_compares_the_number_and_the_app_is_in()
    {
        await using var gateway = await TestGateway.StartAsync();
        var alice = await gateway.EnrolAsync("alice");
        using var browser = await new Browser(gateway, alice.Device.TunnelAddress).OpenAsync(Element);
        Assert.Equal("Sign in on this device?", browser.Title);
        Assert.Contains("alice · phone", WebUtility.HtmlDecode(browser.Page), StringComparison.Ordinal);
        Assert.Contains("Element Classic", browser.Page, StringComparison.Ordinal);
        Assert.Empty((await gateway.Admin.SignInsAsync(default)).View);

        await browser.PressAsync("start");
        var path = browser.Path;
        var waiting = Assert.Single((await gateway.Admin.SignInsAsync(default)).View);
        Assert.Equal(browser.Number, waiting.SignIn!.Number);
        Assert.Equal("Element Classic", waiting.SignIn.App);
        Assert.Null(browser.Continue);
        await gateway.Admin.DecideSignInAsync(new SignInDecision("alice/phone", browser.Number, Approve: true), default);
        await browser.ReloadAsync(path);

        var back = new Uri(browser.Continue!);
        Assert.StartsWith("element://connect?transaction_id=7&loginToken=", browser.Continue, StringComparison.Ordinal);
        using var reply = await LoginAsync(gateway, alice, browser.Continue!.Split("loginToken=")[1]);
        Assert.Equal(HttpStatusCode.OK, reply.StatusCode);
        Assert.Equal("@alice:chat.example", (string?)(await reply.Content.ReadFromJsonAsync<JsonNode>())!["user_id"]);
        Assert.Equal(DeviceState.SignedIn, gateway.Device("alice/phone").State);
        Assert.NotNull(back.Query);
        var audit = (await gateway.Admin.AuditAsync(default)).View.Select(entry => entry.Action).ToList();
        Assert.Contains("sign-in approved", audit);
        Assert.Contains("signed in", audit);
        Assert.Contains(gateway.Log.GetSnapshot(), line => line.Message.StartsWith("alice/phone signed in to ", StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_code_does_instead_of_the_admin()
    {
        await using var gateway = await TestGateway.StartAsync();
        var alice = await gateway.EnrolAsync("alice");
        using var browser = await new Browser(gateway, alice.Device.TunnelAddress).OpenAsync(Element);
        await browser.PressAsync("start");
        await browser.ReloadAsync(browser.Path + "?code");
        await browser.PressAsync("code", "AAAAA-AAAAB");
        Assert.Contains("That is not a login code", browser.Page, StringComparison.Ordinal);
        Assert.Null(browser.Continue);

        await browser.PressAsync("code", alice.LoginCode.ToLowerInvariant());

        using var reply = await LoginAsync(gateway, alice, browser.Continue!.Split("loginToken=")[1]);
        Assert.Equal(HttpStatusCode.OK, reply.StatusCode);
    }

    [Fact]
    public async Task Guessing_codes_on_the_page_is_throttled()
    {
        await using var gateway = await TestGateway.StartAsync();
        var alice = await gateway.EnrolAsync("alice");
        var bob = await gateway.EnrolAsync("bob");
        using var browser = await new Browser(gateway, alice.Device.TunnelAddress).OpenAsync(Element);
        await browser.PressAsync("start");
        await browser.ReloadAsync(browser.Path + "?code");
        for (var i = 0; i < 5; i++)
        {
            await browser.PressAsync("code", bob.LoginCode);
            Assert.Contains("does not work on this device", browser.Page, StringComparison.Ordinal);
        }

        await browser.PressAsync("code", alice.LoginCode);

        Assert.Contains("Too many wrong codes", browser.Page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_an_armed_grant_the_page_says_what_to_do()
    {
        await using var gateway = await TestGateway.StartAsync();
        var alice = await gateway.EnrolAsync("alice");
        using var client = await gateway.SignInAsync(alice);

        using var browser = await new Browser(gateway, alice.Device.TunnelAddress, "fr-CH, fr;q=0.9, en;q=0.8").OpenAsync(Element);

        Assert.Equal(HttpStatusCode.Forbidden, browser.Last.StatusCode);
        Assert.Equal("Demandez un nouveau code de connexion à votre admin", browser.Title);
        Assert.Contains("<html lang=\"fr\">", browser.Page, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("https%3A%2F%2Fevil.example%2F")]
    [InlineData("element%3A%2F%2Fconnect.evil%2F")]
    [InlineData("element%3A%2F%2Fconnect%3Fother%3D1")]
    [InlineData("element%3A%2F%2Fconnect%23a")]
    [InlineData("javascript%3Aalert(1)")]
    [InlineData("http%3A%2F%2Flocalhost%3A3001%2Flogin")]
    [InlineData("https%3A%2F%2Felement.io%2Foauth%2Fios%2Fio.element.elementx.evil")]
    [InlineData("element%3A%2F%2Fconnect&redirectUrl=element%3A%2F%2Fconnect")]
    [InlineData("")]
    public async Task An_address_that_is_not_on_the_list_is_not_led_to(string address)
    {
        await using var gateway = await TestGateway.StartAsync();
        var alice = await gateway.EnrolAsync("alice", os: "android");

        using var browser = await new Browser(gateway, alice.Device.TunnelAddress).OpenAsync("/_matrix/client/v3/login/sso/redirect?redirectUrl=" + address);

        Assert.Equal(HttpStatusCode.BadRequest, browser.Last.StatusCode);
        Assert.Equal("This app cannot sign in here", browser.Title);
        Assert.DoesNotContain("evil", browser.Page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_second_sign_in_on_the_device_ends_the_first_and_never_bears_its_number()
    {
        await using var gateway = await TestGateway.StartAsync();
        var alice = await gateway.EnrolAsync("alice");
        using var member = await new Browser(gateway, alice.Device.TunnelAddress).OpenAsync(Element);
        await member.PressAsync("start");
        var (seen, path) = (member.Number, member.Path);
        for (var i = 0; i < 5; i++)
        {
            using var other = await new Browser(gateway, alice.Device.TunnelAddress).OpenAsync(Element);
            await other.PressAsync("start");
            Assert.NotEqual(seen, other.Number);
        }

        using var tooMany = await new Browser(gateway, alice.Device.TunnelAddress).OpenAsync(Element);
        await tooMany.PressAsync("start");
        var refusal = await Assert.ThrowsAsync<CommandException>(() => gateway.Admin.DecideSignInAsync(new SignInDecision("alice/phone", seen, Approve: true), default));
        await member.ReloadAsync(path);

        Assert.Equal(HttpStatusCode.TooManyRequests, tooMany.Last.StatusCode);
        Assert.Contains($"not {seen}", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("too old", member.Page, StringComparison.Ordinal);

        // The code still works, on the page where the numbers are used up.
        Assert.Contains("Too many sign-ins", tooMany.Page, StringComparison.Ordinal);
        await tooMany.PressAsync("code", alice.LoginCode);
        Assert.NotNull(tooMany.Continue);
    }

    [Fact]
    public async Task A_refused_a_cancelled_and_a_late_sign_in_lead_nowhere()
    {
        await using var gateway = await TestGateway.StartAsync(("Login:GrantMinutes", "60"));
        var alice = await gateway.EnrolAsync("alice");
        using var refused = await new Browser(gateway, alice.Device.TunnelAddress).OpenAsync(Element);
        await refused.PressAsync("start");
        var path = refused.Path;
        await gateway.Admin.DecideSignInAsync(new SignInDecision("alice/phone", refused.Number, Approve: false), default);
        await refused.ReloadAsync(path);
        using var cancelled = await new Browser(gateway, alice.Device.TunnelAddress).OpenAsync(Element);
        await cancelled.PressAsync("start");
        await cancelled.PressAsync("cancel");
        using var late = await new Browser(gateway, alice.Device.TunnelAddress).OpenAsync(Element);
        await late.PressAsync("start");
        var latePath = late.Path;
        gateway.Clock.Advance(TimeSpan.FromMinutes(10));
        await late.ReloadAsync(latePath);

        Assert.Contains("did not approve", refused.Page, StringComparison.Ordinal);
        Assert.Contains("nobody is signed in", cancelled.Page, StringComparison.Ordinal);
        Assert.Contains("It took too long", late.Page, StringComparison.Ordinal);
        Assert.All([refused, cancelled, late], browser => Assert.Null(browser.Continue));
        Assert.Empty((await gateway.Admin.SignInsAsync(default)).View);
        Assert.Empty(gateway.Device("alice/phone").Sessions);
    }

    [Fact]
    public async Task The_token_works_once_and_on_its_own_device_only()
    {
        await using var gateway = await TestGateway.StartAsync();
        var alice = await gateway.EnrolAsync("alice");
        var bob = await gateway.EnrolAsync("bob");
        var old = await ProveAsync(gateway, alice, out var browser);
        await browser.ReloadAsync(old.Path);
        var token = browser.Continue!.Split("loginToken=")[1];

        using var outdated = await LoginAsync(gateway, alice, old.Token);
        using var elsewhere = await LoginAsync(gateway, bob, token);
        using var first = await LoginAsync(gateway, alice, token);
        using var second = await LoginAsync(gateway, alice, token);
        browser.Dispose();

        Assert.Equal(
            [HttpStatusCode.Forbidden, HttpStatusCode.Forbidden, HttpStatusCode.OK, HttpStatusCode.Forbidden],
            [outdated.StatusCode, elsewhere.StatusCode, first.StatusCode, second.StatusCode]);
    }

    [Fact]
    public async Task A_token_is_good_for_two_minutes()
    {
        await using var gateway = await TestGateway.StartAsync();
        var alice = await gateway.EnrolAsync("alice");
        var proved = await ProveAsync(gateway, alice, out var browser);
        browser.Dispose();

        gateway.Clock.Advance(TimeSpan.FromMinutes(2));
        using var late = await LoginAsync(gateway, alice, proved.Token);

        Assert.Equal(HttpStatusCode.Forbidden, late.StatusCode);
        Assert.True(gateway.Device("alice/phone").Grant!.IsArmed(gateway.Clock.GetUtcNow()));
    }

    [Fact]
    public async Task A_revocation_ends_what_was_approved_and_the_page_tells_nothing()
    {
        await using var gateway = await TestGateway.StartAsync();
        var alice = await gateway.EnrolAsync("alice");
        using var signedIn = await gateway.SignInAsync(alice);
        await gateway.Admin.AllowLoginAsync("alice/phone", default);
        var proved = await ProveAsync(gateway, alice, out var browser);

        await gateway.Admin.RevokeAsync(new RevocationRequest("alice/phone", null, Cut: false, Erase: false), default);
        using var reply = await LoginAsync(gateway, alice, proved.Token);
        await browser.ReloadAsync(proved.Path);

        Assert.Equal(HttpStatusCode.Forbidden, reply.StatusCode);
        Assert.Equal("Signing in is not possible on this device.", browser.Title);
        Assert.DoesNotContain("alice", browser.Page, StringComparison.Ordinal);
        Assert.Empty(gateway.Homeserver.Accounts["alice"]);
        browser.Dispose();
    }

    [Fact]
    public async Task The_page_belongs_to_one_browser_and_takes_no_form_from_elsewhere()
    {
        await using var gateway = await TestGateway.StartAsync();
        var alice = await gateway.EnrolAsync("alice");
        var bob = await gateway.EnrolAsync("bob");
        using var browser = await new Browser(gateway, alice.Device.TunnelAddress).OpenAsync(Element);
        var path = browser.Path;

        await browser.PressAsync("start", formToken: "guessed");
        Assert.Equal(HttpStatusCode.Forbidden, browser.Last.StatusCode);
        await browser.ReloadAsync(path);
        browser.Headers["Sec-Fetch-Site"] = "cross-site";
        await browser.PressAsync("start");
        Assert.Equal(HttpStatusCode.Forbidden, browser.Last.StatusCode);
        browser.Headers.Clear();
        using var bobs = new Browser(gateway, bob.Device.TunnelAddress);
        await bobs.ReloadAsync(path);
        browser.ForgetCookies();
        await browser.ReloadAsync(path);

        Assert.Equal(HttpStatusCode.NotFound, browser.Last.StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, bobs.Last.StatusCode);
        Assert.Empty((await gateway.Admin.SignInsAsync(default)).View);
    }

    [Fact]
    public async Task The_page_is_shut_to_frames_scripts_and_caches()
    {
        await using var gateway = await TestGateway.StartAsync();
        var alice = await gateway.EnrolAsync("alice");
        using var browser = await new Browser(gateway, alice.Device.TunnelAddress).OpenAsync(Element);

        string Header(string name) => string.Join(", ", browser.Last.Headers.GetValues(name));
        Assert.StartsWith("default-src 'none'; style-src 'sha256-", Header("Content-Security-Policy"), StringComparison.Ordinal);
        Assert.Contains("frame-ancestors 'none'", Header("Content-Security-Policy"), StringComparison.Ordinal);
        Assert.DoesNotContain("unsafe", Header("Content-Security-Policy"), StringComparison.Ordinal);
        Assert.Equal("no-referrer", Header("Referrer-Policy"));
        Assert.Equal("no-store", Header("Cache-Control"));
        Assert.Equal("DENY", Header("X-Frame-Options"));
        var cookie = Header("Set-Cookie");
        Assert.Contains("secure; samesite=strict; httponly", cookie, StringComparison.OrdinalIgnoreCase);
        Assert.StartsWith("__Host-sign-in=", cookie, StringComparison.Ordinal);
        Assert.DoesNotContain("<script", browser.Page, StringComparison.OrdinalIgnoreCase);
        using var framed = new Browser(gateway, alice.Device.TunnelAddress) { Headers = { ["Sec-Fetch-Dest"] = "iframe" } };
        await framed.OpenAsync(Element);
        Assert.Equal(HttpStatusCode.Forbidden, framed.Last.StatusCode);
    }

    private static Task<HttpResponseMessage> LoginAsync(TestGateway gateway, EnrolmentView enrolment, string token) =>
        gateway.At(enrolment.Device.TunnelAddress).PostAsJsonAsync("/_matrix/client/v3/login", new { type = "m.login.token", token, refresh_token = true });

    private static Task<(string Token, string Path)> ProveAsync(TestGateway gateway, EnrolmentView enrolment, out Browser browser)
    {
        var window = browser = new Browser(gateway, enrolment.Device.TunnelAddress);
        return RunAsync();

        async Task<(string, string)> RunAsync()
        {
            await window.OpenAsync(Element);
            await window.PressAsync("start");
            var path = window.Path;
            await gateway.Admin.DecideSignInAsync(new SignInDecision(enrolment.Device.Id, null, Approve: true), default);
            await window.ReloadAsync(path);
            return (window.Continue!.Split("loginToken=")[1], path);
        }
    }
}
