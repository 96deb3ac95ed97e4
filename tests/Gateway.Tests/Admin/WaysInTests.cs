using System.Net;
using System.Text.RegularExpressions;
using Gateway.Admin.Access;
using Gateway.Onboarding.Consoles;
using Gateway.Onboarding.Store;
using Gateway.Tests.Testing;

namespace Gateway.Tests.Admin;

/// <summary>Getting into the console, as far as it needs no authenticator: those are in the end-to-end stories.</summary>
public sealed partial class WaysInTests
{
    [Fact]
    public async Task A_link_of_the_command_line_signs_one_browser_in_once()
    {
        await using var gateway = await TestGateway.StartAsync();
        var (link, _) = await gateway.Admin.ConsoleLinkAsync(default);
        var path = new Uri(link.Local!).PathAndQuery;
        using var browser = new ConsoleBrowser(gateway);
        using var other = new ConsoleBrowser(gateway);

        await browser.OpenAsync("/");
        var before = browser.Last.Headers.Location!.ToString();
        await other.OpenAsync(path);
        await browser.OpenAsync(path);
        await browser.FollowLinkAsync(path);
        var landed = browser.Path;
        await other.FollowLinkAsync(path);

        Assert.Equal("/sign-in?back=%2F", before);
        Assert.Equal("/access/passkeys", landed);
        Assert.Equal(HttpStatusCode.OK, (await browser.OpenAsync("/")).Last.StatusCode);
        Assert.Equal(HttpStatusCode.Forbidden, other.Last.StatusCode);
        Assert.Contains("This link was used already", other.Page, StringComparison.Ordinal);
        Assert.Null(other.Cookie);
        Assert.Equal(["console link made", "signed in to the console", "console sign-in refused"], gateway.Audited().Select(entry => entry.Action));
    }

    [Fact]
    public async Task A_link_ends_after_ten_minutes_and_with_the_next_one()
    {
        await using var gateway = await TestGateway.StartAsync();
        using var browser = new ConsoleBrowser(gateway);
        var (first, _) = await gateway.Admin.ConsoleLinkAsync(default);
        var (second, _) = await gateway.Admin.ConsoleLinkAsync(default);

        await browser.FollowLinkAsync(new Uri(first.Local!).PathAndQuery);
        var replaced = browser.Last.StatusCode;
        gateway.Clock.Advance(TimeSpan.FromMinutes(10));
        await browser.FollowLinkAsync(new Uri(second.Local!).PathAndQuery);

        Assert.Equal((HttpStatusCode.Forbidden, HttpStatusCode.Forbidden), (replaced, browser.Last.StatusCode));
    }

    [Fact]
    public async Task A_proof_is_fresh_for_five_minutes_and_a_code_renews_it()
    {
        await using var gateway = await TestGateway.StartAsync();
        using var browser = ConsoleBrowser.SignedIn(gateway);
        await browser.OpenAsync("/access/code");
        var secret = SetUp(browser.Page);
        await browser.SubmitAsync("/access/code", ("code", Code(gateway, secret)));
        var set = gateway.State.Console.Code;
        gateway.Clock.Advance(ConsoleSession.Fresh);

        var led = (await browser.OpenAsync("/access/passkeys")).Last.Headers.Location!.ToString();
        await browser.OpenAsync(led);
        await browser.SubmitAsync("/code", ("code", Code(gateway, secret)), ("back", "/access/passkeys"));

        Assert.NotNull(set);
        Assert.Equal("/prove?back=%2Faccess%2Fpasskeys", led);
        Assert.Equal("/access/passkeys", browser.Path);
        Assert.Equal(HttpStatusCode.OK, browser.Last.StatusCode);
        Assert.Contains(gateway.Audited(), entry => entry.Action == "proved again in the console");
    }

    [Fact]
    public async Task A_code_signs_in_once_and_wrong_ones_shut_nobody_out_for_ever()
    {
        await using var gateway = await TestGateway.StartAsync();
        using var admin = ConsoleBrowser.SignedIn(gateway);
        await admin.OpenAsync("/access/code");
        var secret = SetUp(admin.Page);
        await admin.SubmitAsync("/access/code", ("code", Code(gateway, secret)));
        gateway.Clock.Advance(TimeSpan.FromMinutes(1));
        using var browser = await new ConsoleBrowser(gateway).OpenAsync("/sign-in");
        var code = Code(gateway, secret);

        await browser.SubmitAsync("/code", ("code", code));
        var landed = browser.Path;
        using var replay = await new ConsoleBrowser(gateway).OpenAsync("/sign-in");
        await replay.SubmitAsync("/code", ("code", code));
        var replayed = replay.Last.StatusCode;
        for (var wrong = 0; wrong < 4; wrong++)
        {
            await replay.SubmitAsync("/code", ("code", "000000"));
        }

        await replay.SubmitAsync("/code", ("code", Code(gateway, secret)));
        var throttled = replay.Page;
        gateway.Clock.Advance(TimeSpan.FromMinutes(5));
        await replay.SubmitAsync("/code", ("code", Code(gateway, secret)));

        Assert.Equal("/", landed);
        Assert.Equal(HttpStatusCode.Forbidden, replayed);
        Assert.Contains("Too many wrong codes", throttled, StringComparison.Ordinal);
        Assert.Equal("/", replay.Path);
        Assert.Single(gateway.Audited(), entry => entry.Action == "console sign-in refused");
    }

    [Fact]
    public async Task What_was_set_up_is_there_after_a_restart_and_a_snapshot_and_nobody_is_signed_in()
    {
        await using var gateway = await TestGateway.StartAsync();
        using var browser = ConsoleBrowser.SignedIn(gateway);
        await browser.OpenAsync("/access/code");
        var secret = SetUp(browser.Page);
        await browser.SubmitAsync("/access/code", ("code", Code(gateway, secret)));

        await gateway.RestartAsync();
        gateway.Service<StoreFile>().Secret("makes-a-snapshot", () => [1]);
        await gateway.RestartAsync();
        using var again = new ConsoleBrowser(gateway) { Cookie = browser.Cookie };
        await again.OpenAsync("/");

        Assert.Equal(secret, gateway.State.Console.Code!.Bytes.AsSpan());
        Assert.Equal(HttpStatusCode.SeeOther, again.Last.StatusCode);
    }

    [Fact]
    public async Task A_passkey_survives_a_restart_and_a_snapshot_with_what_was_last_said_of_it()
    {
        await using var gateway = await TestGateway.StartAsync();
        var writer = gateway.Service<StateWriter>();
        var added = new Passkey
        {
            CredentialId = [1, 2, 3],
            PublicKey = [4, 5],
            Name = "laptop",
            Site = "localhost",
            Transports = ["internal"],
            SignCount = 1,
            IsBackupEligible = true,
            IsBackedUp = false,
            AddedAt = gateway.Clock.GetUtcNow(),
        };
        writer.Write(new PasskeyAdded(added) { At = gateway.Clock.GetUtcNow() }, new PasskeyUsed([1, 2, 3], 7, IsBackedUp: true) { At = gateway.Clock.GetUtcNow() });

        await gateway.RestartAsync();
        gateway.Service<StoreFile>().Secret("makes-a-snapshot", () => [1]);
        await gateway.RestartAsync();
        var found = gateway.State.Console.Find([1, 2, 3])!;

        Assert.Equal(("laptop", "localhost", 7u, true, gateway.Clock.GetUtcNow()), (found.Name, found.Site, found.SignCount, found.IsBackedUp, found.UsedAt));
        Assert.Equal(added.PublicKey, found.PublicKey);
        Assert.Equal(added.Transports, found.Transports);
    }

    [Fact]
    public async Task Signing_out_ends_the_session_and_others_can_be_ended_from_afar()
    {
        await using var gateway = await TestGateway.StartAsync();
        using var here = ConsoleBrowser.SignedIn(gateway);
        using var there = ConsoleBrowser.SignedIn(gateway);

        await (await here.OpenAsync("/access")).SubmitAsync("/access/others/end");
        var ended = (await there.OpenAsync("/")).Last.StatusCode;
        var cookie = here.Cookie;
        await here.SubmitAsync("/sign-out");
        using var stolen = new ConsoleBrowser(gateway) { Cookie = cookie };

        Assert.Equal(HttpStatusCode.SeeOther, ended);
        Assert.Equal("/sign-in", here.Path);
        Assert.Equal(HttpStatusCode.SeeOther, (await stolen.OpenAsync("/")).Last.StatusCode);
    }

    /// <summary>The secret as the page spells it out for whoever cannot scan.</summary>
    private static byte[] SetUp(string page)
    {
        var letters = Letters().Match(page).Groups["it"].Value.Replace(" ", "", StringComparison.Ordinal);
        var bits = string.Concat(letters.Select(letter => Convert.ToString("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".IndexOf(letter, StringComparison.Ordinal), 2).PadLeft(5, '0')));
        return [.. Enumerable.Range(0, Totp.SecretLength).Select(index => Convert.ToByte(bits.Substring(index * 8, 8), 2))];
    }

    private static string Code(TestGateway gateway, byte[] secret) => Totp.Code(secret, gateway.Clock.GetUtcNow().ToUnixTimeSeconds() / 30);

    [GeneratedRegex("<code>(?<it>[A-Z2-7 ]{30,})</code>", RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking)]
    private static partial Regex Letters();
}
