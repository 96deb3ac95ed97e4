using System.Net;
using Gateway.EndToEnd.Lab;

namespace Gateway.EndToEnd.Stories;

/// <summary>The admin shuts everyone out at once, and lets them in again.</summary>
[Collection(SharedLab.Name)]
public sealed class LockStory(TestLab lab) : IAsyncDisposable
{
    public ValueTask DisposeAsync() => lab.EndStoryAsync();

    [Fact]
    public async Task A_lock_shuts_everyone_out_erases_nothing_and_can_be_taken_back()
    {
        var willi = await lab.SignInAsync("willi");
        var token = willi.Client.AccessToken;
        await using var poll = HeldRequest.Sync(willi.Phone, token, await willi.Phone.CalmAsync(token));

        (await lab.Gateway.RunAsync("lock")).Expect();
        try
        {
            var end = await poll.EndAsync(TimeSpan.FromSeconds(10));
            var locked = await willi.Phone.GetAsync("_matrix/client/v3/account/whoami", token);

            Assert.NotEqual(HttpStatusCode.OK, end.Answer?.Status);
            // Not 401: on that every app would erase its data.
            Assert.Equal(HttpStatusCode.ServiceUnavailable, locked.Status);
            Assert.NotEqual(HttpStatusCode.Unauthorized, end.Answer?.Status);
        }
        finally
        {
            (await lab.Gateway.RunAsync("unlock")).Expect();
        }

        Assert.Equal(willi.UserId, (await willi.Phone.GetAsync("_matrix/client/v3/account/whoami", token)).Json.GetProperty("user_id").GetString());
        Assert.Equal([willi.Client.SessionId], await lab.Homeserver.SessionsAsync(willi.UserId));
    }
}
