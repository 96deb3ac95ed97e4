using System.Diagnostics;
using System.Net;
using Gateway.Admin;
using Gateway.Onboarding.Devices;
using Gateway.Tests.Testing;
using Microsoft.AspNetCore.Http;

namespace Gateway.Tests.Revocation;

/// <summary>Whatever the homeserver does with a revocation's requests: the device is out at once, nothing is called done too early, and it ends when the homeserver is well again.</summary>
public sealed class HomeserverFaultTests
{
    /// <summary>The answer waits for the homeserver for two seconds; the rest is for a busy machine.</summary>
    private static readonly TimeSpan AtOnce = TimeSpan.FromSeconds(6);

    [Theory]
    [InlineData("500")]
    [InlineData("403")]
    [InlineData("garbage")]
    [InlineData("a page")]
    [InlineData("nothing of it")]
    [InlineData("silence")]
    [InlineData("done, then dropped")]
    public async Task A_homeserver_out_of_order_holds_up_no_revocation_and_is_asked_until_it_confirms(string fault)
    {
        await using var gateway = await TestGateway.StartAsync();
        using var phone = await gateway.SignInAsync(await gateway.EnrolAsync("alice"));
        using var bob = await gateway.SignInAsync(await gateway.EnrolAsync("bob"));
        var mended = new TaskCompletionSource();
        gateway.Homeserver.Interfere = context => BreakAsync(gateway.Homeserver, context, fault, mended.Task);

        var clock = Stopwatch.StartNew();
        var (views, _) = await gateway.Admin.RevokeAsync(new RevocationRequest("alice/phone", null, Cut: false, Erase: false), default);
        var answered = clock.Elapsed;
        var refused = await phone.GetAsync("/_matrix/client/v3/account/whoami");

        Assert.InRange(answered, TimeSpan.Zero, AtOnce);
        Assert.Equal("done", Step(views.Single(), "blocked").State);
        Assert.NotEqual("done", Step(views.Single(), "matrix-sessions").State);
        Assert.Equal(HttpStatusCode.Unauthorized, refused.StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await bob.GetAsync("/_matrix/client/v3/account/whoami")).StatusCode);

        mended.SetResult();
        await Eventually.Is(
            () =>
            {
                gateway.Clock.Advance(TimeSpan.FromSeconds(5));
                return gateway.Device("alice/phone").Revocation![StepName.MatrixSessions].State == StepState.Done;
            },
            TimeSpan.FromSeconds(30));
        Assert.Empty(gateway.Homeserver.Accounts["alice"]);
    }

    /// <summary>Only the gateway's own requests about alice's sessions.</summary>
    private static async Task<bool> BreakAsync(FakeHomeserver homeserver, HttpContext context, string fault, Task mended)
    {
        if (mended.IsCompleted || !context.Request.Query["user_id"].ToString().StartsWith("@alice:", StringComparison.Ordinal))
        {
            return false;
        }

        switch (fault)
        {
            case "500":
                await FakeHomeserver.ReplyAsync(context, 500, """{"errcode":"M_UNKNOWN","error":"Internal server error"}""");
                break;
            case "403":
                await FakeHomeserver.ReplyAsync(context, 403, """{"errcode":"M_FORBIDDEN","error":"no"}""");
                break;
            case "garbage":
                await FakeHomeserver.ReplyAsync(context, 200, "\0\u0001{{{");
                break;
            case "a page":
                await FakeHomeserver.ReplyAsync(context, 200, "<html>We will be back soon</html>");
                break;
            case "nothing of it":
                await FakeHomeserver.ReplyAsync(context, 200, """{"devices":null}""");
                break;
            case "silence":
                await mended;
                return false;
            default:
                homeserver.Accounts["alice"].Clear();
                context.Abort();
                break;
        }

        return true;
    }

    private static StepView Step(DeviceView device, string name) => device.Revocation!.Steps.Single(step => step.Name == name);
}
