using Gateway.Onboarding.Store;
using Gateway.Tests.Testing;

namespace Gateway.Tests.Admin;

/// <summary>The health, the lock and the history in the console.</summary>
public sealed class HealthPageTests
{
    [Fact]
    public async Task What_is_wrong_is_said_in_a_sentence_and_in_detail()
    {
        await using var gateway = await TestGateway.StartAsync();
        await gateway.EnrolAsync("alice");
        using var browser = ConsoleBrowser.SignedIn(gateway, "fr");
        await browser.OpenAsync("/health");
        Assert.Contains("<h1>Tout va bien</h1>", browser.Page, StringComparison.Ordinal);

        gateway.Interface.Before = (_, _) => throw new Gateway.Tunnel.TunnelException("wg is missing");
        gateway.Service<Gateway.Onboarding.Revocation.Revoker>().RevokeDevice("alice/phone", cut: true, "test");
        await Eventually.Is(async () => (await browser.OpenAsync("/health")).Page.Contains("Quelque chose est à regarder", StringComparison.Ordinal), TimeSpan.FromSeconds(10));

        Assert.Contains("L’interface WireGuard n’est pas comme elle doit être.", browser.Page, StringComparison.Ordinal);
        Assert.Contains("wg is missing", browser.Page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_homeserver_that_falls_silent_is_told_of_by_itself()
    {
        await using var gateway = await TestGateway.StartAsync();
        using var browser = ConsoleBrowser.SignedIn(gateway);
        using var stream = await LiveEvents.FollowAsync(gateway, await browser.OpenAsync("/health"));
        await stream.UntilQuietAsync();
        gateway.Homeserver.Interfere = FakeHomeserver.Down;

        for (var i = 0; i < 20; i++)
        {
            gateway.Clock.Advance(TimeSpan.FromSeconds(20));
            if ((await stream.UntilQuietAsync()).Any(part => part.Html!.Contains("It does not answer as it should.", StringComparison.Ordinal)))
            {
                return;
            }
        }

        Assert.Fail("nothing was said");
    }

    [Fact]
    public async Task Everybody_is_locked_out_and_let_in_again()
    {
        await using var gateway = await TestGateway.StartAsync();
        await gateway.EnrolAsync("alice");
        using var browser = ConsoleBrowser.SignedIn(gateway);
        await browser.OpenAsync("/lock");
        Assert.Contains("Lock everybody out?", browser.Page, StringComparison.Ordinal);
        await browser.SubmitAsync("/lock");

        Assert.NotNull(gateway.State.LockedSince);
        Assert.Contains("Everybody is locked out", browser.Page, StringComparison.Ordinal);
        await browser.OpenAsync("/");
        Assert.Contains("Everybody is locked out since", browser.Page, StringComparison.Ordinal);
        await browser.SubmitAsync("/unlock");
        Assert.Null(gateway.State.LockedSince);
    }

    [Fact]
    public async Task After_a_restore_devices_are_let_in_one_by_one_or_all()
    {
        await using var gateway = await TestGateway.StartAsync();
        foreach (var name in new[] { "alice", "bob", "carol" })
        {
            await gateway.EnrolAsync(name);
        }

        gateway.Service<StateWriter>().Write(new StoreRestored { At = gateway.Clock.GetUtcNow() });
        using var browser = ConsoleBrowser.SignedIn(gateway);
        await browser.OpenAsync("/");
        Assert.Contains("3 devices stay shut", browser.Page, StringComparison.Ordinal);
        await browser.OpenAsync("/lock");

        await browser.SubmitAsync("/unlock");
        Assert.Equal(System.Net.HttpStatusCode.Conflict, browser.Last.StatusCode);
        Assert.NotNull(gateway.State.LockedSince);
        await browser.OpenAsync("/lock");
        await browser.SubmitAsync("/unlock", ("device", gateway.Device("bob/phone").Id.ToString()));
        Assert.Equal((false, true), (gateway.Device("bob/phone").AwaitsConfirmation, gateway.Device("alice/phone").AwaitsConfirmation));
        await browser.SubmitAsync("/unlock", ("all", "yes"));
        Assert.DoesNotContain(gateway.State.Devices.Values, device => device.AwaitsConfirmation);
    }

    [Fact]
    public async Task The_history_is_read_page_by_page_newest_first_and_by_device()
    {
        await using var gateway = await TestGateway.StartAsync();
        for (var i = 0; i < 20; i++)
        {
            await gateway.EnrolAsync($"member{i}");
        }

        using var browser = ConsoleBrowser.SignedIn(gateway);
        await browser.OpenAsync("/activity");
        Assert.InRange(browser.Page.IndexOf("member19/phone", StringComparison.Ordinal), 1, int.MaxValue);
        Assert.DoesNotContain("member0/phone", browser.Page, StringComparison.Ordinal);
        var older = System.Text.RegularExpressions.Regex.Match(browser.Page, "/activity\\?before=\\d+", default, TimeSpan.FromSeconds(1)).Value;
        await browser.OpenAsync(older);
        Assert.Contains("member0/phone", browser.Page, StringComparison.Ordinal);
        Assert.DoesNotContain("member19/phone", browser.Page, StringComparison.Ordinal);

        await browser.OpenAsync("/activity?device=member7/phone");
        Assert.Equal(2, browser.Page.Split(">member7/phone<").Length - 1);
        Assert.DoesNotContain("member8", browser.Page, StringComparison.Ordinal);
        await browser.OpenAsync("/activity?check=yes");
        Assert.Contains("The log is whole: 80 entries", browser.Page, StringComparison.Ordinal);
    }
}
