using Gateway.EndToEnd.Lab;

namespace Gateway.EndToEnd.Stories;

/// <summary>The admin gets into the console: by a link the first time, from then on with a passkey.</summary>
[Collection(SharedLab.Name)]
public sealed class ConsoleAccessStory(TestLab lab) : IAsyncDisposable
{
    private const string NewPasskey = $"{ConsoleBrowser.Console}/access/passkeys";

    /// <summary>What only the start page shows.</summary>
    private const string Start = "nav a[aria-current][href='/']";

    public ValueTask DisposeAsync() => lab.EndStoryAsync();

    [Theory]
    [InlineData("en-GB", "Sign in", "Add it", "Use my passkey", "Sign out")]
    [InlineData("fr-FR", "Se connecter", "L’ajouter", "Utiliser ma clé d’accès", "Se déconnecter")]
    public async Task The_first_time_by_a_link_and_then_by_a_passkey(string language, string signIn, string add, string use, string signOut)
    {
        var browser = lab.BrowseConsole();
        await browser.OpenAsync(language, Viewport.Laptop);
        await browser.AddAuthenticatorAsync();
        var findings = new List<string>();

        await browser.VisitAsync(await LinkAsync());
        findings.AddRange(await browser.AxeAsync());
        await browser.TapAsync(signIn, "nav");
        var newPasskey = await browser.VisitAsync(NewPasskey);
        await browser.PictureAsync($"{language}-console-new-passkey");
        findings.AddRange(await browser.AxeAsync());
        await browser.TapAsync(add, Start);
        var cookies = await browser.CookiesAsync();
        var access = await browser.VisitAsync($"{ConsoleBrowser.Console}/access");
        await browser.PictureAsync($"{language}-console-access");
        findings.AddRange(await browser.AxeAsync());
        await browser.TapAsync(signOut, "[data-passkey=get]");
        await browser.PictureAsync($"{language}-console-sign-in");
        findings.AddRange(await browser.AxeAsync());
        var back = await browser.TapAsync(use, Start);

        Assert.Empty(findings);
        Assert.Equal(language[..2], newPasskey.Language);
        Assert.Contains("localhost", access.Text, StringComparison.Ordinal);
        Assert.Equal($"{ConsoleBrowser.Console}/", back.Address);
        Assert.Equal((true, false, "Strict"), cookies["console"]);
        Assert.Equal(["localhost:8080"], back.Hosts);
        var policy = back.Header("content-security-policy")!;
        Assert.StartsWith("default-src 'none'; ", policy, StringComparison.Ordinal);
        Assert.DoesNotContain("unsafe", policy, StringComparison.Ordinal);
        Assert.Equal("no-store", back.Header("cache-control"));
    }

    [Fact]
    public async Task From_the_admins_own_phone_it_is_in_the_tunnel_with_a_passkey_of_its_own()
    {
        var console = $"https://{GatewayHost.ServerName}:9443";
        var (_, phone) = await lab.JoinAsync("beatrix");
        await phone.WaitForHandshakeAsync();
        var browser = await lab.BrowseAsync(phone);
        await browser.OpenAsync("en-GB");
        await browser.AddAuthenticatorAsync();

        var shut = await Assert.ThrowsAsync<InstructionException>(() => browser.VisitAsync(console));
        (await lab.Gateway.RunAsync("admin-device", "beatrix/phone")).Expect();
        await browser.VisitAsync((await lab.Gateway.JsonAsync("console-link")).GetProperty("tunnel").GetString()!);
        await browser.TapAsync("Sign in", "nav");
        await browser.VisitAsync($"{console}/access/passkeys");
        await browser.TapAsync("Add it", Start);
        var cookies = await browser.CookiesAsync();
        await browser.TapAsync("Sign out", "[data-passkey=get]");
        var back = await browser.TapAsync("Use my passkey", Start);
        var findings = await browser.AxeAsync();
        (await lab.Gateway.RunAsync("admin-device", "beatrix/phone", "--remove")).Expect();
        var removed = await Assert.ThrowsAsync<InstructionException>(() => browser.VisitAsync(console));

        Assert.Contains("ERR_", shut.Message, StringComparison.Ordinal);
        Assert.Equal($"{console}/", back.Address);
        Assert.Equal((true, true, "Strict"), cookies["__Host-console"]);
        Assert.Empty(findings);
        Assert.Contains("ERR_", removed.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_passkey_that_another_browser_has_lets_nobody_else_in()
    {
        var admin = lab.BrowseConsole();
        await admin.OpenAsync("en-GB", Viewport.Laptop);
        await admin.AddAuthenticatorAsync();
        await admin.VisitAsync(await LinkAsync());
        await admin.TapAsync("Sign in", "nav");
        await admin.VisitAsync(NewPasskey);
        await admin.TapAsync("Add it", Start);
        var stranger = lab.BrowseConsole();
        await stranger.OpenAsync("en-GB", Viewport.Laptop);
        await stranger.AddAuthenticatorAsync();

        await stranger.VisitAsync($"{ConsoleBrowser.Console}/");
        var declined = await stranger.TapAsync("Use my passkey", "[data-when=declined]:not([hidden])");

        Assert.Contains("No passkey was used", declined.Text, StringComparison.Ordinal);
        Assert.Equal($"{ConsoleBrowser.Console}/sign-in?back=%2F", declined.Address);
    }

    private async Task<string> LinkAsync() => (await lab.Gateway.JsonAsync("console-link")).GetProperty("local").GetString()!;
}
