using System.Text.RegularExpressions;
using Gateway.EndToEnd.Lab;

namespace Gateway.EndToEnd.Stories;

/// <summary>
/// A member signs in with a web app, as in Element Web: taps, compares a number with the admin or types the code, and is in.
/// The browser is Chromium; each step is photographed in the language of the story.
/// </summary>
[Collection(SharedLab.Name)]
public sealed partial class BrowserStory(TestLab lab) : IAsyncDisposable
{
    public ValueTask DisposeAsync() => lab.EndStoryAsync();

    [Fact]
    public async Task By_SSO_in_French_the_admin_approves_the_number_and_the_app_is_in()
    {
        var (enrolment, phone) = await lab.JoinAsync("noor");
        await phone.WaitForHandshakeAsync();
        var browser = await lab.BrowseAsync(phone);
        await browser.OpenAsync("fr-FR");

        var welcome = await browser.VisitAsync($"https://{GatewayHost.ServerName}/");
        await browser.PictureAsync("fr-0-welcome");
        var findings = new List<string>(await browser.AxeAsync());
        await browser.VisitAsync(WebBrowser.App);
        var confirm = await browser.TapAsync("SSO", "main");
        await browser.PictureAsync("fr-1-confirm");
        findings.AddRange(await browser.AxeAsync());
        var number = await browser.TapAsync("Se connecter", "#number");
        await browser.PictureAsync("fr-2-number");
        findings.AddRange((await browser.AxeAsync()).Where(finding => !GoesOnByItself(finding)));
        await browser.TapAsync("J’ai un code de connexion", "#code");
        await browser.PictureAsync("fr-3-code");
        findings.AddRange(await browser.AxeAsync());
        await browser.TypeAsync("n'importe quoi");
        var typingError = await browser.TapAsync("Se connecter", "#fault");
        await browser.PictureAsync("fr-4-not-a-code");
        findings.AddRange(await browser.AxeAsync());
        var sameNumber = await browser.TapAsync("Revenir au nombre", "#number");
        await browser.WayBackAsync(open: false);
        (await lab.Gateway.RunAsync("approve", "noor/phone", "--number", Number(sameNumber))).Expect();
        var approved = await browser.AwaitAsync("#continue");
        await browser.PictureAsync("fr-5-approved");
        findings.AddRange((await browser.AxeAsync()).Where(finding => !GoesOnByItself(finding)));
        await browser.WayBackAsync(open: true);
        var app = await browser.TapAsync($"Retourner dans {WebBrowser.AppHost}", "#outcome[data-state=in]");
        var over = await browser.VisitAsync(number.Address);
        await browser.PictureAsync("fr-6-over");
        findings.AddRange(await browser.AxeAsync());
        await browser.VisitAsync(WebBrowser.App);
        var notArmed = await browser.TapAsync("SSO", "main");
        await browser.PictureAsync("fr-7-not-armed");
        findings.AddRange(await browser.AxeAsync());

        AssertProtected(welcome, "fr");
        Assert.Contains("noor · phone", welcome.Text, StringComparison.Ordinal);
        Assert.Empty(findings);
        AssertProtected(confirm, "fr");
        Assert.Contains("Se connecter sur cet appareil\u202f?", confirm.Text, StringComparison.Ordinal);
        Assert.Contains("noor · phone", confirm.Text, StringComparison.Ordinal);
        Assert.Contains(WebBrowser.AppHost, confirm.Text, StringComparison.Ordinal);
        Assert.DoesNotContain(enrolment.LoginCode, confirm.Text + number.Text + typingError.Text, StringComparison.Ordinal);
        AssertProtected(number, "fr");
        AssertProtected(typingError, "fr");
        Assert.Contains("Tapez votre code de connexion", typingError.Text, StringComparison.Ordinal);
        Assert.Contains("Ce n’est pas un code de connexion\u00a0: une lettre manque", typingError.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("mot de passe", typingError.Text, StringComparison.Ordinal);
        Assert.Equal(Number(number), Number(sameNumber));
        AssertProtected(approved, "fr");
        Assert.Contains("Sinon, touchez le bouton", approved.Text, StringComparison.Ordinal);
        await AssertInAsync(app, enrolment);
        Assert.Contains("Continuez dans l’application", over.Text, StringComparison.Ordinal);
        AssertProtected(notArmed, "fr", status: 403);
        Assert.Contains("Demandez un nouveau code de connexion à votre admin", notArmed.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task By_OAuth_in_English_the_member_types_the_code_and_the_app_is_in()
    {
        var (enrolment, phone) = await lab.JoinAsync("otto");
        await phone.WaitForHandshakeAsync();
        var browser = await lab.BrowseAsync(phone);
        await browser.OpenAsync("en-GB");

        await browser.VisitAsync($"https://{GatewayHost.ServerName}/");
        await browser.PictureAsync("en-0-welcome");
        var findings = new List<string>(await browser.AxeAsync());
        await browser.VisitAsync(WebBrowser.App);
        var confirm = await browser.TapAsync("OAuth", "main");
        await browser.PictureAsync("en-1-confirm");
        findings.AddRange(await browser.AxeAsync());
        await browser.WayBackAsync(open: false);
        await browser.TapAsync("This is not me", "#continue");
        await browser.PictureAsync("en-1-not-me");
        await browser.WayBackAsync(open: true);
        var declined = await browser.TapAsync($"Back to {WebBrowser.AppHost}", "#outcome[data-state=refused]");
        await browser.VisitAsync(WebBrowser.App);
        await browser.TapAsync("OAuth", "main");
        await browser.TapAsync("Sign in", "#number");
        await browser.PictureAsync("en-2-number");
        findings.AddRange((await browser.AxeAsync()).Where(finding => !GoesOnByItself(finding)));
        await browser.TapAsync("I have a login code instead", "#code");
        await browser.PictureAsync("en-3-code");
        findings.AddRange(await browser.AxeAsync());
        await browser.TypeAsync(await CodeOfAnotherDeviceAsync());
        var wrongCode = await browser.TapAsync("Sign in", "#fault");
        await browser.PictureAsync("en-4-wrong-code");
        findings.AddRange(await browser.AxeAsync());
        await browser.TypeAsync(enrolment.LoginCode);
        await browser.WayBackAsync(open: false);
        var approved = await browser.TapAsync("Sign in", "#continue");
        await browser.PictureAsync("en-5-approved");
        findings.AddRange((await browser.AxeAsync()).Where(finding => !GoesOnByItself(finding)));
        await browser.WayBackAsync(open: true);
        var app = await browser.TapAsync($"Back to {WebBrowser.AppHost}", "#outcome[data-state=in]");
        await browser.VisitAsync(WebBrowser.App);
        var notArmed = await browser.TapAsync("OAuth", "main");
        await browser.PictureAsync("en-6-not-armed");
        findings.AddRange(await browser.AxeAsync());

        Assert.Empty(findings);
        AssertProtected(confirm, "en");
        Assert.Contains("Sign in on this device?", confirm.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("nobody vouches", confirm.Text, StringComparison.Ordinal);
        Assert.Equal("access_denied", declined.Text.Split('\n')[^1]);
        AssertProtected(wrongCode, "en");
        Assert.Contains("This login code does not work on this device", wrongCode.Text, StringComparison.Ordinal);
        AssertProtected(approved, "en");
        await AssertInAsync(app, enrolment);
        AssertProtected(notArmed, "en", status: 403);
        Assert.Contains("Ask your admin for a new login code", notArmed.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_page_needs_no_script_and_shows_itself_in_no_frame()
    {
        var (enrolment, phone) = await lab.JoinAsync("petra");
        await phone.WaitForHandshakeAsync();
        var browser = await lab.BrowseAsync(phone);
        var start = $"https://{GatewayHost.ServerName}/_matrix/client/v3/login/sso/redirect?redirectUrl={Uri.EscapeDataString(WebBrowser.App)}";

        await browser.OpenAsync("en-GB", scripts: false);
        await browser.VisitAsync(start);
        var number = await browser.TapAsync("Sign in", "#number");
        var framedStart = await browser.FrameAsync(start);
        var framedPage = await browser.FrameAsync(number.Address);
        var still = await browser.VisitAsync(number.Address);
        (await lab.Gateway.RunAsync("approve", enrolment.DeviceId, "--number", Number(still))).Expect();
        // The page goes on by itself, and the app's own page has no script here either: only its address tells.
        var back = await browser.AwaitAsync("#sso");

        Assert.Equal(Number(number), Number(still));
        Assert.Equal("403", framedStart);
        Assert.Equal("net::ERR_BLOCKED_BY_RESPONSE", framedPage);
        Assert.StartsWith($"{WebBrowser.App}?loginToken=", back.Address, StringComparison.Ordinal);
    }

    /// <summary>These pages have no script by which to notice the admin's word: they load themselves again, which axe does not like.</summary>
    private static bool GoesOnByItself(string finding) => finding.Contains(" meta-refresh: ", StringComparison.Ordinal);

    private static void AssertProtected(Sight page, string language, int status = 200)
    {
        Assert.Equal(status, page.Status);
        Assert.Equal(language, page.Language);
        Assert.Equal("no-store", page.Header("cache-control"));
        Assert.Equal("no-referrer", page.Header("referrer-policy"));
        Assert.Equal("DENY", page.Header("x-frame-options"));
        var policy = page.Header("content-security-policy")!;
        Assert.StartsWith("default-src 'none'; ", policy, StringComparison.Ordinal);
        Assert.DoesNotContain("unsafe", policy, StringComparison.Ordinal);
        Assert.DoesNotContain("script", policy, StringComparison.Ordinal);
        Assert.Contains("frame-ancestors 'none'", policy, StringComparison.Ordinal);
        Assert.Empty(page.Hosts.Except([GatewayHost.ServerName, WebBrowser.AppHost]));
    }

    private static string Number(Sight page) => TwoDigits().Match(page.Text).Value;

    /// <summary>The app says who is in; Synapse and the gateway know the same session.</summary>
    private async Task AssertInAsync(Sight app, Enrolment enrolment)
    {
        var said = app.Text.Split('\n')[^1].Split(' ');
        Assert.Equal(enrolment.MatrixUserId, said[0]);
        Assert.Equal([said[1]], await lab.Homeserver.SessionsAsync(enrolment.MatrixUserId));
        var session = Assert.Single((await lab.Gateway.DeviceAsync(enrolment.DeviceId)).GetProperty("sessions").EnumerateArray());
        Assert.Equal(said[1], session.GetProperty("matrixDeviceId").GetString());
        Assert.Equal(WebBrowser.AppHost, session.GetProperty("client").GetString());
    }

    /// <summary>A code whose letters are right, and which is not this device's.</summary>
    private async Task<string> CodeOfAnotherDeviceAsync() => (await lab.Gateway.EnrolAsync("otto", "laptop")).LoginCode;

    [GeneratedRegex("^[0-9]{2}$", RegexOptions.Multiline | RegexOptions.NonBacktracking)]
    private static partial Regex TwoDigits();
}
