using System.Net;
using System.Net.Http.Json;
using Gateway.Onboarding.Devices;
using Gateway.Onboarding.LoginGrants;
using Gateway.Tests.Testing;

namespace Gateway.Tests.Login;

/// <summary>A member signs out: our record is true, whatever the homeserver makes of it.</summary>
public sealed class LogoutTests
{
    [Theory]
    [InlineData("/_matrix/client/v3/logout")]
    [InlineData("/_matrix/client/r0/logout/all")]
    public async Task Signing_out_counts_although_the_homeserver_fails_and_reaches_it_later(string path)
    {
        await using var gateway = await TestGateway.StartAsync();
        using var alice = await gateway.SignInAsync(await gateway.EnrolAsync("alice"));
        gateway.Homeserver.Interfere = context =>
        {
            context.Abort();
            return Task.FromResult(true);
        };

        using var logout = await alice.PostAsync(path, null);
        using var after = await alice.GetAsync("/_matrix/client/v3/account/whoami");
        var during = gateway.Homeserver.Accounts["alice"].Count;
        gateway.Homeserver.Interfere = _ => Task.FromResult(false);
        await gateway.Service<SessionKeeper>().KeepOnceAsync(default);

        Assert.Equal([HttpStatusCode.OK, HttpStatusCode.Unauthorized], [logout.StatusCode, after.StatusCode]);
        Assert.Equal(DeviceState.Connected, gateway.Device("alice/phone").State);
        Assert.Equal(1, during);
        Assert.Empty(gateway.Homeserver.Accounts["alice"]);
    }

    [Fact]
    public async Task Signing_out_counts_although_the_app_does_not_wait_for_the_answer()
    {
        await using var gateway = await TestGateway.StartAsync();
        using var alice = await gateway.SignInAsync(await gateway.EnrolAsync("alice"));
        var asked = new TaskCompletionSource();
        var goOn = new TaskCompletionSource();
        gateway.Homeserver.Interfere = async context =>
        {
            if (context.Request.Path.Value!.EndsWith("/logout", StringComparison.Ordinal))
            {
                asked.SetResult();
                await goOn.Task;
            }

            return false;
        };

        using var hangingUp = new CancellationTokenSource();
        var logout = alice.PostAsync("/_matrix/client/v3/logout", null, hangingUp.Token);
        await asked.Task.WaitAsync(TimeSpan.FromSeconds(10));
        await hangingUp.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => logout);
        goOn.SetResult();

        Assert.Equal(DeviceState.Connected, gateway.Device("alice/phone").State);
        await gateway.Service<SessionKeeper>().KeepOnceAsync(default);
        Assert.Empty(gateway.Homeserver.Accounts["alice"]);
    }

    [Fact]
    public async Task A_homeserver_that_hangs_keeps_nobody_waiting()
    {
        await using var gateway = await TestGateway.StartAsync();
        using var alice = await gateway.SignInAsync(await gateway.EnrolAsync("alice"));
        var asked = new TaskCompletionSource();
        gateway.Homeserver.Interfere = async context =>
        {
            if (context.Request.Path.Value!.EndsWith("/logout", StringComparison.Ordinal))
            {
                asked.SetResult();
                await Task.Delay(Timeout.Infinite, context.RequestAborted);
            }

            return false;
        };

        var logout = alice.PostAsync("/_matrix/client/v3/logout", null);
        await asked.Task.WaitAsync(TimeSpan.FromSeconds(10));
        gateway.Clock.Advance(TimeSpan.FromSeconds(3));
        using var reply = await logout;

        Assert.Equal(HttpStatusCode.OK, reply.StatusCode);
    }

    [Fact]
    public async Task A_logout_takes_its_own_token_and_the_device_s_address_to_the_homeserver()
    {
        await using var gateway = await TestGateway.StartAsync();
        var enrolment = await gateway.EnrolAsync("alice");
        using var alice = await gateway.SignInAsync(enrolment);
        var token = alice.DefaultRequestHeaders.Authorization!.Parameter;
        gateway.Homeserver.Requests.Clear();

        using var logout = await alice.PostAsync("/_matrix/client/v3/logout", JsonContent.Create(new { user_id = "@bob:chat.example" }));

        var sent = Assert.Single(gateway.Homeserver.Requests, request => request.Target.Contains("logout", StringComparison.Ordinal));
        Assert.Equal(("/_matrix/client/v3/logout", $"Bearer {token}", enrolment.Device.TunnelAddress), (sent.Target, sent.Headers["Authorization"], sent.Headers["X-Forwarded-For"]));
        Assert.Equal("0", sent.Headers.GetValueOrDefault("Content-Length", "0"));
    }
}
