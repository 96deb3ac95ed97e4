using System.Net;
using System.Text;
using Gateway.Proxy;
using Gateway.Tests.Testing;

namespace Gateway.Tests.Proxy;

/// <summary>Every line of the table, for devices that are shut in one way or another.</summary>
public sealed class PassageTests
{
    [Fact]
    public async Task A_locked_gateway_answers_503_on_every_endpoint()
    {
        await using var gateway = await TestGateway.StartAsync();
        using var alice = await gateway.SignInAsync(await gateway.EnrolAsync("alice"));
        await gateway.Admin.LockAsync(default);

        await AllAsync(gateway, alice, (_, status, body) => status == HttpStatusCode.ServiceUnavailable && !body.Contains("M_UNKNOWN_TOKEN", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_device_whose_door_is_shut_answers_503_on_every_endpoint()
    {
        await using var gateway = await TestGateway.StartAsync();
        using var alice = await gateway.SignInAsync(await gateway.EnrolAsync("alice"));
        gateway.Service<DeviceResolver>().Shut(gateway.Device("alice/phone").Id);

        await AllAsync(gateway, alice, (_, status, body) => status == HttpStatusCode.ServiceUnavailable && !body.Contains("M_UNKNOWN_TOKEN", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_quarantined_device_hears_the_order_or_what_leads_to_it_and_reaches_nothing()
    {
        await using var gateway = await TestGateway.StartAsync();
        using var alice = await gateway.SignInAsync(await gateway.EnrolAsync("alice"));
        await gateway.Admin.RevokeAsync(new("alice/phone", null, Cut: false, Erase: false), default);

        await AllAsync(gateway, alice, (passage, _, body) => (passage is Passage.Refresh or >= Passage.Capabilities) == body.Contains("M_UNKNOWN_TOKEN", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_device_without_a_token_passes_the_public_endpoints_alone()
    {
        await using var gateway = await TestGateway.StartAsync();
        using var alice = gateway.At((await gateway.EnrolAsync("alice")).Device.TunnelAddress);

        await AllAsync(gateway, alice, (passage, status, body) =>
            !body.Contains("M_UNKNOWN_TOKEN", StringComparison.Ordinal)
            && (passage is Passage.Logout or Passage.LogoutAll or >= Passage.Capabilities) == body.Contains("M_MISSING_TOKEN", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_foreign_token_opens_nothing_not_even_what_is_public()
    {
        await using var gateway = await TestGateway.StartAsync();
        using var alice = await gateway.SignInAsync(await gateway.EnrolAsync("alice"));
        using var bob = gateway.At((await gateway.EnrolAsync("bob")).Device.TunnelAddress);
        bob.DefaultRequestHeaders.Authorization = alice.DefaultRequestHeaders.Authorization;

        await AllAsync(gateway, bob, (passage, status, body) =>
            !body.Contains("M_UNKNOWN_TOKEN", StringComparison.Ordinal) && (passage < Passage.Versions || status == HttpStatusCode.Forbidden));
    }

    /// <summary>Not only what is forwarded: what the gateway asks for them, and what they have not yet said to its end.</summary>
    [Theory]
    [InlineData("POST", "/_matrix/client/v3/keys/device_signing/upload")]
    [InlineData("POST", "/_matrix/client/v3/delete_devices")]
    [InlineData("PUT", "/_matrix/client/v3/rooms/!a/send/m.room.message/1")]
    public async Task A_revocation_ends_whatever_is_under_way(string method, string target)
    {
        await using var gateway = await TestGateway.StartAsync();
        using var alice = await gateway.SignInAsync(await gateway.EnrolAsync("alice"));
        using var used = await alice.GetAsync("/_matrix/client/v3/account/whoami");
        var (held, ended) = (new TaskCompletionSource(), new TaskCompletionSource());
        gateway.Homeserver.Interfere = async context =>
        {
            if (context.Request.Headers["X-Forwarded-For"] != "127.0.0.1")
            {
                context.RequestAborted.Register(ended.SetResult);
                held.SetResult();
                await Task.Delay(Timeout.Infinite, context.RequestAborted);
            }

            return false;
        };
        using var request = new HttpRequestMessage(new HttpMethod(method), target) { Content = new StringContent("""{"devices":["X"],"master_key":{}}""", Encoding.UTF8, "application/json") };
        var reply = alice.SendAsync(request);
        await held.Task.WaitAsync(TimeSpan.FromSeconds(10));

        await gateway.Admin.RevokeAsync(new("alice/phone", null, Cut: false, Erase: false), default);

        await Assert.ThrowsAnyAsync<HttpRequestException>(() => reply);
        await ended.Task.WaitAsync(TimeSpan.FromSeconds(10));
    }

    [Theory]
    [InlineData("/_matrix/client/v3/login")]
    [InlineData("/_matrix/client/v3/pushers/set")]
    [InlineData("/_matrix/client/v3/search")]
    [InlineData("/oauth2/token")]
    public async Task A_lock_ends_a_request_that_has_not_yet_been_said_to_its_end(string target)
    {
        await using var gateway = await TestGateway.StartAsync();
        var enrolment = await gateway.EnrolAsync("alice");
        using var alice = await gateway.SignInAsync(enrolment);
        await using var stream = await gateway.RawAt(enrolment.Device.TunnelAddress, System.Net.Security.SslApplicationProtocol.Http11);
        await stream.WriteAsync(Encoding.ASCII.GetBytes(
            $"POST {target} HTTP/1.1\r\nHost: chat.example\r\nAuthorization: {alice.DefaultRequestHeaders.Authorization}\r\nContent-Type: application/x-www-form-urlencoded\r\nExpect: 100-continue\r\nContent-Length: 100\r\n\r\n{{"));
        var first = new byte[25];
        await stream.ReadExactlyAsync(first);
        Assert.Equal("HTTP/1.1 100 Continue\r\n\r\n", Encoding.ASCII.GetString(first));

        await gateway.Admin.LockAsync(default);

        var rest = await Record.ExceptionAsync(async () => Assert.Equal(0, await stream.ReadAsync(first).AsTask().WaitAsync(TimeSpan.FromSeconds(10))));
        Assert.True(rest is null or IOException, $"{rest}");
    }

    /// <summary>Sends one request for each line of the table and each of its methods. Nothing of it may reach the homeserver, but for what needs no token.</summary>
    private static async Task AllAsync(TestGateway gateway, HttpClient client, Func<Passage, HttpStatusCode, string, bool> isRight)
    {
        using var probe = await client.GetAsync("/.well-known/matrix/client");
        gateway.Homeserver.Requests.Clear();
        var faults = new List<string>();
        foreach (var (method, target) in Requests())
        {
            gateway.Clock.Advance(TimeSpan.FromMilliseconds(50));
            using var request = new HttpRequestMessage(new HttpMethod(method), target) { Content = method == "GET" ? null : new StringContent("{}", Encoding.UTF8, "application/json") };
            using var reply = await client.SendAsync(request);
            var body = await reply.Content.ReadAsStringAsync();
            if (!isRight(AccessPolicy.Of(method, target), reply.StatusCode, body))
            {
                faults.Add($"{method} {target} → {(int)reply.StatusCode} {body[..Math.Min(100, body.Length)]}");
            }
        }

        Assert.True(faults.Count == 0, string.Join('\n', faults));
        Assert.DoesNotContain(gateway.Homeserver.Requests, request => request.Headers["X-Forwarded-For"] != "127.0.0.1" && request.Target != "/_matrix/client/versions");
    }

    private static IEnumerable<(string Method, string Target)> Requests() =>
        from line in Endpoints.Table.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
        where line[0] != '#'
        let words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries)
        let slash = words[1].IndexOf('/', StringComparison.Ordinal)
        let path = words[1][slash..].Replace("{}", "a", StringComparison.Ordinal).Replace("{?}", "", StringComparison.Ordinal).Replace("{*}", "global/", StringComparison.Ordinal)
        from prefix in Endpoints.Prefixes[words[1][..slash]].Take(1)
        from method in words[0].Split(',')
        select (method, prefix + path);
}
