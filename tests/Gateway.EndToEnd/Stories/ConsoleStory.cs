using System.Net;
using Gateway.EndToEnd.Lab;

namespace Gateway.EndToEnd.Stories;

/// <summary>The admin at the console: a lost phone in two taps, the list that keeps itself, every page in both languages.</summary>
[Collection(SharedLab.Name)]
public sealed class ConsoleStory(TestLab lab) : IAsyncDisposable
{
    public ValueTask DisposeAsync() => lab.EndStoryAsync();

    [Theory]
    [InlineData("en-GB", "sacha", "Sign in", "Lost… · sacha, phone", "Cut off sacha’s phone", "erases sacha’s messages")]
    [InlineData("fr-FR", "solene", "Se connecter", "Perdu… · solene, phone", "Couper «\u00a0phone\u00a0» de solene", "efface")]
    public async Task A_lost_phone_is_two_taps_away_on_a_phones_screen(string language, string localpart, string signIn, string lost, string cut, string sentence)
    {
        var member = await lab.SignInAsync(localpart);
        await member.CalmAsync();
        var admin = await lab.SignInToConsoleAsync(language, Viewport.Phone, signIn);
        await admin.PictureAsync($"{language}-console-members-phone");

        var confirm = await admin.TapAsync(lost, "form .danger, form .sure");
        await admin.PictureAsync($"{language}-console-lost-ask");
        var findings = new List<string>(await admin.AxeAsync());
        await admin.TapAsync(cut, "#device ol.flow");
        var gone = await member.Phone.GetAsync("_matrix/client/v3/account/whoami", member.Client.AccessToken);
        var done = await admin.AwaitAsync("#device ol.flow li.done:nth-child(4)");
        await admin.PictureAsync($"{language}-console-lost");
        findings.AddRange(await admin.AxeAsync());

        Assert.Contains(localpart, confirm.Text, StringComparison.Ordinal);
        Assert.Contains(sentence, confirm.Text, StringComparison.Ordinal);
        Assert.Equal((HttpStatusCode.Unauthorized, "M_UNKNOWN_TOKEN"), (gone.Status, gone.ErrorCode));
        Assert.Contains(" ms", done.Text.Replace('\u00a0', ' '), StringComparison.Ordinal);
        Assert.Empty(findings);
        Assert.Equal("quarantined", (await lab.Gateway.DeviceAsync(member.Device)).GetProperty("state").GetString());
    }

    [Fact]
    public async Task The_list_shows_who_comes_and_goes_by_itself()
    {
        var admin = await lab.SignInToConsoleAsync("en-GB", Viewport.Laptop, "Sign in");
        var (enrolment, phone) = await lab.JoinAsync("tadeo");
        await admin.AwaitAsync("#m-tadeo");
        await phone.WaitForHandshakeAsync();
        await admin.AwaitAsync("#m-tadeo .dot.ok");
        var client = lab.Open(phone);
        await client.LoginAsync("tadeo", enrolment.LoginCode);
        (await lab.Gateway.RunAsync("revoke", "tadeo/phone")).Expect();
        var cut = await admin.AwaitAsync("#m-tadeo .tag.red");

        // One page, loaded once.
        Assert.Equal($"{ConsoleBrowser.Console}/", cut.Address);
    }

    [Theory]
    [InlineData("en-GB", "Sign in", "ulla")]
    [InlineData("fr-FR", "Se connecter", "ursule")]
    public async Task Axe_finds_nothing_on_any_page(string language, string signIn, string localpart)
    {
        var member = await lab.SignInAsync(localpart);
        var pending = await lab.Gateway.EnrolAsync(localpart, "laptop");
        var lost = await lab.Gateway.EnrolAsync(localpart, "old");
        (await lab.Gateway.RunAsync("revoke", $"{localpart}/old")).Expect();
        var admin = await lab.SignInToConsoleAsync(language, Viewport.Laptop, signIn);
        var findings = new List<string>();
        string[] pages =
        [
            "/", "/?q=nobody", "/new-member", $"/members/{localpart}", $"/members/{localpart}/devices/new", $"/members/{localpart}/leave",
            $"/devices/{member.Device}", $"/devices/{member.Device}/lost", $"/devices/{pending.DeviceId}", $"/devices/{pending.DeviceId}/steps",
            $"/devices/{lost.DeviceId}", $"/devices/{member.Device}/cut", "/activity", "/health", "/lock", "/access", "/access/passkeys", "/access/code", "/prove?back=/", "/nowhere",
        ];

        Dictionary<string, string> names = new() { [member.Device] = "device", [pending.DeviceId] = "pending", [lost.DeviceId] = "lost", [localpart] = "member" };
        foreach (var path in pages)
        {
            var sight = await admin.VisitAsync(ConsoleBrowser.Console + path);
            Assert.True(sight.Status == (path == "/nowhere" ? 404 : 200), $"{path}: {sight}");
            Assert.Equal(language[..2], sight.Language);
            findings.AddRange((await admin.AxeAsync()).Select(finding => $"{path}: {finding}"));
            var name = names.Aggregate(path.Split('?')[0], (text, word) => text.Replace(word.Key, word.Value, StringComparison.Ordinal)).Replace('/', '-');
            await admin.PictureAsync($"{language}-console-page{name}");
        }

        Assert.Empty(findings);
    }

    [Fact]
    public async Task Everything_works_by_keyboard()
    {
        var member = await lab.SignInAsync("wanda");
        var admin = await lab.SignInToConsoleAsync("en-GB", Viewport.Laptop, "Sign in");
        // The list of the whole lab would be longer than anybody's patience with a keyboard.
        await admin.VisitAsync($"{ConsoleBrowser.Console}/?q=wanda");
        await TabToAsync(admin, "Lost… · wanda, phone");
        await admin.PressAsync("Enter");
        await admin.AwaitAsync(".danger, .sure");
        await TabToAsync(admin, "Cut off wanda’s phone");
        await admin.PressAsync("Enter");
        await admin.AwaitAsync("#device ol.flow");

        Assert.Equal("quarantined", (await lab.Gateway.DeviceAsync(member.Device)).GetProperty("state").GetString());
    }

    private static async Task TabToAsync(ConsoleBrowser admin, string name)
    {
        for (var stops = 0; stops < 200; stops++)
        {
            await admin.PressAsync("Tab");
            if (string.Join(' ', (await admin.FocusAsync()).Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)) == name)
            {
                return;
            }
        }

        Assert.Fail($"The keyboard does not reach '{name}'");
    }
}
