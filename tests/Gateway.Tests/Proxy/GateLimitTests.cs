using System.Net;
using System.Net.Http.Json;
using System.Net.Security;
using System.Text;
using System.Text.Json.Nodes;
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
        var share = new RequestShare(clock);
        for (var i = 0; i < RequestShare.Burst; i++)
        {
            Assert.Null(share.Enter());
            share.Leave();
        }

        var wait = share.Enter();
        Assert.Equal(TimeSpan.FromSeconds(1.0 / RequestShare.PerSecond), wait);
        clock.Advance(wait!.Value);
        Assert.Null(share.Enter());
        share.Leave();
        Assert.NotNull(share.Enter());
        clock.Advance(TimeSpan.FromHours(1));
        for (var i = 0; i < RequestShare.Burst; i++)
        {
            Assert.Null(share.Enter());
            share.Leave();
        }

        Assert.NotNull(share.Enter());
    }

    [Fact]
    public void So_many_at_once_and_each_that_ends_makes_room_for_one()
    {
        var share = new RequestShare(new FakeTimeProvider());
        for (var i = 0; i < RequestShare.MostAtOnce; i++)
        {
            Assert.Null(share.Enter());
        }

        Assert.NotNull(share.Enter());
        share.Leave();
        Assert.Null(share.Enter());
        Assert.NotNull(share.Enter());
    }

    [Fact]
    public async Task One_device_that_holds_floods_resets_and_dawdles_takes_nothing_from_another()
    {
        await using var gateway = await TestGateway.StartAsync();
        var bad = await gateway.EnrolAsync("mallory");
        using var mallory = await gateway.SignInAsync(bad);
        using var second = gateway.At(bad.Device.TunnelAddress);
        second.DefaultRequestHeaders.Authorization = mallory.DefaultRequestHeaders.Authorization;
        using var alice = await gateway.SignInAsync(await gateway.EnrolAsync("alice"));
        using var stop = new CancellationTokenSource();
        var token = mallory.DefaultRequestHeaders.Authorization!.Parameter!;

        // A hundred streams on each of two connections: more than 64 connections of one address are not let in anyway.
        var held = Enumerable.Range(0, RequestShare.MostAtOnce).Select(i => (i % 2 == 0 ? mallory : second).SendAsync(Http2("/_matrix/client/v3/sync"), stop.Token)).ToList();
        await Eventually.Is(() => gateway.Homeserver.Requests.Count(one => one.Target.EndsWith("/sync", StringComparison.Ordinal)) == RequestShare.MostAtOnce, TimeSpan.FromSeconds(20));
        using var tooMany = await mallory.GetAsync(Who);
        await using var resets = await gateway.RawAt(bad.Device.TunnelAddress, SslApplicationProtocol.Http2);
        var resetting = new RawHttp2(resets).ResetRapidlyAsync(
            [(":method", "GET"), (":scheme", "https"), (":authority", "chat.example"), (":path", "/_matrix/client/v3/sync"), ("authorization", $"Bearer {token}")], 1000);
        await using var slow = await gateway.RawAt(bad.Device.TunnelAddress, SslApplicationProtocol.Http11);
        await slow.WriteAsync(Encoding.ASCII.GetBytes("GET /_matrix/client/v3/sync HTTP/1.1\r\nHost: chat."));
        using var third = gateway.At(bad.Device.TunnelAddress);
        third.DefaultRequestHeaders.Authorization = mallory.DefaultRequestHeaders.Authorization;
        var flood = Enumerable.Range(0, 300).Select(_ => third.SendAsync(Http2(Who), stop.Token)).ToList();

        for (var i = 0; i < 50; i++)
        {
            using var reply = await alice.GetAsync(Who);
            Assert.Equal(HttpStatusCode.OK, reply.StatusCode);
        }

        var refused = await Task.WhenAll(flood);
        Assert.All(refused, reply => Assert.Equal(HttpStatusCode.TooManyRequests, reply.StatusCode));
        var body = (await tooMany.Content.ReadFromJsonAsync<JsonObject>())!;
        Assert.Equal("M_LIMIT_EXCEEDED", (string?)body["errcode"]);
        Assert.Equal(1000, (long)body["retry_after_ms"]!);
        Assert.Equal(TimeSpan.FromSeconds(1), tooMany.Headers.RetryAfter!.Delta);
        await stop.CancelAsync();
        await Task.WhenAny(Task.WhenAll(held), Task.Delay(TimeSpan.FromSeconds(10)));
        await Task.WhenAny(resetting, Task.Delay(TimeSpan.FromSeconds(10)));
    }

    private static HttpRequestMessage Http2(string target) =>
        new(HttpMethod.Get, target) { Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact };

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
    [InlineData("""{"kind":"http","app_id":"a","pushkey":"k","data":{"url":"https://matrix.org/_matrix/push/v1/notify"}}""", true)]
    [InlineData("""{"kind":"http","data":{"url":"https://push.fluffychat.im/_matrix/push/v1/notify","format":"event_id_only"}}""", true)]
    [InlineData("""{"kind":"http","data":{"url":"https://push.example/_matrix/push/v1/notify"}}""", true)]
    [InlineData("""{"kind":null,"app_id":"a","pushkey":"k"}""", true)]
    [InlineData("""{"\u006bind":"http","d\u0061ta":{"url":"https://matrix.org/_matrix/push/v1/notify"}}""", true)]
    [InlineData("""{"kind":"http","data":{"url":"https://evil.example/_matrix/push/v1/notify"}}""", false)]
    [InlineData("""{"kind":"http","data":{"url":"https://matrix.org/_matrix/push/v1/notify?x"}}""", false)]
    [InlineData("""{"kind":"http","data":{"url":"https://matrix.org@evil.example/_matrix/push/v1/notify"}}""", false)]
    [InlineData("""{"kind":"http","data":{"url":"http://127.0.0.1:8008/_synapse"}}""", false)]
    [InlineData("""{"kind":"http","data":{"url":"https://matrix.org/_matrix/push/v1/notify"},"data":{"url":"https://evil.example/"}}""", false)]
    [InlineData("""{"kind":"http","data":{"url":"https://matrix.org/_matrix/push/v1/notify","url":"https://evil.example/"}}""", false)]
    [InlineData("""{"kind":"http","d\u0061ta":{},"data":{"url":"https://matrix.org/_matrix/push/v1/notify"}}""", false)]
    [InlineData("""{"kind":null,"kind":"http","data":{"url":"https://evil.example/"}}""", false)]
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

    [Fact]
    public async Task A_body_that_is_too_large_or_broken_is_told_so_in_Matrix_s_words()
    {
        await using var gateway = await TestGateway.StartAsync();
        var member = await RawMember.SignInAsync(gateway);
        var head = $"POST /_matrix/client/v3/search HTTP/1.1\r\nHost: chat.example\r\nAuthorization: Bearer {member.Token}\r\n";

        var (tooLarge, _) = await member.SendAsync(Encoding.ASCII.GetBytes($"{head}Content-Length: 99999999\r\n\r\n{{}}"));
        var (broken, _) = await member.SendAsync(Encoding.ASCII.GetBytes($"{head}Transfer-Encoding: chunked\r\n\r\nzz\r\n{{}}\r\n"));

        Assert.StartsWith("HTTP/1.1 413", tooLarge, StringComparison.Ordinal);
        Assert.Contains("M_TOO_LARGE", tooLarge, StringComparison.Ordinal);
        Assert.StartsWith("HTTP/1.1 400", broken, StringComparison.Ordinal);
        Assert.Contains("\"errcode\"", broken, StringComparison.Ordinal);
    }
}
