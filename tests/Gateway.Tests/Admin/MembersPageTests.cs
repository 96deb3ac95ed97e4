using System.Diagnostics;
using System.Net;
using Gateway.Login;
using Gateway.Onboarding.Devices;
using Gateway.Onboarding.Keys;
using Gateway.Onboarding.Members;
using Gateway.Onboarding.Store;
using Gateway.Tests.Testing;
using Gateway.Tunnel;

namespace Gateway.Tests.Admin;

/// <summary>The start page: everybody at a glance, found by name, and kept as it is without a reload.</summary>
public sealed class MembersPageTests
{
    [Fact]
    public async Task Each_device_says_how_it_is()
    {
        await using var gateway = await TestGateway.StartAsync();
        var phone = await gateway.EnrolAsync("alice", "phone");
        using var signedIn = await gateway.SignInAsync(phone);
        await gateway.EnrolAsync("alice", "laptop");
        await gateway.EnrolAsync("bob", connect: false);
        Connect(gateway, phone.Device.PublicKey);
        using var browser = ConsoleBrowser.SignedIn(gateway);

        await browser.OpenAsync("/");

        Assert.Contains("2 members\n  · 3 devices\n  · 1 connected now", browser.Page, StringComparison.Ordinal);
        Assert.Contains("1 waiting for their scan", browser.Page, StringComparison.Ordinal);
        Assert.Contains("· Element X · connected now", browser.Page, StringComparison.Ordinal);
        Assert.Contains("last seen <time datetime=\"2026-11-22T09:00:00Z\">", browser.Page, StringComparison.Ordinal);
        Assert.Contains("QR shown, waits for its scan until", browser.Page, StringComparison.Ordinal);
        Assert.Contains($"href=\"/devices/{phone.Device.Id}/lost\"", browser.Page, StringComparison.Ordinal);
        Assert.Contains("<section id=\"now\" hidden>", browser.Page, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("elodie", true, false)]
    [InlineData("ÉLODIE", true, false)]
    [InlineData("dupré", true, false)]
    [InlineData("laptop", false, true)]
    [InlineData("bob lap", false, true)]
    [InlineData("element", true, false)]
    [InlineData("nobody", false, false)]
    [InlineData("", true, true)]
    public async Task Search_finds_members_and_devices_whatever_the_accents(string query, bool elodie, bool bob)
    {
        await using var gateway = await TestGateway.StartAsync();
        using var signedIn = await gateway.SignInAsync(await gateway.EnrolAsync("edupre", "phone"));
        await gateway.EnrolAsync("bob", "laptop");
        gateway.Service<StateWriter>().Write(new MemberRenamed(Localpart.Parse("edupre", null), "Élodie Dupré", "test") { At = gateway.Clock.GetUtcNow() });
        using var browser = ConsoleBrowser.SignedIn(gateway);

        await browser.OpenAsync($"/?q={Uri.EscapeDataString(query)}");

        Assert.Equal((elodie, bob), (browser.Page.Contains("id=\"m-edupre\"", StringComparison.Ordinal), browser.Page.Contains("id=\"m-bob\"", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task What_people_and_apps_call_themselves_is_text_and_nothing_else()
    {
        await using var gateway = await TestGateway.StartAsync();
        var phone = await gateway.EnrolAsync("alice");
        gateway.Service<StateWriter>().Write(
            new MemberRenamed(Localpart.Parse("alice", null), "<script>alert(1)</script>\"'", "test") { At = gateway.Clock.GetUtcNow() },
            new GrantSpent(gateway.Device("alice/phone").Grant!.Id, "ABC", "<img src=x onerror=alert(2)>") { At = gateway.Clock.GetUtcNow(), Device = gateway.Device("alice/phone").Id },
            new SessionOpened("ABC", [1]) { At = gateway.Clock.GetUtcNow(), Device = gateway.Device("alice/phone").Id });
        using var http = new HttpClient { BaseAddress = new Uri($"http://localhost:{gateway.ConsolePort}") };
        using var browser = ConsoleBrowser.SignedIn(gateway);
        http.DefaultRequestHeaders.Add("Cookie", browser.Cookie);

        foreach (var path in new[] { "/", "/?q=%3Cscript%3Ealert(1)", "/members/alice", $"/devices/{phone.Device.Id}", $"/devices/{phone.Device.Id}/lost", "/members/alice/leave", "/activity", "/activity?device=%22%3E%3Cscript%3Ealert(1)" })
        {
            var page = await http.GetStringAsync(path);

            Assert.DoesNotContain("<script>", page, StringComparison.OrdinalIgnoreCase);
            Assert.DoesNotContain("<img", page, StringComparison.OrdinalIgnoreCase);
            Assert.Contains("alert(", page, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Only_the_changed_row_is_sent_and_nothing_while_nothing_changes()
    {
        await using var gateway = await TestGateway.StartAsync();
        await gateway.EnrolAsync("alice");
        var bob = await gateway.EnrolAsync("bob");
        using var browser = ConsoleBrowser.SignedIn(gateway);
        using var stream = await LiveEvents.FollowAsync(gateway, await browser.OpenAsync("/"));

        Assert.Empty(await stream.UntilQuietAsync());

        using var signedIn = await gateway.SignInAsync(bob);
        var parts = await stream.UntilQuietAsync();
        Assert.All(parts, part => Assert.Equal("m-bob", part.Id));
        Assert.Contains("Element X", parts[^1].Html, StringComparison.Ordinal);

        Connect(gateway, bob.Device.PublicKey);
        Assert.Equal(["counts", "m-bob"], (await stream.UntilQuietAsync()).Select(part => part.Id).Order());
        Connect(gateway, bob.Device.PublicKey);
        Assert.Empty(await stream.UntilQuietAsync());
    }

    [Fact]
    public async Task A_row_that_is_again_as_it_was_before_the_whole_list_came_is_sent()
    {
        await using var gateway = await TestGateway.StartAsync();
        await gateway.EnrolAsync("bob");
        using var browser = ConsoleBrowser.SignedIn(gateway);
        using var stream = await LiveEvents.FollowAsync(gateway, await browser.OpenAsync("/"));
        var (writer, bob, now) = (gateway.Service<StateWriter>(), Localpart.Parse("bob", null), gateway.Clock.GetUtcNow());

        writer.Write(new MemberRenamed(bob, "Bob", "test") { At = now });
        Assert.Equal(["m-bob"], (await stream.UntilQuietAsync()).Select(part => part.Id));
        writer.Write(new MemberRenamed(bob, "Robert", "test") { At = now }, new Locked("test") { At = now });
        Assert.Contains(await stream.UntilQuietAsync(), part => part.Id == "members" && part.Html!.Contains("Robert", StringComparison.Ordinal));
        writer.Write(new MemberRenamed(bob, "Bob", "test") { At = now });
        Assert.Equal(["m-bob"], (await stream.UntilQuietAsync()).Select(part => part.Id));

        // Something that no list shows: the list is not sent again for it more than once.
        writer.Write(new AdminAccountMade { At = now });
        await stream.UntilQuietAsync();
        writer.Write(new AdminAccountMade { At = now });
        Assert.DoesNotContain(await stream.UntilQuietAsync(), part => part.Id == "members");
    }

    [Fact]
    public async Task A_new_member_comes_into_their_place_and_one_who_leaves_goes()
    {
        await using var gateway = await TestGateway.StartAsync();
        await gateway.EnrolAsync("alice");
        await gateway.EnrolAsync("carol");
        using var browser = ConsoleBrowser.SignedIn(gateway);
        using var stream = await LiveEvents.FollowAsync(gateway, await browser.OpenAsync("/"));

        await gateway.EnrolAsync("bob");
        var bob = (await stream.UntilQuietAsync()).Last(part => part.Id == "m-bob");
        Assert.Equal(("members", "m-carol"), (bob.In, bob.Before));

        gateway.Service<Gateway.Onboarding.Revocation.Revoker>().RevokeMember("bob", cut: false, erase: false, "test");
        Assert.Contains(await stream.UntilQuietAsync(), part => part is { Id: "m-bob", Html: null });
    }

    [Fact]
    public async Task A_sign_in_that_waits_is_shown_and_approved_for_its_number_alone()
    {
        await using var gateway = await TestGateway.StartAsync();
        var device = gateway.Device((await gateway.EnrolAsync("alice")).Device.Id);
        using var browser = ConsoleBrowser.SignedIn(gateway);
        using var stream = await LiveEvents.FollowAsync(gateway, await browser.OpenAsync("/"));
        var signIns = gateway.Service<SignIns>();
        var opened = signIns.Open(device.Id, new ClientApp("element-x-android", "Element X"), new SignInRequest.Sso("io.element.android:/"));
        signIns.Ask(opened.SignIn);
        var number = signIns.Waiting()[0].Number;

        var box = (await stream.UntilQuietAsync()).Single(part => part.Id == "now");
        Assert.Contains($"Approve {number}", box.Html, StringComparison.Ordinal);

        await browser.OpenAsync("/");
        await browser.SubmitAsync("/sign-ins", ("device", device.Id.ToString()), ("number", $"{(number == 99 ? 10 : number + 1)}"), ("do", "approve"));
        Assert.Equal(HttpStatusCode.Conflict, browser.Last.StatusCode);
        Assert.Equal(SignInState.Waiting, signIns.Find(device.Id, opened.SignIn.Id, opened.BrowserSecret)!.State);

        await browser.OpenAsync("/");
        await browser.SubmitAsync("/sign-ins", ("device", device.Id.ToString()), ("number", $"{number}"), ("do", "approve"));
        Assert.Equal(SignInState.Proved, signIns.Find(device.Id, opened.SignIn.Id, opened.BrowserSecret)!.State);
        Assert.Contains(await stream.UntilQuietAsync(), part => part.Id == "now" && part.Html!.Contains("hidden", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_refused_sign_in_lets_nobody_in()
    {
        await using var gateway = await TestGateway.StartAsync();
        var device = gateway.Device((await gateway.EnrolAsync("alice")).Device.Id);
        var signIns = gateway.Service<SignIns>();
        var opened = signIns.Open(device.Id, new ClientApp("element-x-android", "Element X"), new SignInRequest.Sso("io.element.android:/"));
        signIns.Ask(opened.SignIn);
        using var browser = ConsoleBrowser.SignedIn(gateway);

        await browser.OpenAsync("/");
        await browser.SubmitAsync("/sign-ins", ("device", device.Id.ToString()), ("number", $"{signIns.Waiting()[0].Number}"), ("do", "refuse"));

        Assert.Equal(SignInEnd.Refused, signIns.Find(device.Id, opened.SignIn.Id, opened.BrowserSecret)!.End);
    }

    [Fact]
    public async Task Where_no_grant_is_armed_the_admin_is_told_what_to_do()
    {
        await using var gateway = await TestGateway.StartAsync();
        var device = gateway.Device((await gateway.EnrolAsync("alice")).Device.Id);
        gateway.Service<StateWriter>().Write(new GrantExpired(device.Grant!.Id) { At = gateway.Clock.GetUtcNow(), Device = device.Id });
        var signIns = gateway.Service<SignIns>();
        signIns.Ask(signIns.Open(device.Id, new ClientApp("element-x-android", "Element X"), new SignInRequest.Sso("io.element.android:/")).SignIn);
        using var browser = ConsoleBrowser.SignedIn(gateway);
        await browser.OpenAsync("/");

        await browser.SubmitAsync("/sign-ins", ("device", device.Id.ToString()), ("number", $"{signIns.Waiting()[0].Number}"), ("do", "approve"), ("back", "//elsewhere.example"));

        Assert.Equal(HttpStatusCode.Conflict, browser.Last.StatusCode);
        Assert.Contains("Make a new login code", browser.Page, StringComparison.Ordinal);
        Assert.DoesNotContain("elsewhere", browser.Page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Five_hundred_members_are_there_at_once()
    {
        await using var gateway = await TestGateway.StartAsync();
        Fill(gateway, 500);
        using var browser = ConsoleBrowser.SignedIn(gateway);
        await browser.OpenAsync("/");
        var times = new List<double>();
        for (var i = 0; i < 10; i++)
        {
            var started = Stopwatch.GetTimestamp();
            await browser.OpenAsync("/");
            times.Add(Stopwatch.GetElapsedTime(started).TotalMilliseconds);
        }

        Assert.Contains("id=\"m-member499\"", browser.Page, StringComparison.Ordinal);
        TestContext.Current.SendDiagnosticMessage($"500 members: median {times.Order().ElementAt(5):0} ms, best {times.Min():0} ms, {browser.Page.Length / 1024} kB");
        Assert.True(times.Min() < 300, $"{times.Min():0} ms");
    }

    private static void Fill(TestGateway gateway, int count)
    {
        var now = gateway.Clock.GetUtcNow();
        var entropy = new Entropy();
        gateway.Service<StateWriter>().Write([.. Enumerable.Range(0, count).SelectMany(Member)]);

        IEnumerable<Intent> Member(int i)
        {
            var localpart = Localpart.Parse($"member{i}", null);
            var device = Audit.Bench.SomeDevice() with { Id = DeviceId.Generate(entropy), Member = localpart, TunnelAddress = IPAddress.Parse($"10.99.{i / 250}.{(i % 250) + 1}") };
            return
            [
                new MemberAdded(localpart, $"Member number {i}", Adopted: false) { At = now },
                new AccountMade(localpart) { At = now },
                new DeviceEnrolled(device, "test") { At = now },
                new HandshakeSeen { At = now, Device = device.Id },
            ];
        }
    }

    private static void Connect(TestGateway gateway, string publicKey)
    {
        var peer = gateway.Interface.Peers.First(one => one.PublicKey.ToString() == publicKey);
        gateway.Interface.PutByHand(peer with { LastHandshake = gateway.Clock.GetUtcNow() });
        gateway.Service<HandshakeWatch>().Observe(gateway.Interface.Peers);
    }
}
