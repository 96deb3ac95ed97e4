using System.Net;
using System.Text.RegularExpressions;
using Gateway.Admin.Access;
using Gateway.Login;
using Gateway.Onboarding.Devices;
using Gateway.Onboarding.Enrolment;
using Gateway.Onboarding.Keys;
using Gateway.Onboarding.Members;
using Gateway.Tests.Login;
using Gateway.Tests.Testing;

namespace Gateway.Tests.Admin;

/// <summary>From the name to "signed in", as far as forms and the stream go; with a browser, a phone and Synapse in the end-to-end stories.</summary>
public sealed partial class OnboardingTests
{
    [Theory]
    [InlineData("Zoé Lefèvre", "zoe.lefevre")]
    [InlineData("  Jean-François d’Aÿ ", "jean-francois.d.ay")]
    [InlineData("Straße Œuvre Æon Łukasz Øst Đorđe", "strasse.oeuvre.aeon.lukasz.ost.dorde")]
    [InlineData("O'Neil, Ann (42)", "o.neil.ann.42")]
    [InlineData("İnci Işık", "inci.isik")]
    [InlineData("__x__", "x")]
    [InlineData("Иван", null)]
    [InlineData("1234", null)]
    [InlineData("", null)]
    public void A_localpart_is_proposed_from_the_name(string name, string? proposal) =>
        Assert.Equal(proposal, LocalpartProposal.Of(name)?.ToString());

    [Fact]
    public void A_long_name_makes_a_localpart_that_is_allowed() =>
        Assert.Equal(Localpart.MaxLength, LocalpartProposal.Of(new string('a', 200))!.Value.ToString().Length);

    [Fact]
    public async Task A_member_joins_and_each_step_shows_by_itself()
    {
        await using var gateway = await TestGateway.StartAsync();
        using var admin = ConsoleBrowser.SignedIn(gateway);
        await JoinAsync(admin, "Zoé <b>Lefèvre</b>");
        var page = admin.Page;
        var device = gateway.Device("zoe.b.lefevre.b/phone");
        using var stream = await LiveEvents.FollowAsync(gateway, admin);

        gateway.Service<EnrolmentWatch>().HandshakeSeen(device.PublicKey, gateway.Clock.GetUtcNow());
        var connected = await stream.NextAsync("enrol-steps");
        var second = await stream.NextAsync("enrol-code");
        using var phone = await new Browser(gateway, device.TunnelAddress.ToString()).OpenAsync("/_matrix/client/v3/login/sso/redirect?redirectUrl=element%3A%2F%2Fconnect");
        await phone.PressAsync("start");
        var asks = await stream.NextAsync("enrol-steps");
        await admin.OpenAsync($"/devices/{device.Id}/steps");
        await admin.SubmitAsync("/sign-ins", ("device", device.Id.ToString()), ("number", Number(asks)), ("do", "approve"), ("back", $"/devices/{device.Id}/steps"));
        await phone.ReloadAsync(phone.Path);

        Assert.Equal("Zoé <b>Lefèvre</b>", gateway.State.Members.Values.Single().DisplayName);
        Assert.Contains("[Interface]", page, StringComparison.Ordinal);
        Assert.Contains("Tunnel connected", connected, StringComparison.Ordinal);
        Assert.Contains("account_provider=chat.example", second, StringComparison.Ordinal);
        Assert.DoesNotContain("[Interface]", second, StringComparison.Ordinal);
        Assert.Equal($"/devices/{device.Id}/steps", admin.Path);
        Assert.Contains("id=\"continue\"", phone.Page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Another_number_than_the_page_showed_approves_nothing()
    {
        await using var gateway = await TestGateway.StartAsync();
        using var admin = ConsoleBrowser.SignedIn(gateway);
        var noor = await gateway.EnrolAsync("noor");
        using var phone = await new Browser(gateway, noor.Device.TunnelAddress).OpenAsync("/_matrix/client/v3/login/sso/redirect?redirectUrl=element%3A%2F%2Fconnect");
        await phone.PressAsync("start");
        var waiting = gateway.Service<SignIns>().Waiting().Single();

        await admin.OpenAsync($"/devices/{noor.Device.Id}/steps");
        await admin.SubmitAsync("/sign-ins", ("device", noor.Device.Id), ("number", $"{(waiting.Number == 99 ? 10 : waiting.Number + 1)}"), ("do", "approve"));

        Assert.Equal(HttpStatusCode.Conflict, admin.Last.StatusCode);
        Assert.Equal(SignInState.Waiting, gateway.Service<SignIns>().Waiting().Single().State);
    }

    [Fact]
    public async Task The_key_and_the_code_are_said_once_and_a_form_that_is_sent_twice_makes_one_device()
    {
        await using var gateway = await TestGateway.StartAsync();
        using var admin = ConsoleBrowser.SignedIn(gateway);
        await admin.OpenAsync("/new-member");
        var form = admin.Page;
        (string, string)[] fields = [("name", "Noor"), ("once", Once(form)), ("system", "ios"), ("localpart", ""), ("device", "")];
        await admin.SubmitAsync("/members", fields);
        var first = admin.Page;
        var key = PrivateKeyOf().Match(first).Groups["it"].Value;
        var code = LoginCodeOf().Match(first).Groups["it"].Value;

        await admin.OpenAsync("/new-member");
        await admin.SubmitAsync("/members", fields);
        var again = (admin.Path, admin.Page);
        var device = gateway.State.Devices.Values.Single();
        await admin.OpenAsync($"/devices/{device.Id}");

        Assert.Equal(44, key.Length);
        Assert.NotEmpty(code);
        Assert.Equal($"/devices/{device.Id}/steps", again.Path);
        Assert.Contains("The code was shown once", again.Page, StringComparison.Ordinal);
        Assert.All([again.Page, admin.Page, .. gateway.Log.GetSnapshot().Select(line => line.Message)], text =>
        {
            Assert.DoesNotContain(key, text, StringComparison.Ordinal);
            Assert.DoesNotContain(code, text, StringComparison.Ordinal);
        });
        using var shown = PrivateKey.TryParse(key)!;
        Assert.Equal(device.PublicKey, shown.PublicKey());
    }

    [Fact]
    public async Task Two_clicks_at_the_same_moment_make_one_device()
    {
        await using var gateway = await TestGateway.StartAsync();
        using var one = ConsoleBrowser.SignedIn(gateway);
        await one.OpenAsync("/new-member");
        using var other = new ConsoleBrowser(gateway) { Cookie = one.Cookie };
        await other.OpenAsync("/new-member");
        (string, string)[] fields = [("name", "Noor"), ("once", Once(one.Page)), ("system", "")];

        await Task.WhenAll(one.SubmitAsync("/members", fields), other.SubmitAsync("/members", fields));

        var device = Assert.Single(gateway.State.Devices.Values);
        Assert.Contains($"/devices/{device.Id}/steps", new[] { one.Path, other.Path });
    }

    [Fact]
    public async Task A_code_that_nobody_used_is_issued_again_with_new_keys_and_the_same_name()
    {
        await using var gateway = await TestGateway.StartAsync();
        using var admin = ConsoleBrowser.SignedIn(gateway);
        await JoinAsync(admin, "Noor");
        var old = gateway.Device("noor/phone");
        using var stream = await LiveEvents.FollowAsync(gateway, admin);

        gateway.Clock.Advance(TimeSpan.FromMinutes(15.2));
        gateway.Service<EnrolmentWatch>().ExpireOnce();
        var over = await stream.NextAsync("enrol-code");
        gateway.Clock.Advance(ConsoleSession.Fresh);
        await admin.OpenAsync("/new-member");
        await admin.SubmitAsync("/enrolments/again", [.. Hidden().Matches(over).Where(field => field.Groups["name"].Value != "token").Select(field => (field.Groups["name"].Value, field.Groups["value"].Value))]);

        var renewed = gateway.Device("noor/phone");
        Assert.Contains("This code is no more", over, StringComparison.Ordinal);
        Assert.Contains("[Interface]", admin.Page, StringComparison.Ordinal);
        Assert.NotEqual(old.PublicKey, renewed.PublicKey);
        Assert.Single(gateway.State.Devices);
    }

    [Fact]
    public async Task Cancel_forgets_the_code_and_harms_no_device_that_has_connected()
    {
        await using var gateway = await TestGateway.StartAsync();
        using var admin = ConsoleBrowser.SignedIn(gateway);
        await JoinAsync(admin, "Noor");
        var pending = gateway.Device("noor/phone").Id;
        await admin.SubmitAsync($"/devices/{pending}/cancel");
        var landed = (admin.Path, gateway.State.Devices.Count);
        var lena = await gateway.EnrolAsync("lena");
        await admin.OpenAsync($"/devices/{lena.Device.Id}/steps");

        await admin.SubmitAsync($"/devices/{lena.Device.Id}/cancel");

        Assert.Equal(("/", 0), landed);
        Assert.Equal(HttpStatusCode.Conflict, admin.Last.StatusCode);
        Assert.Equal(DeviceState.Connected, gateway.Device("lena/phone").State);
    }

    [Theory]
    [InlineData("fr", "", "zoe", "Écrivez le nom de la personne")]
    [InlineData("en", "Zoe", "Zo e", "Use small letters, digits")]
    [InlineData("en", "Admin", "", "This name is reserved")]
    [InlineData("fr", "Иван", "", "Utilisez des minuscules sans accent")]
    [InlineData("en", "Noor", "noor", "A member has this name already")]
    public async Task What_is_wrong_stands_at_its_field_and_nothing_typed_is_lost(string language, string name, string localpart, string fault)
    {
        await using var gateway = await TestGateway.StartAsync();
        await gateway.EnrolAsync("noor");
        using var admin = ConsoleBrowser.SignedIn(gateway, language);
        await admin.OpenAsync("/new-member");

        await admin.SubmitAsync("/members", ("name", name), ("localpart", localpart), ("once", Once(admin.Page)), ("system", "ios"), ("device", "old-phone"));

        Assert.Equal(HttpStatusCode.BadRequest, admin.Last.StatusCode);
        Assert.Contains(fault, admin.Page, StringComparison.Ordinal);
        Assert.Contains("value=\"old-phone\"", admin.Page, StringComparison.Ordinal);
        Assert.Contains("value=\"ios\" checked", admin.Page, StringComparison.Ordinal);
        Assert.Single(gateway.State.Members);
    }

    [Fact]
    public async Task One_more_device_for_a_member_asks_for_a_fresh_proof_and_so_does_a_code_issued_again_for_who_was_in()
    {
        await using var gateway = await TestGateway.StartAsync();
        await gateway.EnrolAsync("noor");
        using var admin = ConsoleBrowser.SignedIn(gateway);
        await admin.OpenAsync("/members/noor/devices/new");
        var form = admin.Page;
        await admin.SubmitAsync("/members/noor/devices", ("once", Once(form)), ("system", "desktop"), ("device", ""));
        gateway.Clock.Advance(ConsoleSession.Fresh);

        await admin.OpenAsync("/members/noor/devices/new");
        var asked = admin.Last.Headers.Location!.ToString();
        await admin.OpenAsync("/new-member");
        await admin.SubmitAsync("/members/noor/devices", ("once", "another"), ("system", ""), ("device", "third"));
        await admin.OpenAsync("/new-member");
        await admin.SubmitAsync("/enrolments/again", ("once", "again"), ("id", gateway.Device("noor/laptop").Id.ToString()), ("member", "noor"), ("device", "laptop"), ("system", "desktop"));

        Assert.Equal("/prove?back=%2Fmembers%2Fnoor%2Fdevices%2Fnew", asked);
        Assert.StartsWith("/prove", admin.Path, StringComparison.Ordinal);
        Assert.Equal(["noor/laptop", "noor/phone"], gateway.State.Devices.Values.Select(device => device.Label).Order());
    }

    [Fact]
    public async Task Where_the_homeserver_is_down_nothing_is_created_and_the_form_may_be_sent_again()
    {
        await using var gateway = await TestGateway.StartAsync();
        gateway.Homeserver.Interfere = async context =>
        {
            await FakeHomeserver.ReplyAsync(context, 500, "{}");
            return true;
        };
        using var admin = ConsoleBrowser.SignedIn(gateway);
        await JoinAsync(admin, "Noor");
        var refused = (admin.Last.StatusCode, gateway.State.Devices.Count);
        gateway.Homeserver.Interfere = _ => Task.FromResult(false);

        await admin.SubmitAsync("/members", ("name", "Noor"), ("once", Once(admin.Page)), ("system", ""));

        Assert.Equal((HttpStatusCode.Conflict, 0), refused);
        Assert.Equal(HttpStatusCode.Created, admin.Last.StatusCode);
    }

    private static async Task JoinAsync(ConsoleBrowser admin, string name)
    {
        await admin.OpenAsync("/new-member");
        await admin.SubmitAsync("/members", ("name", name), ("once", Once(admin.Page)), ("system", ""));
    }

    private static string Once(string page) => Hidden().Matches(page).First(field => field.Groups["name"].Value == "once").Groups["value"].Value;

    private static string Number(string part) => NumberOf().Match(part).Groups["it"].Value;

    [GeneratedRegex("type=\"hidden\" name=\"(?<name>\\w+)\" value=\"(?<value>[^\"]*)\"", RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking)]
    private static partial Regex Hidden();

    [GeneratedRegex("<p class=\"number\">(?<it>[0-9]{2})<", RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking)]
    private static partial Regex NumberOf();

    [GeneratedRegex("PrivateKey ?= ?(?<it>[A-Za-z0-9+/]{43}=)", RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking)]
    private static partial Regex PrivateKeyOf();

    [GeneratedRegex("<p class=\"code\">(?<it>[A-Z0-9-]+)<", RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking)]
    private static partial Regex LoginCodeOf();
}
