using Gateway.Admin;
using Gateway.Onboarding.Devices;
using Gateway.Onboarding.Revocation;
using Gateway.Tests.Testing;

namespace Gateway.Tests.Revocation;

/// <summary>A homeserver that still has something of a revoked device after it was asked to delete it.</summary>
public sealed class SessionReturnTests
{
    [Fact]
    public async Task A_session_that_comes_back_while_it_is_deleted_is_deleted_again_before_the_step_is_done()
    {
        await using var gateway = await TestGateway.StartAsync();
        using var alice = await gateway.SignInAsync(await gateway.EnrolAsync("alice"));
        var (id, token) = Assert.Single(gateway.Homeserver.Accounts["alice"]);
        var deletions = 0;
        gateway.Homeserver.Interfere = context =>
        {
            // An upload of keys that was at work when the session was deleted (seen on Synapse).
            if (context.Request.Path == "/_matrix/client/v3/devices" && deletions == 1)
            {
                deletions++;
                gateway.Homeserver.Accounts["alice"][id] = token;
            }

            deletions += context.Request.Path == "/_matrix/client/v3/delete_devices" && deletions == 0 ? 1 : 0;
            return Task.FromResult(false);
        };

        await RevokeAsync(gateway);
        await EndsAsync(gateway);

        Assert.Equal(2, deletions);
        Assert.Empty(gateway.Homeserver.Accounts["alice"]);
    }

    [Fact]
    public async Task A_session_that_comes_back_after_the_step_was_done_opens_it_again()
    {
        await using var gateway = await TestGateway.StartAsync();
        using var alice = await gateway.SignInAsync(await gateway.EnrolAsync("alice"));
        var (id, token) = Assert.Single(gateway.Homeserver.Accounts["alice"]);
        await RevokeAsync(gateway);
        await EndsAsync(gateway);

        gateway.Homeserver.Accounts["alice"][id] = token;
        await gateway.Service<RevocationWorker>().WorkOnceAsync(default);
        await EndsAsync(gateway);

        Assert.Empty(gateway.Homeserver.Accounts["alice"]);
        Assert.Contains(gateway.Log.GetSnapshot(), line => line.Message.Contains("matrix-sessions is Retrying", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_pusher_that_outlives_its_session_is_removed()
    {
        await using var gateway = await TestGateway.StartAsync();
        using var alice = await gateway.SignInAsync(await gateway.EnrolAsync("alice"));
        gateway.Homeserver.Pushers[("alice", "im.vector.app", "key")] = "";

        await RevokeAsync(gateway);
        await EndsAsync(gateway);

        Assert.Empty(gateway.Homeserver.Pushers);
    }

    /// <summary>Whose pusher it is, the homeserver does not say: one of another device must not go.</summary>
    [Fact]
    public async Task The_pusher_of_the_members_other_device_stays()
    {
        await using var gateway = await TestGateway.StartAsync();
        using var phone = await gateway.SignInAsync(await gateway.EnrolAsync("alice"));
        using var laptop = await gateway.SignInAsync(await gateway.EnrolAsync("alice", "laptop"));
        gateway.Homeserver.Pushers[("alice", "im.vector.app", "laptop's")] = "";

        await RevokeAsync(gateway);
        await EndsAsync(gateway);

        Assert.Single(gateway.Homeserver.Pushers);
    }

    private static async Task RevokeAsync(TestGateway gateway) =>
        await gateway.Admin.RevokeAsync(new RevocationRequest("alice/phone", null, Cut: true, Erase: false), default);

    private static Task EndsAsync(TestGateway gateway) => Eventually.Is(
        () =>
        {
            gateway.Service<RevocationWorker>().WorkOnceAsync(default).Wait();
            return gateway.Device("alice/phone").Revocation![StepName.MatrixSessions].State == StepState.Done && !gateway.Device("alice/phone").Revocation![StepName.Peer].IsOpen;
        },
        TimeSpan.FromSeconds(10));
}
