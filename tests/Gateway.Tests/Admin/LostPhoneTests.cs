using System.Diagnostics;
using System.Net;
using Gateway.Onboarding.Devices;
using Gateway.Onboarding.Members;
using Gateway.Onboarding.Store;
using Gateway.Tests.Testing;

namespace Gateway.Tests.Admin;

/// <summary>A lost phone in the console: two taps, whatever is broken at that moment, and what is left to do after it.</summary>
public sealed class LostPhoneTests
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(10);

    [Theory]
    [InlineData("en", "Cut off alice’s phone?", "alice’s phone is cut off", "Element sessions ended at the server", "Will be delivered when the phone next opens Element. After that, or in 7 days")]
    [InlineData("fr", "alice, phone\u00a0: couper cet appareil\u202f?", "alice, phone\u00a0: appareil coupé", "Sessions Element terminées sur le serveur", "Sera remis quand le téléphone ouvrira Element. Après cela, ou dans 7 jours")]
    public async Task Two_taps_from_the_start_cut_it_off_and_the_steps_go_on_by_themselves(string language, string question, string title, string step, string wait)
    {
        await using var gateway = await TestGateway.StartAsync();
        var phone = await gateway.EnrolAsync("alice");
        using var member = await gateway.SignInAsync(phone);
        using var browser = ConsoleBrowser.SignedIn(gateway, language);

        await browser.OpenAsync("/");
        Assert.Contains($"href=\"/devices/{phone.Device.Id}/lost\"", browser.Page, StringComparison.Ordinal);
        await browser.OpenAsync($"/devices/{phone.Device.Id}/lost");
        Assert.Contains(question, browser.Page, StringComparison.Ordinal);
        Assert.True(gateway.Device("alice/phone").IsLive);
        await browser.SubmitAsync($"/devices/{phone.Device.Id}/revoke");
        Assert.False(gateway.Device(phone.Device.Id).IsLive);
        Assert.Contains(title, browser.Page, StringComparison.Ordinal);
        using var stream = await LiveEvents.FollowAsync(gateway, browser);

        // What happened before the stream was there is on the page, or comes with its first word.
        await Eventually.Is(() => gateway.Device(phone.Device.Id).Revocation![StepName.MatrixSessions].State == StepState.Done, Soon);
        await browser.OpenAsync($"/devices/{phone.Device.Id}");
        Assert.Matches($"<li class=\"done\">\\s*<span[^>]*>✓</span>\\s*<div>\\s*<b>{step}</b>", browser.Page);
        Assert.Contains(wait, browser.Page, StringComparison.Ordinal);
        Assert.Contains("href=\"/members/alice/devices/new\"", browser.Page, StringComparison.Ordinal);
        await stream.UntilQuietAsync();

        // The phone comes back and is told: the page says so.
        using var told = await member.GetAsync("/_matrix/client/v3/sync");
        Assert.Equal(HttpStatusCode.Unauthorized, told.StatusCode);
        Assert.Contains(await stream.UntilQuietAsync(), part => part.Id == "device");
    }

    [Fact]
    public async Task The_answer_comes_at_once_with_homeserver_and_interface_broken()
    {
        await using var gateway = await TestGateway.StartAsync();
        var phone = await gateway.EnrolAsync("alice");
        using var member = await gateway.SignInAsync(phone);
        using var browser = ConsoleBrowser.SignedIn(gateway);
        await browser.OpenAsync($"/devices/{phone.Device.Id}/lost");
        var mended = new TaskCompletionSource();
        gateway.Homeserver.Interfere = async _ =>
        {
            await mended.Task;
            return false;
        };
        gateway.Interface.Before = (_, _) => throw new Gateway.Tunnel.TunnelException("wg is missing");

        var started = Stopwatch.GetTimestamp();
        await browser.SubmitAsync($"/devices/{phone.Device.Id}/revoke", ("cut", "yes"));
        var took = Stopwatch.GetElapsedTime(started);

        Assert.InRange(took, TimeSpan.Zero, TimeSpan.FromSeconds(1));
        Assert.Contains("alice’s phone is cut off", browser.Page, StringComparison.Ordinal);
        Assert.Contains("<b>Blocked at the gateway</b>", browser.Page, StringComparison.Ordinal);
        Assert.Contains("The chat server is being told.", browser.Page, StringComparison.Ordinal);
        mended.SetResult();
    }

    [Fact]
    public async Task Two_at_the_same_moment_are_both_cut_off()
    {
        await using var gateway = await TestGateway.StartAsync();
        string[] ids = [(await gateway.EnrolAsync("alice")).Device.Id, (await gateway.EnrolAsync("bob")).Device.Id];
        var browsers = ids.SelectMany(id => new[] { id, id }).Select(id => (Id: id, Browser: ConsoleBrowser.SignedIn(gateway))).ToList();
        foreach (var (id, browser) in browsers)
        {
            await browser.OpenAsync($"/devices/{id}/lost");
        }

        await Task.WhenAll(browsers.Select(one => one.Browser.SubmitAsync($"/devices/{one.Id}/revoke")));

        Assert.All(browsers, one => Assert.Contains("is cut off", one.Browser.Page, StringComparison.Ordinal));
        Assert.All(ids, id => Assert.False(gateway.Device(id).IsLive));
        browsers.ForEach(one => one.Browser.Dispose());
    }

    [Fact]
    public async Task The_tunnel_goes_at_once_where_the_admin_wants_it()
    {
        await using var gateway = await TestGateway.StartAsync();
        var phone = await gateway.EnrolAsync("alice");
        using var member = await gateway.SignInAsync(phone);
        using var browser = ConsoleBrowser.SignedIn(gateway);
        await browser.OpenAsync("/");
        await browser.SubmitAsync($"/devices/{phone.Device.Id}/revoke");
        Assert.Equal(Standing.Quarantined, gateway.Device(phone.Device.Id).Standing);

        await browser.OpenAsync($"/devices/{phone.Device.Id}/cut");
        Assert.Contains("never told to erase", browser.Page, StringComparison.Ordinal);
        await browser.SubmitAsync($"/devices/{phone.Device.Id}/revoke", ("cut", "yes"));

        Assert.Equal(Standing.Refused, gateway.Device(phone.Device.Id).Standing);
        Assert.Contains("Left out: the tunnel was removed at once.", browser.Page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_is_to_do_after_it_stands_at_the_top_until_it_is_done()
    {
        await using var gateway = await TestGateway.StartAsync();
        var phone = await gateway.EnrolAsync("alice");
        using var member = await gateway.SignInAsync(phone);
        using var browser = ConsoleBrowser.SignedIn(gateway);
        await browser.OpenAsync("/");
        await browser.SubmitAsync($"/devices/{phone.Device.Id}/revoke");

        foreach (var path in new[] { "/", "/members/alice", $"/devices/{phone.Device.Id}" })
        {
            await browser.OpenAsync(path);
            Assert.Contains("alice: new identity and recovery key", browser.Page, StringComparison.Ordinal);
        }

        await gateway.RestartAsync();
        browser.Cookie = ConsoleBrowser.SignedIn(gateway).Cookie;
        Assert.NotNull(gateway.State.Members[Alice].ResetDueSince);
        using var after = ConsoleBrowser.SignedIn(gateway);
        await after.OpenAsync("/");
        await after.SubmitAsync("/members/alice/reset-done");

        Assert.Null(gateway.State.Members[Alice].ResetDueSince);
        Assert.DoesNotContain("recovery key", after.Page, StringComparison.Ordinal);
        await after.OpenAsync("/activity");
        Assert.Contains("identity reset settled", after.Page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_phone_that_never_signed_in_leaves_nothing_to_do()
    {
        await using var gateway = await TestGateway.StartAsync();
        var phone = await gateway.EnrolAsync("alice");
        using var browser = ConsoleBrowser.SignedIn(gateway);
        await browser.OpenAsync($"/devices/{phone.Device.Id}/lost");
        Assert.Contains("never signed in with it", browser.Page, StringComparison.Ordinal);

        await browser.SubmitAsync($"/devices/{phone.Device.Id}/revoke");

        Assert.Null(gateway.State.Members[Alice].ResetDueSince);
        Assert.Contains("There is nothing to erase on it.", browser.Page, StringComparison.Ordinal);
    }

    [Fact]
    public void The_use_of_the_right_to_reset_settles_it_and_its_return_does_not()
    {
        var at = Audit.Bench.Start;
        var device = Audit.Bench.SomeDevice();
        var grant = new LoginGrant
        {
            Id = "g",
            State = GrantState.Armed,
            CodeHash = [],
            ArmedAt = at,
            ArmedBy = "test",
            Lifetime = Soon,
            ExpiresAt = null,
            GivenBack = false,
            ArmsReset = false,
        };
        Intent[] history =
        [
            new MemberAdded(Alice, null, Adopted: false) { At = at },
            new AccountMade(Alice) { At = at },
            new DeviceEnrolled(device with { Grant = grant }, "test") { At = at },
            new GrantSpent("g", "ABC", null) { At = at, Device = device.Id },
            new SessionOpened("ABC", [1]) { At = at, Device = device.Id },
            new DeviceRevoked(Revocation(at, cut: false)) { At = at.AddMinutes(1), Device = device.Id },
        ];
        var lost = history.Aggregate(State.Empty, Transition.Apply);
        Assert.Equal(at.AddMinutes(1), lost.Members[Alice].ResetDueSince);

        var used = Transition.Apply(lost, new ResetUsed("ABC") { At = at, Device = device.Id });
        Assert.Null(used.Members[Alice].ResetDueSince);
        Assert.NotNull(Transition.Apply(used, new ResetReturned("ABC", at) { At = at, Device = device.Id }).Members[Alice].ResetDueSince);

        // The tunnel is cut later: nothing more was lost.
        Assert.Null(Transition.Apply(used, new DeviceRevoked(Revocation(at, cut: true)) { At = at, Device = device.Id }).Members[Alice].ResetDueSince);
    }

    private static Localpart Alice => Localpart.Parse("alice", null);

    private static DeviceRevocation Revocation(DateTimeOffset at, bool cut) => new() { RequestedAt = at, RequestedBy = "test", Cut = cut, Steps = [] };
}
