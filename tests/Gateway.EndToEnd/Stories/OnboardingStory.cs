using Gateway.EndToEnd.Lab;

namespace Gateway.EndToEnd.Stories;

/// <summary>
/// The admin brings a new member in with the console: the phone scans what is on the screen, Element X signs in, and every step
/// shows by itself.
/// </summary>
[Collection(SharedLab.Name)]
public sealed class OnboardingStory(TestLab lab) : IAsyncDisposable
{
    /// <summary>The step that is done now, by its place; the page says so without a reload.</summary>
    private static string Now(int step) => $"#enrol-steps li:nth-child({step})[aria-current=step]";

    public ValueTask DisposeAsync() => lab.EndStoryAsync();

    [Fact]
    public Task On_a_laptop_in_French() => JoinAsync("fr-FR", Viewport.Laptop, "Zoé Lefèvre", "zoe.lefevre", new(
        SignIn: "Se connecter", NewMember: "Nouveau membre", Name: "Nom", Kind: "iPhone ou iPad", Make: "Créer le code QR",
        Connected: "Tunnel connecté", Approve: "Oui, accepter", SignedIn: "Connexion faite avec Element X"));

    [Fact]
    public Task On_a_phone_in_English() => JoinAsync("en-GB", Viewport.Phone, "Ólafur Øst", "olafur.ost", new(
        SignIn: "Sign in", NewMember: "New member", Name: "Name", Kind: "iPhone or iPad", Make: "Make the QR code",
        Connected: "Tunnel connected", Approve: "Yes, approve", SignedIn: "Signed in with Element X"));

    private async Task JoinAsync(string language, Viewport viewport, string person, string localpart, Words words)
    {
        var admin = await lab.SignInToConsoleAsync(language, viewport, words.SignIn);
        var findings = new List<string>();

        await admin.TapAsync(words.NewMember, "#localpart");
        await admin.TypeAsync(person, words.Name);
        await admin.ChooseAsync(words.Kind);
        findings.AddRange(await admin.AxeAsync());
        await admin.PictureAsync($"{language}-console-new-member");
        var covered = await admin.TapAsync(words.Make, "#show-code");
        await admin.PictureAsync($"{language}-console-enrol-covered");
        findings.AddRange(await admin.AxeAsync());
        await admin.OpenUpAsync("#show-code", "#enrol-code .qr svg");
        await admin.PictureAsync($"{language}-console-enrol");
        var config = await admin.ScanAsync("#enrol-code .qr", $"{language}-console-qr");
        var modules = await admin.WidthAsync("#enrol-code .qr svg");

        Assert.DoesNotContain("PrivateKey", covered.Text, StringComparison.Ordinal);
        Assert.NotNull(config);
        Assert.True(viewport == Viewport.Phone || modules >= 400, $"{modules} px");
        var id = covered.Address.Split('/')[^2];
        Assert.Equal($"{localpart}/phone", await LabelAsync(id));

        var phone = await lab.ConnectAsync(config);
        await phone.WaitForHandshakeAsync();
        var connected = await admin.AwaitAsync(Now(3));
        await admin.PictureAsync($"{language}-console-enrol-connected");
        findings.AddRange(await admin.AxeAsync());
        var link = await admin.ScanAsync("#enrol-code .qr", $"{language}-console-element");
        Assert.Contains(words.Connected, connected.Text, StringComparison.Ordinal);
        // Said to whoever cannot see it.
        Assert.Contains(words.Connected, (await admin.AwaitAsync("#said:not(:empty)")).Text.Split('\n')[^1], StringComparison.Ordinal);
        Assert.Equal($"https://mobile.element.io/element/?account_provider={GatewayHost.ServerName}", link);

        var element = new ElementX(phone, ElementX.App.Ios);
        await element.DiscoverAsync();
        await element.LookAtLoginsAsync();
        var page = new PlainBrowser(phone);
        await page.OpenAsync(await element.AuthorizationAddressAsync());
        await page.PressAsync("start");
        var asked = await admin.AwaitAsync(Now(4));
        await admin.PictureAsync($"{language}-console-enrol-approve");
        findings.AddRange(await admin.AxeAsync());
        Assert.Contains(page.Number, asked.Text, StringComparison.Ordinal);
        await admin.TapAsync(words.Approve, "#enrol-steps");
        await element.ComeBackAsync(await page.WaitForWayBackAsync());
        var done = await admin.AwaitAsync("#enrol-done");
        await admin.PictureAsync($"{language}-console-enrol-done");
        findings.AddRange(await admin.AxeAsync());

        Assert.Contains(words.SignedIn, done.Text, StringComparison.Ordinal);
        Assert.Empty(findings);
        Assert.Equal([element.SessionId], await lab.Homeserver.SessionsAsync($"@{localpart}:{GatewayHost.ServerName}"));
    }

    [Fact]
    public async Task A_reload_a_step_back_and_a_second_click_make_no_second_device_and_show_no_code_again()
    {
        var admin = await lab.SignInToConsoleAsync("en-GB", Viewport.Laptop, "Sign in");
        await admin.TapAsync("New member", "#localpart");
        await admin.TypeAsync("Yolanda", "Name");
        var shown = await admin.TapAsync("Make the QR code", "#show-code");

        await admin.ReloadAsync();
        var reloaded = await admin.AwaitAsync("#again");
        await admin.BackAsync();
        var back = await admin.AwaitAsync("body");
        await admin.VisitAsync(shown.Address);
        await admin.TapAsync("Make a new code", "#show-code");
        await admin.OpenUpAsync("#show-code", "#enrol-code .qr svg");
        var config = await admin.ScanAsync("#enrol-code .qr", "console-again");
        await admin.TapAsync("Cancel and forget this code", "main");

        Assert.Contains("The code was shown once", reloaded.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("PrivateKey", back.Text, StringComparison.Ordinal);
        Assert.Contains("[Peer]", config, StringComparison.Ordinal);
        Assert.DoesNotContain(await DevicesAsync(), device => device.GetProperty("member").GetString() == "yolanda");
    }

    private async Task<IReadOnlyList<System.Text.Json.JsonElement>> DevicesAsync() => [.. (await lab.Gateway.AskAsync("v1/devices")).EnumerateArray()];

    private async Task<string> LabelAsync(string id)
    {
        var device = await lab.Gateway.DeviceAsync(id);
        return $"{device.GetProperty("member").GetString()}/{device.GetProperty("name").GetString()}";
    }

    private sealed record Words(string SignIn, string NewMember, string Name, string Kind, string Make, string Connected, string Approve, string SignedIn);
}
