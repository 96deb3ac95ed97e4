using System.Net;
using System.Text;
using Gateway.Proxy;
using Gateway.Tests.Testing;
using Microsoft.Extensions.Time.Testing;

namespace Gateway.Tests.Proxy;

public sealed class GateLimitTests
{
    private const string Who = "/_matrix/client/v3/account/whoami";

    [Fact]
    public void A_burst_is_free_then_the_rate_holds()
    {
        var clock = new FakeTimeProvider();
        var share = new RequestShare(RequestLimits.OfOneDevice, clock);
        for (var i = 0; i < RequestLimits.OfOneDevice.Burst; i++)
        {
            Assert.Null(share.Enter());
            share.Leave();
        }

        var wait = share.Enter();
        Assert.Equal(TimeSpan.FromSeconds(1.0 / RequestLimits.OfOneDevice.PerSecond), wait);
        clock.Advance(wait!.Value);
        Assert.Null(share.Enter());
        share.Leave();
        Assert.NotNull(share.Enter());
        clock.Advance(TimeSpan.FromHours(1));
        for (var i = 0; i < RequestLimits.OfOneDevice.Burst; i++)
        {
            Assert.Null(share.Enter());
            share.Leave();
        }

        Assert.NotNull(share.Enter());
    }

    [Fact]
    public void So_many_at_once_and_each_that_ends_makes_room_for_one()
    {
        var share = new RequestShare(RequestLimits.OfOneDevice, new FakeTimeProvider());
        for (var i = 0; i < RequestLimits.OfOneDevice.MostAtOnce; i++)
        {
            Assert.Null(share.Enter());
        }

        Assert.NotNull(share.Enter());
        share.Leave();
        Assert.Null(share.Enter());
        Assert.NotNull(share.Enter());
    }

    [Theory]
    [InlineData("https://chat.example", null, true)]
    [InlineData("vector://vector", null, true)]
    [InlineData("https://web.example", null, true)]
    [InlineData("https://web.example:444", null, false)]
    [InlineData("http://web.example", null, false)]
    [InlineData("http://localhost:8080", "desktop", true)]
    [InlineData("http://127.0.0.1:1", "desktop", true)]
    [InlineData("http://[::1]:3000", "desktop", true)]
    [InlineData("http://localhost:8080", "android", false)]
    [InlineData("http://localhost.evil.example", "desktop", false)]
    [InlineData("https://evil.example", "desktop", false)]
    [InlineData("null", "desktop", false)]
    public async Task Pages_may_call_from_our_own_places_alone(string origin, string? os, bool allowed)
    {
        await using var gateway = await TestGateway.StartAsync(("Login:RedirectUrls:0", "https://web.example/element/"));
        using var client = await gateway.SignInAsync(await gateway.EnrolAsync("alice", os: os));
        client.DefaultRequestHeaders.Add("Origin", origin);
        using var preflight = new HttpRequestMessage(HttpMethod.Options, "/_matrix/client/v3/login") { Headers = { { "Access-Control-Request-Method", "POST" } } };

        using var asked = await client.SendAsync(preflight);
        using var forwarded = await client.GetAsync(Who);
        using var own = await client.GetAsync("/_matrix/client/v3/login");

        Assert.Equal(allowed ? HttpStatusCode.NoContent : HttpStatusCode.Forbidden, asked.StatusCode);
        Assert.Equal(allowed ? HttpStatusCode.OK : HttpStatusCode.Forbidden, forwarded.StatusCode);
        Assert.All([asked, forwarded, own], reply =>
            Assert.Equal(allowed ? [origin] : [], reply.Headers.TryGetValues("Access-Control-Allow-Origin", out var values) ? values : []));
        Assert.Equal(allowed, asked.Headers.TryGetValues("Access-Control-Allow-Headers", out var names) && names.Single().Contains("Authorization", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("""{"kind":"http","app_id":"a","pushkey":"k","data":{"url":"https://matrix.org/_matrix/push/v1/notify","format":"event_id_only"}}""", true)]
    [InlineData("""{"kind":"http","data":{"url":"https://push.fluffychat.im/_matrix/push/v1/notify","format":"event_id_only"}}""", true)]
    [InlineData("""{"kind":"http","data":{"url":"https://push.example/_matrix/push/v1/notify","format":"event_id_only"}}""", true)]
    [InlineData("""{"kind":null,"app_id":"a","pushkey":"k"}""", true)]
    [InlineData("""{"\u006bind":"http","d\u0061ta":{"url":"https://matrix.org/_matrix/push/v1/notify","format":"event_id_only"}}""", true)]
    [InlineData("""{"kind":"http","data":{"url":"https://matrix.org/_matrix/push/v1/notify"}}""", false)]
    [InlineData("""{"kind":"http","data":{"url":"https://matrix.org/_matrix/push/v1/notify","format":"full"}}""", false)]
    [InlineData("""{"kind":"http","data":{"url":"https://matrix.org/_matrix/push/v1/notify","format":null}}""", false)]
    [InlineData("""{"kind":"http","data":{"url":"https://evil.example/_matrix/push/v1/notify","format":"event_id_only"}}""", false)]
    [InlineData("""{"kind":"http","data":{"url":"https://matrix.org/_matrix/push/v1/notify?x","format":"event_id_only"}}""", false)]
    [InlineData("""{"kind":"http","data":{"url":"https://matrix.org@evil.example/_matrix/push/v1/notify","format":"event_id_only"}}""", false)]
    [InlineData("""{"kind":"http","data":{"url":"http://127.0.0.1:8008/_synapse","format":"event_id_only"}}""", false)]
    [InlineData("""{"kind":"http","data":{"url":"https://matrix.org/_matrix/push/v1/notify"},"data":{"url":"https://evil.example/"}}""", false)]
    [InlineData("""{"kind":"http","data":{"url":"https://matrix.org/_matrix/push/v1/notify","url":"https://evil.example/"}}""", false)]
    [InlineData("""{"kind":"http","d\u0061ta":{},"data":{"url":"https://matrix.org/_matrix/push/v1/notify"}}""", false)]
    [InlineData("""{"kind":null,"kind":"http","data":{"url":"https://evil.example/"}}""", false)]
    [InlineData("""{"kind":"http","data":{"url":"\ud800"}}""", false)]
    [InlineData("""{"kind":"\ud800","data":{"url":"https://matrix.org/_matrix/push/v1/notify"}}""", false)]
    [InlineData("""{"\ud800":1,"kind":"http","data":{"url":"https://evil.example/"}}""", false)]
    [InlineData("""{"kind":"email","pushkey":"alice@evil.example","data":{}}""", false)]
    [InlineData("""{"kind":"http"}""", false)]
    [InlineData("""{}""", false)]
    [InlineData("""[]""", false)]
    [InlineData("not json", false)]
    [InlineData("", false)]
    public async Task Notifications_go_to_known_servers(string body, bool passes)
    {
        await using var gateway = await TestGateway.StartAsync(("Homeserver:PushUrls:0", "https://push.example/_matrix/push/v1/notify"));
        using var client = await gateway.SignInAsync(await gateway.EnrolAsync("alice"));
        string? received = null;
        gateway.Homeserver.Interfere = async context =>
        {
            if (!context.Request.Path.Value!.EndsWith("/pushers/set", StringComparison.Ordinal))
            {
                return false;
            }

            using var reader = new StreamReader(context.Request.Body);
            received = await reader.ReadToEndAsync();
            await FakeHomeserver.ReplyAsync(context, 200, "{}");
            return true;
        };

        using var reply = await client.PostAsync("/_matrix/client/v3/pushers/set", new StringContent(body, Encoding.UTF8, "application/json"));

        Assert.Equal(passes ? HttpStatusCode.OK : HttpStatusCode.Forbidden, reply.StatusCode);
        Assert.Equal(passes ? body : null, received);
    }

    [Fact]
    public async Task A_leaked_token_is_written_down_and_nobody_fills_the_store_with_it()
    {
        await using var gateway = await TestGateway.StartAsync();
        using var alice = await gateway.SignInAsync(await gateway.EnrolAsync("alice"));
        using var bob = await gateway.SignInAsync(await gateway.EnrolAsync("bob"));
        bob.DefaultRequestHeaders.Authorization = alice.DefaultRequestHeaders.Authorization;

        for (var i = 0; i < 5; i++)
        {
            using var refused = await bob.GetAsync(Who);
            Assert.Equal(HttpStatusCode.Forbidden, refused.StatusCode);
        }

        bob.DefaultRequestHeaders.Authorization = new("Bearer", "unknown");
        using var unknown = await bob.GetAsync(Who);
        using var still = await alice.GetAsync(Who);
        var audit = (await gateway.Admin.AuditAsync(default)).View.Where(entry => entry.Action == "another device's token refused").ToList();

        Assert.Equal(HttpStatusCode.Forbidden, unknown.StatusCode);
        Assert.Equal(HttpStatusCode.OK, still.StatusCode);
        Assert.Equal("bob/phone", Assert.Single(audit).Device);
        Assert.Equal("it belongs to alice/phone", audit[0].Detail);
    }
}
