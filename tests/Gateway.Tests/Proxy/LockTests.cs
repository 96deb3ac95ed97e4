using System.Net;
using System.Net.Http.Headers;
using Gateway.Admin;
using Gateway.Onboarding.Audit;
using Gateway.Tests.Testing;

namespace Gateway.Tests.Proxy;

/// <summary>A lock shuts everybody out on every passage, and erases nothing: no answer under it is one that apps erase their data on.</summary>
public sealed class LockTests
{
    private static readonly (string Method, string Target)[] Passages =
    [
        ("GET", "/.well-known/matrix/client"), ("GET", "/_matrix/client/versions"), ("GET", "/_matrix/client/v3/login"), ("POST", "/_matrix/client/v3/login"),
        ("GET", "/_matrix/client/v3/login/sso/redirect?redirectUrl=element%3A%2F%2Fx"), ("GET", "/_matrix/client/v1/auth_metadata"), ("POST", "/_matrix/client/v3/refresh"),
        ("POST", "/_matrix/client/v3/logout"), ("POST", "/_matrix/client/v3/logout/all"), ("GET", "/_matrix/client/v3/sync"), ("GET", "/_matrix/client/v3/account/whoami"),
        ("POST", "/_matrix/client/v3/keys/device_signing/upload"), ("POST", "/_matrix/client/v3/delete_devices"), ("POST", "/_matrix/media/v3/upload"), ("GET", "/unknown"),
    ];

    [Fact]
    public async Task Nobody_passes_and_nobody_is_told_to_erase()
    {
        await using var gateway = await TestGateway.StartAsync();
        using var live = await gateway.SignInAsync(await gateway.EnrolAsync("alice"));
        using var lost = await gateway.SignInAsync(await gateway.EnrolAsync("bob"));
        using var gone = await gateway.SignInAsync(await gateway.EnrolAsync("carla"));
        using var loggedOut = await gone.PostAsync("/_matrix/client/v3/logout", null);
        await gateway.Admin.RevokeAsync(new RevocationRequest("bob/phone", null, Cut: false, Erase: false), default);
        await gateway.Admin.LockAsync(default);
        await gateway.RestartAsync();
        var asked = Asked();

        foreach (var (client, address) in new[] { (live, "198.19.0.2"), (lost, "198.19.0.3"), (gone, "198.19.0.4") })
        {
            foreach (var (method, target) in Passages)
            {
                using var again = gateway.At(address);
                again.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", client.DefaultRequestHeaders.Authorization!.Parameter);
                using var request = new HttpRequestMessage(new HttpMethod(method), target);
                using var answer = await again.SendAsync(request);
                var text = await answer.Content.ReadAsStringAsync();

                Assert.True(answer.StatusCode == HttpStatusCode.ServiceUnavailable, $"{address} {method} {target}: {answer.StatusCode} {text}");
                Assert.DoesNotContain("M_UNKNOWN_TOKEN", text, StringComparison.Ordinal);
                Assert.DoesNotContain("invalid_grant", text, StringComparison.Ordinal);
            }
        }

        Assert.Equal(asked, Asked());

        // What the gateway asks for itself, as the application service on this machine, does not count.
        int Asked() => gateway.Homeserver.Requests.Count(received => received.Headers["X-Forwarded-For"] != "127.0.0.1");
    }

    [Fact]
    public async Task An_unlock_lets_everybody_in_again_and_the_lost_phone_be_told()
    {
        await using var gateway = await TestGateway.StartAsync();
        using var live = await gateway.SignInAsync(await gateway.EnrolAsync("alice"));
        using var lost = await gateway.SignInAsync(await gateway.EnrolAsync("bob"));
        await gateway.Admin.RevokeAsync(new RevocationRequest("bob/phone", null, Cut: false, Erase: false), default);
        await gateway.Admin.LockAsync(default);
        Assert.True((await gateway.Admin.StatusAsync(default)).View.Lock.Locked);
        using var shut = await live.GetAsync("/_matrix/client/v3/account/whoami");

        await gateway.Admin.UnlockAsync(null, false, default);

        using var open = await live.GetAsync("/_matrix/client/v3/account/whoami");
        using var told = await lost.GetAsync("/_matrix/client/v3/account/whoami");
        Assert.Equal((HttpStatusCode.ServiceUnavailable, HttpStatusCode.OK, HttpStatusCode.Unauthorized), (shut.StatusCode, open.StatusCode, told.StatusCode));
        Assert.Equal(["locked", "unlocked"], gateway.Service<AuditLog>().Read().Select(entry => entry.Action).Where(action => action is "locked" or "unlocked"));
    }
}
