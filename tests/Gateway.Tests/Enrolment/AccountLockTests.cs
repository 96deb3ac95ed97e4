using Gateway.Admin;
using Gateway.Commands;
using Gateway.Onboarding.Enrolment;
using Gateway.Onboarding.Keys;
using Gateway.Tests.Testing;
using Microsoft.AspNetCore.Http;

namespace Gateway.Tests.Enrolment;

/// <summary>An account that was made for an enrolment which nobody used is locked until the next one.</summary>
public sealed class AccountLockTests
{
    [Fact]
    public async Task An_account_that_nobody_used_is_locked_and_the_next_enrolment_unlocks_it()
    {
        await using var gateway = await WithAdminAsync();
        await ExpireAsync(gateway, "alice");

        await gateway.Service<AccountLocks>().WorkOnceAsync(default);
        Assert.Equal(["alice"], gateway.Homeserver.Locked.Keys);
        var anew = await gateway.EnrolAsync("alice");

        Assert.Empty(gateway.Homeserver.Locked);
        using var alice = await gateway.SignInAsync(anew);
    }

    [Fact]
    public async Task A_lock_is_tried_again_until_the_homeserver_has_confirmed_it()
    {
        await using var gateway = await WithAdminAsync();
        await ExpireAsync(gateway, "alice", then: Down);

        await gateway.Service<AccountLocks>().WorkOnceAsync(default);
        await gateway.RestartAsync();
        Assert.False(gateway.State.Members.Values.Single().Lock!.Confirmed);
        gateway.Homeserver.Interfere = _ => Task.FromResult(false);
        await gateway.Service<AccountLocks>().WorkOnceAsync(default);

        Assert.True(gateway.Homeserver.Locked.ContainsKey("alice"));
        Assert.True(gateway.State.Members.Values.Single().Lock!.Confirmed);
    }

    [Fact]
    public async Task No_QR_is_shown_for_an_account_that_cannot_be_unlocked()
    {
        await using var gateway = await WithAdminAsync();
        await ExpireAsync(gateway, "alice");
        await gateway.Service<AccountLocks>().WorkOnceAsync(default);
        gateway.Homeserver.Interfere = Down;

        var refusal = await Assert.ThrowsAsync<CommandException>(() => gateway.EnrolAsync("alice"));

        Assert.Contains("locked and could not be unlocked", refusal.Message, StringComparison.Ordinal);
        Assert.Empty(gateway.State.Devices);
        Assert.Empty(gateway.Interface.Peers);
    }

    [Fact]
    public async Task An_account_whose_enrolment_came_to_nothing_is_locked_again()
    {
        await using var gateway = await WithAdminAsync();
        await ExpireAsync(gateway, "alice");
        await gateway.Service<AccountLocks>().WorkOnceAsync(default);
        gateway.Homeserver.Interfere = Down;
        await Assert.ThrowsAsync<CommandException>(() => gateway.EnrolAsync("alice"));
        gateway.Homeserver.Interfere = _ => Task.FromResult(false);
        await gateway.Service<AccountLocks>().WorkOnceAsync(default);
        Assert.Empty(gateway.Homeserver.Locked);

        gateway.Clock.Advance(TimeSpan.FromMinutes(6));
        await gateway.Service<AccountLocks>().WorkOnceAsync(default);

        Assert.Equal(["alice"], gateway.Homeserver.Locked.Keys);
    }

    [Fact]
    public async Task An_unlock_that_was_cut_short_is_carried_out_later()
    {
        await using var gateway = await WithAdminAsync();
        await ExpireAsync(gateway, "alice");
        await gateway.Service<AccountLocks>().WorkOnceAsync(default);
        gateway.Homeserver.Interfere = Down;
        await Assert.ThrowsAsync<CommandException>(() => gateway.EnrolAsync("alice"));

        gateway.Homeserver.Interfere = _ => Task.FromResult(false);
        await gateway.Service<AccountLocks>().WorkOnceAsync(default);

        Assert.Empty(gateway.Homeserver.Locked);
    }

    [Fact]
    public async Task Who_ever_signed_in_or_has_another_device_is_not_locked_out()
    {
        await using var gateway = await WithAdminAsync();
        using var alice = await gateway.SignInAsync(await gateway.EnrolAsync("alice"));
        await gateway.Admin.RevokeAsync(new RevocationRequest("alice/phone", null, Cut: true, Erase: false), default);
        await gateway.EnrolAsync("bob");
        await gateway.EnrolAsync("bob", "laptop", connect: false);
        await gateway.EnrolAsync("carla", connect: false);
        gateway.Homeserver.Accounts["old"] = new();
        await gateway.Admin.EnrolAsync(new EnrolmentRequest("old", null, null, null, Adopt: true), default);

        await ExpireAsync(gateway, "alice");
        await gateway.Service<AccountLocks>().WorkOnceAsync(default);

        Assert.Equal(["carla"], gateway.Homeserver.Locked.Keys);
    }

    [Fact]
    public async Task Without_an_admin_account_the_wish_stands_in_the_status_and_enrolment_goes_on()
    {
        await using var gateway = await TestGateway.StartAsync();
        await gateway.Service<AdminAccount>().KeepOnceAsync(default);
        await ExpireAsync(gateway, "alice");
        await gateway.Service<AccountLocks>().WorkOnceAsync(default);

        var (status, _) = await gateway.Admin.StatusAsync(default);
        Assert.False(status.AdminAccount.Ok);
        Assert.Contains("not possible (1 waiting): the gateway has no admin account", status.AdminAccount.Detail, StringComparison.Ordinal);
        using var alice = await gateway.SignInAsync(await gateway.EnrolAsync("alice"));
        Assert.True(gateway.State.Members.Values.Single().Lock is { Locked: false, Confirmed: true });
    }

    [Fact]
    public async Task The_secret_is_written_until_the_account_is_made_and_status_says_when_it_may_go()
    {
        await using var gateway = await TestGateway.StartAsync();
        var (before, _) = await gateway.Admin.HomeserverConfigAsync("/r.yaml", default);
        Assert.True(before.SettingsAreSecret);
        Assert.Contains($"registration_shared_secret: '{gateway.Service<RegistrationSecret>().Reveal()}'", before.Settings, StringComparison.Ordinal);

        gateway.Homeserver.SharedSecret = gateway.Service<RegistrationSecret>().Reveal();
        await gateway.Service<AdminAccount>().KeepOnceAsync(default);
        Assert.True(gateway.Homeserver.Admins.ContainsKey("gateway"));
        Assert.Contains("still has the shared secret", (await gateway.Admin.StatusAsync(default)).View.AdminAccount.Detail, StringComparison.Ordinal);
        var (after, _) = await gateway.Admin.HomeserverConfigAsync("/r.yaml", default);
        Assert.Contains("\nregistration_shared_secret: null\n", after.Settings, StringComparison.Ordinal);

        // The admin may have a secret of their own.
        gateway.Homeserver.SharedSecret = "another";
        await gateway.RestartAsync();
        await gateway.Service<AdminAccount>().KeepOnceAsync(default);
        Assert.True((await gateway.Admin.StatusAsync(default)).View.AdminAccount.Ok);
    }

    [Fact]
    public async Task An_account_that_was_made_just_before_a_crash_or_by_hand_is_found()
    {
        await using var gateway = await TestGateway.StartAsync();
        gateway.Homeserver.Accounts["gateway"] = new();
        gateway.Homeserver.Admins["gateway"] = true;

        await gateway.Service<AdminAccount>().KeepOnceAsync(default);

        Assert.NotNull(gateway.State.AdminAccountSince);
    }

    [Fact]
    public async Task An_admin_token_that_the_homeserver_forgot_is_replaced()
    {
        await using var gateway = await WithAdminAsync();
        await ExpireAsync(gateway, "alice");
        await gateway.Service<AccountLocks>().WorkOnceAsync(default);
        gateway.Homeserver.Accounts["gateway"]["GATEWAY"] = "another";

        await gateway.EnrolAsync("alice");

        Assert.Empty(gateway.Homeserver.Locked);
        Assert.Equal(["GATEWAY"], gateway.Homeserver.Accounts["gateway"].Keys);
    }

    [Fact]
    public async Task An_enrolment_that_begins_while_the_last_one_ends_has_an_open_account()
    {
        await using var gateway = await WithAdminAsync();
        var locking = new TaskCompletionSource();
        var goOn = new TaskCompletionSource();
        await ExpireAsync(gateway, "alice", async context =>
        {
            if (context.Request.Method == "PUT" && locking.TrySetResult())
            {
                await goOn.Task;
            }

            return false;
        });
        var late = gateway.Service<AccountLocks>().WorkOnceAsync(default);
        await locking.Task.WaitAsync(TimeSpan.FromSeconds(10));

        var enrolment = gateway.EnrolAsync("alice");
        goOn.SetResult();
        await late;
        using var alice = await gateway.SignInAsync(await enrolment);

        Assert.Empty(gateway.Homeserver.Locked);
    }

    private static Task<bool> Down(HttpContext context)
    {
        context.Abort();
        return Task.FromResult(true);
    }

    private static async Task<TestGateway> WithAdminAsync()
    {
        var gateway = await TestGateway.StartAsync();
        gateway.Homeserver.SharedSecret = gateway.Service<RegistrationSecret>().Reveal();
        await gateway.Service<AdminAccount>().KeepOnceAsync(default);
        return gateway;
    }

    /// <summary>Enrols, and lets the time go by in which nobody scans.</summary>
    private static async Task ExpireAsync(TestGateway gateway, string member, Func<HttpContext, Task<bool>>? then = null)
    {
        await gateway.EnrolAsync(member, connect: false);
        gateway.Homeserver.Interfere = then ?? gateway.Homeserver.Interfere;
        gateway.Clock.Advance(TimeSpan.FromMinutes(16));
        gateway.Service<EnrolmentWatch>().ExpireOnce();
        Assert.DoesNotContain(gateway.State.Devices.Values, device => device.Member.ToString() == member && device.IsLive);
    }
}
