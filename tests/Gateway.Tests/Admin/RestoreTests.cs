using System.Net;
using Gateway.Commands;
using Gateway.Onboarding.Store;
using Gateway.Tests.Testing;

namespace Gateway.Tests.Admin;

/// <summary>A store that was put back from a copy: nobody gets in before the admin has vouched for them, and nothing is erased.</summary>
public sealed class RestoreTests
{
    [Fact]
    public async Task After_a_restore_everybody_is_shut_out_and_nobody_is_told_to_erase()
    {
        await using var gateway = await TestGateway.StartAsync();
        using var alice = await gateway.SignInAsync(await gateway.EnrolAsync("alice"));
        Restore(gateway);

        using var answer = await alice.GetAsync("/_matrix/client/v3/account/whoami");

        Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode);
        Assert.DoesNotContain("M_UNKNOWN_TOKEN", await answer.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        var status = (await gateway.Admin.StatusAsync(default)).View;
        Assert.Equal((true, 1, false), (status.Lock.Locked, status.Lock.Unconfirmed, status.Healthy));
    }

    [Fact]
    public async Task To_unlock_says_what_is_to_be_done_first()
    {
        await using var gateway = await TestGateway.StartAsync();
        await gateway.EnrolAsync("alice");
        Restore(gateway);

        var refusal = await Assert.ThrowsAsync<CommandException>(() => gateway.Admin.UnlockAsync(null, all: false, default));

        Assert.Contains("put back from a copy", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("gateway unlock alice/phone", refusal.Hint, StringComparison.Ordinal);
        Assert.NotNull(gateway.State.LockedSince);
    }

    [Fact]
    public async Task One_device_that_is_vouched_for_gets_in_and_the_others_do_not()
    {
        await using var gateway = await TestGateway.StartAsync();
        using var alice = await gateway.SignInAsync(await gateway.EnrolAsync("alice"));
        using var bob = await gateway.SignInAsync(await gateway.EnrolAsync("bob"));
        Restore(gateway);

        var view = (await gateway.Admin.UnlockAsync("alice/phone", all: false, default)).View;

        Assert.Equal((false, 1), (view.Locked, view.Unconfirmed));
        using var let = await alice.GetAsync("/_matrix/client/v3/account/whoami");
        using var shut = await bob.GetAsync("/_matrix/client/v3/account/whoami");
        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.ServiceUnavailable), (let.StatusCode, shut.StatusCode));
        await gateway.Admin.UnlockAsync(null, all: true, default);
        using var then = await bob.GetAsync("/_matrix/client/v3/account/whoami");
        Assert.Equal(HttpStatusCode.OK, then.StatusCode);
    }

    [Fact]
    public async Task Who_joins_after_the_restore_needs_nobody_to_vouch()
    {
        await using var gateway = await TestGateway.StartAsync();
        await gateway.EnrolAsync("alice");
        Restore(gateway);
        using var carol = await gateway.SignInAsync(await EnrolUnlockedAsync(gateway));

        using var answer = await carol.GetAsync("/_matrix/client/v3/account/whoami");

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
    }

    private static async Task<Gateway.Admin.EnrolmentView> EnrolUnlockedAsync(TestGateway gateway)
    {
        await gateway.Admin.UnlockAsync("alice/phone", all: false, default);
        return await gateway.EnrolAsync("carol");
    }

    /// <summary>What the store writes down itself when it finds itself to be a copy.</summary>
    private static void Restore(TestGateway gateway) =>
        gateway.Service<StateWriter>().Write(new StoreRestored { At = gateway.Clock.GetUtcNow() });
}
