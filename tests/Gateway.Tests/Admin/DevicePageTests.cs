using System.Net;
using Gateway.Onboarding.Keys;
using Gateway.Onboarding.LoginGrants;
using Gateway.Onboarding.Members;
using Gateway.Onboarding.Store;
using Gateway.Tests.Testing;

namespace Gateway.Tests.Admin;

/// <summary>A device's page and a member's: what is done there, and what is not.</summary>
public sealed class DevicePageTests
{
    [Fact]
    public async Task A_new_login_code_is_shown_once_covered_and_works()
    {
        await using var gateway = await TestGateway.StartAsync();
        var phone = await gateway.EnrolAsync("alice");
        using var browser = ConsoleBrowser.SignedIn(gateway);
        var path = $"/devices/{phone.Device.Id}";
        await browser.OpenAsync(path);

        await browser.SubmitAsync($"{path}/login-code");

        Assert.Equal(HttpStatusCode.OK, browser.Last.StatusCode);
        var code = System.Text.RegularExpressions.Regex.Match(browser.Page, "<details class=\"card covered\">\\s*<summary>Show the code</summary>\\s*<p class=\"code\">(?<code>[^<]+)</p>", System.Text.RegularExpressions.RegexOptions.ExplicitCapture, TimeSpan.FromSeconds(1)).Groups["code"].Value;
        Assert.NotEmpty(code);
        await browser.OpenAsync(path);
        Assert.DoesNotContain(code, browser.Page, StringComparison.Ordinal);
        using var member = gateway.At(phone.Device.TunnelAddress);
        using var reply = await TestGateway.LoginAsync(member, code);
        Assert.Equal(HttpStatusCode.OK, reply.StatusCode);
        Assert.DoesNotContain(gateway.Log.GetSnapshot(), record => record.Message.Contains(code, StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_copied_key_gets_no_code_and_says_why()
    {
        await using var gateway = await TestGateway.StartAsync();
        var phone = await gateway.EnrolAsync("alice");
        gateway.Service<GrantArmoury>().KeyCopied(gateway.Service<StateWriter>(), PublicKey.Parse(phone.Device.PublicKey, null));
        using var browser = ConsoleBrowser.SignedIn(gateway);

        await browser.OpenAsync("/");
        Assert.Contains("two phones use the same key", browser.Page, StringComparison.Ordinal);
        await browser.OpenAsync($"/devices/{phone.Device.Id}");
        Assert.Contains("Two phones use this device’s key", browser.Page, StringComparison.Ordinal);
        await browser.SubmitAsync($"/devices/{phone.Device.Id}/login-code");

        Assert.Equal(HttpStatusCode.Conflict, browser.Last.StatusCode);
        Assert.Contains("No login code can be made", browser.Page, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("téléphone", HttpStatusCode.OK)]
    [InlineData("laptop", HttpStatusCode.Conflict)]
    [InlineData("my phone", HttpStatusCode.BadRequest)]
    [InlineData("", HttpStatusCode.BadRequest)]
    public async Task A_device_is_renamed_where_the_name_is_one_and_free(string name, HttpStatusCode expected)
    {
        await using var gateway = await TestGateway.StartAsync();
        var phone = await gateway.EnrolAsync("alice", "phone");
        await gateway.EnrolAsync("alice", "laptop");
        using var browser = ConsoleBrowser.SignedIn(gateway);
        await browser.OpenAsync($"/devices/{phone.Device.Id}");

        await browser.SubmitAsync($"/devices/{phone.Device.Id}/rename", ("name", name));

        Assert.Equal(expected, browser.Last.StatusCode);
        Assert.Equal(expected == HttpStatusCode.OK ? name : "phone", gateway.Device(phone.Device.Id).Name);
    }

    [Fact]
    public async Task A_member_is_renamed_where_the_homeserver_follows()
    {
        await using var gateway = await TestGateway.StartAsync();
        await gateway.EnrolAsync("alice");
        using var browser = ConsoleBrowser.SignedIn(gateway);
        await browser.OpenAsync("/members/alice");
        await browser.SubmitAsync("/members/alice/rename", ("name", " Alice Martin "));

        Assert.Equal(("Alice Martin", "Alice Martin"), (gateway.State.Members[Alice].DisplayName, gateway.Homeserver.DisplayNames["alice"]));
        Assert.Contains("<h1>Alice Martin</h1>", browser.Page, StringComparison.Ordinal);

        gateway.Homeserver.Interfere = FakeHomeserver.Down;
        await browser.SubmitAsync("/members/alice/rename", ("name", "Alix"));
        Assert.Equal(HttpStatusCode.ServiceUnavailable, browser.Last.StatusCode);
        Assert.Equal("Alice Martin", gateway.State.Members[Alice].DisplayName);
    }

    [Fact]
    public async Task A_device_is_marked_as_the_admins_own_and_is_not_any_more()
    {
        await using var gateway = await TestGateway.StartAsync();
        var phone = await gateway.EnrolAsync("alice");
        using var browser = ConsoleBrowser.SignedIn(gateway);
        await browser.OpenAsync($"/devices/{phone.Device.Id}");

        await browser.SubmitAsync($"/devices/{phone.Device.Id}/admin", ("admin", "yes"));
        Assert.True(gateway.Device(phone.Device.Id).IsAdmin);
        await browser.SubmitAsync($"/devices/{phone.Device.Id}/admin", ("admin", "no"));
        Assert.False(gateway.Device(phone.Device.Id).IsAdmin);
    }

    [Theory]
    [InlineData("keep", false)]
    [InlineData("erase", true)]
    [InlineData(null, null)]
    public async Task A_member_leaves_with_the_choice_that_was_made(string? choice, bool? erase)
    {
        await using var gateway = await TestGateway.StartAsync();
        using var member = await gateway.SignInAsync(await gateway.EnrolAsync("alice"));
        using var browser = ConsoleBrowser.SignedIn(gateway);
        await browser.OpenAsync("/members/alice/leave");
        Assert.Contains("Keep them", browser.Page, StringComparison.Ordinal);

        await browser.SubmitAsync("/members/alice/leave", choice is null ? [] : [("choice", choice)]);

        Assert.Equal(erase, gateway.State.Members[Alice].Leaving?.Erase);
        Assert.Equal(erase is null, gateway.Device("alice/phone").IsLive);
        if (erase is not null)
        {
            await browser.OpenAsync("/");
            Assert.Contains("Have left (1)", browser.Page, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Nothing_is_shown_or_done_without_a_session_its_token_and_where_it_opens_a_way_in_a_fresh_proof()
    {
        await using var gateway = await TestGateway.StartAsync();
        var path = $"/devices/{(await gateway.EnrolAsync("alice")).Device.Id}";
        string[] pages = ["/", path, $"{path}/lost", $"{path}/cut", "/members/alice", "/members/alice/leave", "/health", "/lock", "/activity", "/live/members", $"/live{path}", "/live/members/alice", "/live/health"];
        string[] acts = [$"{path}/revoke", $"{path}/rename", $"{path}/login-code", $"{path}/admin", "/members/alice/rename", "/members/alice/leave", "/members/alice/reset-done", "/sign-ins", "/lock", "/unlock"];
        string[] fresh = [$"{path}/login-code", $"{path}/admin", "/members/alice/leave"];
        var before = gateway.State.Generation;
        using var stranger = new ConsoleBrowser(gateway);
        foreach (var page in pages)
        {
            await stranger.OpenAsync(page);
            Assert.True(stranger.Last.Headers.Location?.ToString().StartsWith("/sign-in", StringComparison.Ordinal), $"{page}: {stranger.Last.StatusCode}");
        }

        using var admin = ConsoleBrowser.SignedIn(gateway);
        foreach (var act in acts)
        {
            Assert.Equal(HttpStatusCode.SeeOther, await PostAsync(stranger, act));
            Assert.Equal(HttpStatusCode.Forbidden, await PostAsync(admin, act));
        }

        gateway.Clock.Advance(TimeSpan.FromMinutes(6));
        foreach (var act in fresh)
        {
            Assert.Equal(HttpStatusCode.SeeOther, await PostAsync(admin, act));
            Assert.StartsWith("/prove", admin.Last.Headers.Location!.ToString(), StringComparison.Ordinal);
        }

        Assert.Equal(before, gateway.State.Generation);
    }

    [Theory]
    [InlineData("en")]
    [InlineData("fr")]
    public async Task Each_page_is_in_the_readers_language_with_one_heading(string language)
    {
        await using var gateway = await TestGateway.StartAsync();
        var path = $"/devices/{(await gateway.EnrolAsync("alice")).Device.Id}";
        using var browser = ConsoleBrowser.SignedIn(gateway, language);
        foreach (var page in new[] { "/", path, $"{path}/lost", $"{path}/cut", "/members/alice", "/members/alice/leave", "/health", "/lock", "/activity", "/activity?check=yes" })
        {
            await browser.OpenAsync(page);
            Assert.Equal(HttpStatusCode.OK, browser.Last.StatusCode);
            Assert.Contains($"<html lang=\"{language}\">", browser.Page, StringComparison.Ordinal);
            Assert.Equal(2, browser.Page.Split("<h1").Length);
            Assert.DoesNotContain(" style=", browser.Page, StringComparison.Ordinal);
        }

        await browser.OpenAsync("/devices/d-aaaaaaaa");
        Assert.Equal(HttpStatusCode.NotFound, browser.Last.StatusCode);
        await browser.OpenAsync("/members/nobody");
        Assert.Equal(HttpStatusCode.NotFound, browser.Last.StatusCode);
    }

    private static Localpart Alice => Localpart.Parse("alice", null);

    private static async Task<HttpStatusCode> PostAsync(ConsoleBrowser browser, string path)
    {
        using var form = new FormUrlEncodedContent([KeyValuePair.Create("token", "guessed"), KeyValuePair.Create("choice", "keep")]);
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = form };
        request.Headers.Add("Origin", browser.Origin);
        await browser.SendAsync(request);
        return browser.Last.StatusCode;
    }
}
