using System.Buffers.Text;
using System.Net;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Gateway.Admin;
using Gateway.Commands;
using Gateway.Onboarding.Devices;
using Gateway.Tests.Testing;

namespace Gateway.Tests.Login;

/// <summary>Signing in by browser, attacked: from another app on the phone, from a page in its browser, by being fast or by repeating.</summary>
public sealed class SignInAttackTests
{
    private const string Sso = "/_matrix/client/v3/login/sso/redirect?redirectUrl=element%3A%2F%2Fconnect";
    private const string Verifier = "a-verifier-of-at-least-forty-three-characters-0123456789";
    private const string ElementX = "io.element.android:/";

    [Fact]
    public async Task A_tap_that_is_made_twice_asks_once()
    {
        await using var gateway = await TestGateway.StartAsync();
        var alice = await gateway.EnrolAsync("alice");
        using var browser = await new Browser(gateway, alice.Device.TunnelAddress).OpenAsync(Sso);

        var taps = await Task.WhenAll(Enumerable.Range(0, 12).Select(_ => browser.TapAsync("start")));

        Assert.All(taps, status => Assert.Equal(HttpStatusCode.SeeOther, status));
        Assert.Single((await gateway.Admin.SignInsAsync(default)).View);
    }

    [Fact]
    public async Task An_approval_whose_grant_the_code_has_spent_meanwhile_opens_nothing_and_the_page_says_what_to_do()
    {
        await using var gateway = await TestGateway.StartAsync();
        var alice = await gateway.EnrolAsync("alice");
        using var browser = await new Browser(gateway, alice.Device.TunnelAddress).OpenAsync(Sso);
        await browser.PressAsync("start");
        var path = browser.Path;
        await gateway.Admin.DecideSignInAsync(new SignInDecision("alice/phone", browser.Number, Approve: true), default);
        await browser.ReloadAsync(path);
        var token = browser.Continue!.Split("loginToken=")[1];

        using var byCode = await gateway.SignInAsync(alice);
        using var byToken = await LoginAsync(byCode, token);
        await browser.ReloadAsync(path);

        Assert.Equal(HttpStatusCode.Forbidden, byToken.StatusCode);
        Assert.StartsWith("Ask your admin for a new login code", (string?)(await byToken.Content.ReadFromJsonAsync<JsonNode>())!["error"], StringComparison.Ordinal);
        Assert.Null(browser.Continue);
        Assert.Single(gateway.Homeserver.Accounts["alice"]);
    }

    [Fact]
    public async Task A_page_of_an_approval_whose_grant_is_spent_leads_nowhere()
    {
        await using var gateway = await TestGateway.StartAsync();
        var alice = await gateway.EnrolAsync("alice");
        using var browser = await new Browser(gateway, alice.Device.TunnelAddress).OpenAsync(Sso);
        await browser.PressAsync("start");
        var path = browser.Path;
        await gateway.Admin.DecideSignInAsync(new SignInDecision("alice/phone", browser.Number, Approve: true), default);
        using var byCode = await gateway.SignInAsync(alice);

        await browser.ReloadAsync(path);

        Assert.Null(browser.Continue);
        Assert.Equal("Ask your admin for a new login code", browser.Title);
    }

    [Fact]
    public async Task A_new_grant_is_not_opened_by_the_approval_of_the_old_one()
    {
        await using var gateway = await TestGateway.StartAsync();
        var alice = await gateway.EnrolAsync("alice");
        using var browser = await new Browser(gateway, alice.Device.TunnelAddress).OpenAsync(Sso);
        await browser.PressAsync("start");
        var path = browser.Path;
        await gateway.Admin.DecideSignInAsync(new SignInDecision("alice/phone", browser.Number, Approve: true), default);
        await browser.ReloadAsync(path);
        await gateway.Admin.AllowLoginAsync("alice/phone", default);

        using var reply = await LoginAsync(gateway.At(alice.Device.TunnelAddress), browser.Continue!.Split("loginToken=")[1]);

        Assert.Equal(HttpStatusCode.Forbidden, reply.StatusCode);
        Assert.Equal(GrantState.Armed, gateway.Device("alice/phone").Grant!.State);
    }

    [Fact]
    public async Task An_approval_after_the_grant_s_time_is_refused_with_the_way_out()
    {
        await using var gateway = await TestGateway.StartAsync(("Login:GrantMinutes", "5"));
        var alice = await gateway.EnrolAsync("alice");
        using var browser = await new Browser(gateway, alice.Device.TunnelAddress).OpenAsync(Sso);
        await browser.PressAsync("start");
        gateway.Clock.Advance(TimeSpan.FromMinutes(5));

        var refusal = await Assert.ThrowsAsync<CommandException>(() => gateway.Admin.DecideSignInAsync(new SignInDecision("alice/phone", browser.Number, Approve: true), default));

        Assert.Contains("no grant is armed", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("gateway allow-login alice/phone", refusal.Hint, StringComparison.Ordinal);
        Assert.DoesNotContain("sign-in approved", (await gateway.Admin.AuditAsync(default)).View.Select(entry => entry.Action));
    }

    [Fact]
    public async Task Two_devices_wait_side_by_side_each_with_its_own_number()
    {
        await using var gateway = await TestGateway.StartAsync();
        var (alice, bob) = (await gateway.EnrolAsync("alice"), await gateway.EnrolAsync("bob"));
        using var alices = await new Browser(gateway, alice.Device.TunnelAddress).OpenAsync(Sso);
        using var bobs = await new Browser(gateway, bob.Device.TunnelAddress).OpenAsync(Sso);
        await alices.PressAsync("start");
        await bobs.PressAsync("start");
        var bobsPath = bobs.Path;

        var crossed = await Assert.ThrowsAsync<CommandException>(() => gateway.Admin.DecideSignInAsync(new SignInDecision("bob/phone", alices.Number, Approve: true), default));
        await gateway.Admin.DecideSignInAsync(new SignInDecision("alice/phone", alices.Number, Approve: true), default);
        await bobs.ReloadAsync(bobsPath);

        Assert.NotEqual(alices.Number, bobs.Number);
        Assert.Contains($"shows {bobs.Number}, not {alices.Number}", crossed.Message, StringComparison.Ordinal);
        Assert.Null(bobs.Continue);
    }

    [Fact]
    public async Task What_went_wrong_can_be_read_before_the_app_comes_back()
    {
        await using var gateway = await TestGateway.StartAsync();
        var alice = await gateway.EnrolAsync("alice");
        using var browser = await new Browser(gateway, alice.Device.TunnelAddress).OpenAsync(AuthorizationUrl());
        await browser.PressAsync("start");
        var path = browser.Path;
        await gateway.Admin.DecideSignInAsync(new SignInDecision("alice/phone", browser.Number, Approve: false), default);

        await browser.ReloadAsync(path);

        Assert.StartsWith("io.element.android:/?error=access_denied", browser.Continue, StringComparison.Ordinal);
        Assert.DoesNotContain("http-equiv", browser.Page, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("state", "a\r\nSet-Cookie: x=y", "a%0D%0ASet-Cookie%3A%20x%3Dy")]
    [InlineData("state", "é\"><b>", "%C3%A9%22%3E%3Cb%3E")]
    [InlineData("state", "", "")]
    [InlineData("state", "a&code=mine", "a%26code%3Dmine")]
    public async Task The_app_s_state_comes_back_as_one_harmless_value(string name, string value, string back)
    {
        await using var gateway = await TestGateway.StartAsync();
        var alice = await gateway.EnrolAsync("alice");
        using var browser = await new Browser(gateway, alice.Device.TunnelAddress).OpenAsync(AuthorizationUrl((name, value)));
        await browser.PressAsync("cancel");

        Assert.Equal($"io.element.android:/?error=access_denied&state={back}", browser.Continue);
        Assert.False(browser.Last.Headers.Contains("Set-Cookie"));
    }

    [Theory]
    [InlineData("&redirect_uri=io.element.android%3A%2F")]
    [InlineData("&client_id=element-x-android")]
    [InlineData("&Client_ID=element-x-android")]
    [InlineData("&code_challenge_method=S256")]
    [InlineData("&code_challenge_method=plain")]
    [InlineData("&response_type=code")]
    [InlineData("&state=b")]
    [InlineData("&scope=openid")]
    [InlineData("&response_mode=query&response_mode=fragment")]
    [InlineData("&response_mode=query&RESPONSE_MODE=query")]
    public async Task What_is_said_twice_is_refused(string more)
    {
        await using var gateway = await TestGateway.StartAsync();
        var alice = await gateway.EnrolAsync("alice");

        using var browser = await new Browser(gateway, alice.Device.TunnelAddress).OpenAsync(AuthorizationUrl() + more);

        Assert.Equal(HttpStatusCode.BadRequest, browser.Last.StatusCode);
    }

    [Theory]
    [InlineData("io.element.android:/%2e%2e")]
    [InlineData("io.element.android:/?a=b")]
    [InlineData("io.element.android:/#x")]
    [InlineData("io.element.android:")]
    [InlineData("Io.Element.Android:/")]
    [InlineData("https://element.io/oauth/ios/io.element.elementx?x")]
    [InlineData("https://element.io./oauth/ios/io.element.elementx")]
    [InlineData("https://user@element.io/oauth/ios/io.element.elementx")]
    [InlineData("https://elemеnt.io/oauth/ios/io.element.elementx")] // a Cyrillic letter
    [InlineData("https:element.io/oauth/ios/io.element.elementx")]
    [InlineData("https://element.io/oauth/ios/../ios/io.element.elementx")]
    [InlineData("https://element.io/oauth/ios/io.element.elementx%00")]
    public async Task An_address_that_is_almost_an_app_s_is_refused(string address)
    {
        await using var gateway = await TestGateway.StartAsync();
        var alice = await gateway.EnrolAsync("alice", os: "ios");
        var id = address.StartsWith("https", StringComparison.OrdinalIgnoreCase) ? "element-x-ios" : "element-x-android";

        using var browser = await new Browser(gateway, alice.Device.TunnelAddress).OpenAsync(AuthorizationUrl(("redirect_uri", address), ("client_id", id)));

        Assert.Equal(HttpStatusCode.BadRequest, browser.Last.StatusCode);
        Assert.Null(browser.Continue);
    }

    [Theory]
    [InlineData("urn:matrix:client:device:A:B")]
    [InlineData("urn:matrix:client:device:A%2FB")]
    [InlineData("urn:matrix:client:device:é")]
    [InlineData("urn:matrix:client:device:")]
    [InlineData("urn:matrix:client:device:A\nB")]
    public async Task A_device_ID_that_could_never_be_given_is_refused_before_anybody_is_asked(string scope)
    {
        await using var gateway = await TestGateway.StartAsync();
        var alice = await gateway.EnrolAsync("alice");

        using var browser = await new Browser(gateway, alice.Device.TunnelAddress).OpenAsync(AuthorizationUrl(("scope", "urn:matrix:client:api:* " + scope)));

        Assert.Equal(HttpStatusCode.BadRequest, browser.Last.StatusCode);
    }

    [Fact]
    public async Task A_device_ID_in_all_the_letters_that_the_scope_may_have_is_given()
    {
        await using var gateway = await TestGateway.StartAsync();
        var alice = await gateway.EnrolAsync("alice");
        var code = await CodeAsync(gateway, alice, ("scope", "urn:matrix:client:api:* urn:matrix:client:device:Ab0-._~"));

        using var reply = await ExchangeAsync(gateway.At(alice.Device.TunnelAddress), code);

        Assert.Equal(HttpStatusCode.OK, reply.StatusCode);
        Assert.Equal("Ab0-._~", gateway.Device("alice/phone").Sessions.Single().MatrixDeviceId);
    }

    [Fact]
    public async Task Of_twenty_exchanges_at_once_one_opens_and_none_after()
    {
        await using var gateway = await TestGateway.StartAsync();
        var alice = await gateway.EnrolAsync("alice");
        using var client = gateway.At(alice.Device.TunnelAddress);
        var code = await CodeAsync(gateway, alice);

        var replies = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => ExchangeAsync(client, code)));
        using var replayed = await ExchangeAsync(client, code);

        Assert.Single(replies, reply => reply.StatusCode == HttpStatusCode.OK);
        Assert.Equal(19, replies.Count(reply => reply.StatusCode == HttpStatusCode.BadRequest));
        Assert.Equal(HttpStatusCode.BadRequest, replayed.StatusCode);
        Assert.Single(gateway.Homeserver.Accounts["alice"]);
    }

    [Fact]
    public async Task A_code_is_no_login_token_and_a_login_token_no_code()
    {
        await using var gateway = await TestGateway.StartAsync();
        var alice = await gateway.EnrolAsync("alice");
        using var client = gateway.At(alice.Device.TunnelAddress);
        var code = await CodeAsync(gateway, alice);

        using var asToken = await LoginAsync(client, code);
        using var afterwards = await ExchangeAsync(client, code);
        using var browser = await new Browser(gateway, alice.Device.TunnelAddress).OpenAsync(Sso);
        await browser.PressAsync("start");
        var path = browser.Path;
        await gateway.Admin.DecideSignInAsync(new SignInDecision("alice/phone", browser.Number, Approve: true), default);
        await browser.ReloadAsync(path);
        using var asCode = await ExchangeAsync(client, browser.Continue!.Split("loginToken=")[1]);

        Assert.Equal([HttpStatusCode.Forbidden, HttpStatusCode.BadRequest, HttpStatusCode.BadRequest], [asToken.StatusCode, afterwards.StatusCode, asCode.StatusCode]);
        Assert.Empty(gateway.Homeserver.Accounts["alice"]);
    }

    [Theory]
    [InlineData("grant_type=authorization_code&grant_type=refresh_token&code=x")]
    [InlineData("grant_type=authorization_code&code=a&code=b")]
    [InlineData("grant_type=authorization_code")]
    [InlineData("grant_type=password&username=alice&password=x")]
    [InlineData("grant_type=client_credentials")]
    [InlineData("grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code&device_code=x")]
    [InlineData("")]
    public async Task No_other_exchange_is_made(string form)
    {
        await using var gateway = await TestGateway.StartAsync();
        var alice = await gateway.EnrolAsync("alice");

        using var reply = await gateway.At(alice.Device.TunnelAddress).PostAsync("/oauth2/token", new StringContent(form, Encoding.ASCII, "application/x-www-form-urlencoded"));

        Assert.Equal(HttpStatusCode.BadRequest, reply.StatusCode);
        Assert.Empty(gateway.Homeserver.Accounts["alice"]);
    }

    [Theory]
    [InlineData("multipart/form-data; boundary=x")]
    [InlineData("application/json")]
    [InlineData("text/plain")]
    public async Task A_form_of_another_kind_is_none(string type)
    {
        await using var gateway = await TestGateway.StartAsync();
        var alice = await gateway.EnrolAsync("alice");
        using var browser = await new Browser(gateway, alice.Device.TunnelAddress).OpenAsync(Sso);
        browser.FormType = type;

        await browser.PressAsync("start");

        Assert.Equal(HttpStatusCode.Forbidden, browser.Last.StatusCode);
        Assert.Empty((await gateway.Admin.SignInsAsync(default)).View);
    }

    [Fact]
    public async Task A_form_that_is_huge_or_has_fields_without_end_is_none()
    {
        await using var gateway = await TestGateway.StartAsync();
        var alice = await gateway.EnrolAsync("alice");
        using var browser = await new Browser(gateway, alice.Device.TunnelAddress).OpenAsync(Sso);
        var path = browser.Path;
        await browser.PressAsync("start", code: new string('A', 8_000));
        var huge = browser.Last.StatusCode;
        await browser.ReloadAsync(path);
        browser.MoreFields = Enumerable.Range(0, 100).ToDictionary(i => $"f{i}", _ => "x");

        await browser.PressAsync("start");

        Assert.Equal([HttpStatusCode.Forbidden, HttpStatusCode.Forbidden], [huge, browser.Last.StatusCode]);
        Assert.Empty((await gateway.Admin.SignInsAsync(default)).View);
    }

    [Fact]
    public async Task Another_app_that_opens_pages_without_end_does_not_end_the_member_s_waiting_one()
    {
        await using var gateway = await TestGateway.StartAsync();
        var alice = await gateway.EnrolAsync("alice");
        using var member = await new Browser(gateway, alice.Device.TunnelAddress).OpenAsync(Sso);
        await member.PressAsync("start");
        var path = member.Path;
        for (var i = 0; i < 20; i++)
        {
            using var other = await new Browser(gateway, alice.Device.TunnelAddress).OpenAsync(Sso);
        }

        await gateway.Admin.DecideSignInAsync(new SignInDecision("alice/phone", member.Number, Approve: true), default);
        await member.ReloadAsync(path);

        Assert.NotNull(member.Continue);
    }

    [Fact]
    public async Task The_announcement_and_the_audit_name_the_app_and_the_device()
    {
        await using var gateway = await TestGateway.StartAsync();
        var alice = await gateway.EnrolAsync("alice");
        using var reply = await ExchangeAsync(gateway.At(alice.Device.TunnelAddress), await CodeAsync(gateway, alice));

        var entry = Assert.Single((await gateway.Admin.AuditAsync(default)).View, entry => entry.Action == "signed in");

        Assert.Equal(("alice", "alice/phone", "Element X, session ELEMENTXID"), (entry.Member, entry.Device, entry.Detail));
        Assert.Contains(gateway.Log.GetSnapshot(), line => line.Message == "alice/phone signed in to Element X: session ELEMENTXID");
    }

    private static Task<HttpResponseMessage> LoginAsync(HttpClient client, string token) =>
        client.PostAsJsonAsync("/_matrix/client/v3/login", new { type = "m.login.token", token });

    private static string AuthorizationUrl(params (string Name, string Value)[] others)
    {
        var fields = new Dictionary<string, string>
        {
            ["response_type"] = "code",
            ["client_id"] = "element-x-android",
            ["redirect_uri"] = ElementX,
            ["scope"] = "urn:matrix:client:api:* urn:matrix:client:device:ELEMENTXID",
            ["state"] = "a",
            ["code_challenge"] = Base64Url.EncodeToString(SHA256.HashData(Encoding.ASCII.GetBytes(Verifier))),
            ["code_challenge_method"] = "S256",
        };
        foreach (var (name, value) in others)
        {
            fields[name] = value;
        }

        return "/oauth2/authorize?" + string.Join('&', fields.Select(field => $"{field.Key}={Uri.EscapeDataString(field.Value)}"));
    }

    private static async Task<string> CodeAsync(TestGateway gateway, EnrolmentView enrolment, params (string Name, string Value)[] others)
    {
        using var browser = await new Browser(gateway, enrolment.Device.TunnelAddress).OpenAsync(AuthorizationUrl(others));
        await browser.PressAsync("start");
        var path = browser.Path;
        await gateway.Admin.DecideSignInAsync(new SignInDecision(enrolment.Device.Id, browser.Number, Approve: true), default);
        await browser.ReloadAsync(path);
        return browser.Continue!.Split("code=")[1].Split('&')[0];
    }

    private static Task<HttpResponseMessage> ExchangeAsync(HttpClient client, string code) => client.PostAsync("/oauth2/token", new FormUrlEncodedContent(new Dictionary<string, string>
    {
        ["grant_type"] = "authorization_code",
        ["code"] = code,
        ["client_id"] = "element-x-android",
        ["redirect_uri"] = ElementX,
        ["code_verifier"] = Verifier,
    }));
}
