using System.Net;
using Gateway.Admin;
using Gateway.Commands;
using Gateway.Onboarding.Audit;
using Gateway.Onboarding.Keys;
using Gateway.Onboarding.LoginGrants;
using Gateway.Onboarding.Store;
using Gateway.Tests.Testing;
using Microsoft.Extensions.Logging;

namespace Gateway.Tests.Login;

/// <summary>A device whose key two phones use opens no new session until it is revoked and enrolled anew; its own goes on.</summary>
public sealed class CopiedKeyTests
{
    [Fact]
    public async Task A_copied_key_disarms_the_code_and_no_new_one_is_armed()
    {
        await using var gateway = await TestGateway.StartAsync();
        var phone = await gateway.EnrolAsync("alice");
        Copy(gateway, phone);
        using var client = gateway.At(phone.Device.TunnelAddress);

        using var login = await TestGateway.LoginAsync(client, phone.LoginCode);
        var refusal = await Assert.ThrowsAsync<CommandException>(() => gateway.Admin.AllowLoginAsync("alice/phone", default));
        var approval = await Assert.ThrowsAsync<CommandException>(() => gateway.Admin.DecideSignInAsync(new SignInDecision("alice/phone", null, Approve: true), default));

        Assert.Equal(HttpStatusCode.Forbidden, login.StatusCode);
        Assert.All([refusal, approval], one => Assert.Contains("alice/phone is in use on two phones", one.Message, StringComparison.Ordinal));
        Assert.Contains("gateway revoke alice/phone", refusal.Hint, StringComparison.Ordinal);
        Assert.Empty(gateway.Homeserver.Accounts["alice"]);
    }

    [Fact]
    public async Task The_session_that_is_there_goes_on_and_the_admin_is_told_once()
    {
        await using var gateway = await TestGateway.StartAsync();
        var phone = await gateway.EnrolAsync("alice");
        using var alice = await gateway.SignInAsync(phone);

        Copy(gateway, phone);
        Copy(gateway, phone);

        using var answer = await alice.GetAsync("/_matrix/client/v3/account/whoami");
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Single(gateway.Log.GetSnapshot(), line => line.Level == LogLevel.Warning && line.Message.Contains("alice/phone is in use on two phones", StringComparison.Ordinal));
        Assert.Single(gateway.Service<AuditLog>().Read(), entry => entry is { Action: "key copied", Device: "alice/phone" });
        var (devices, _) = await gateway.Admin.DevicesAsync(null, null, default);
        Assert.Equal(gateway.Clock.GetUtcNow(), Assert.Single(devices).KeyCopiedAt);
        var (status, _) = await gateway.Admin.StatusAsync(default);
        Assert.Equal(1, status.Counts.CopiedKeys);
    }

    [Fact]
    public async Task A_login_under_way_when_the_copy_shows_opens_nothing()
    {
        await using var gateway = await TestGateway.StartAsync();
        var phone = await gateway.EnrolAsync("alice");
        using var client = gateway.At(phone.Device.TunnelAddress);
        var (underWay, goOn) = gateway.Homeserver.HoldLogin();
        var login = TestGateway.LoginAsync(client, phone.LoginCode);
        await underWay;

        Copy(gateway, phone);
        goOn.SetResult();

        using var answer = await login;
        Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode);
        Assert.DoesNotContain("syt_", await answer.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        using var again = await TestGateway.LoginAsync(client, phone.LoginCode);
        Assert.Equal(HttpStatusCode.Forbidden, again.StatusCode);
    }

    [Fact]
    public async Task A_new_enrolment_clears_it_and_nothing_else_does()
    {
        await using var gateway = await TestGateway.StartAsync();
        var phone = await gateway.EnrolAsync("alice");
        Copy(gateway, phone);
        await gateway.RestartAsync();
        await Assert.ThrowsAsync<CommandException>(() => gateway.Admin.AllowLoginAsync("alice/phone", default));

        await gateway.Admin.RevokeAsync(new RevocationRequest("alice/phone", null, Cut: true, Erase: false), default);
        var anew = await gateway.EnrolAsync("alice");

        using var alice = await gateway.SignInAsync(anew);
        var (status, _) = await gateway.Admin.StatusAsync(default);
        Assert.Equal(0, status.Counts.CopiedKeys);
    }

    private static void Copy(TestGateway gateway, EnrolmentView phone) =>
        gateway.Service<GrantArmoury>().KeyCopied(gateway.Service<StateWriter>(), PublicKey.Parse(phone.Device.PublicKey, null));
}
