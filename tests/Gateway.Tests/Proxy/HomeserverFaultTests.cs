using System.IO.Compression;
using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using Gateway.Onboarding.LoginGrants;
using Gateway.Proxy;
using Gateway.Tests.Testing;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Gateway.Tests.Proxy;

/// <summary>A homeserver, or whatever answers in its place, that says what it should not: a live device is never told to erase by it.</summary>
public sealed class HomeserverFaultTests
{
    private const string Order = """{"errcode":"M_UNKNOWN_TOKEN","error":"a fault","soft_logout":false}""";

    /// <summary>Name → what is answered. Each would make some client erase its data if it arrived.</summary>
    private static readonly Dictionary<string, Func<HttpContext, Task>> Lies = new(StringComparer.Ordinal)
    {
        ["plain"] = context => SayAsync(context, 401, Order),
        ["soft logout"] = context => SayAsync(context, 401, Order.Replace("false", "true", StringComparison.Ordinal)),
        ["400"] = context => SayAsync(context, 400, Order),
        ["404"] = context => SayAsync(context, 404, Order),
        ["429"] = context => SayAsync(context, 429, Order),
        ["500"] = context => SayAsync(context, 500, Order),
        ["599"] = context => SayAsync(context, 599, Order),
        ["type in upper case"] = context => SayAsync(context, 403, Order, "Application/JSON; charset=utf-8"),
        ["type of text"] = context => SayAsync(context, 403, Order, "text/plain"),
        ["no type"] = context => SayAsync(context, 403, Order, null),
        ["type of a patch"] = context => SayAsync(context, 403, Order, "application/problem+json"),
        ["byte order mark"] = context => SayAsync(context, 403, "\ufeff" + Order),
        ["escapes"] = context => SayAsync(context, 403, """{"\u0065rrcode":"M_UNKNOWN\u005fTOKEN","error":""}"""),
        ["said twice, last"] = context => SayAsync(context, 403, """{"errcode":"M_FORBIDDEN","errcode":"M_UNKNOWN_TOKEN"}"""),
        ["said twice, first"] = context => SayAsync(context, 403, """{"errcode":"M_UNKNOWN_TOKEN","errcode":"M_FORBIDDEN"}"""),
        ["something behind"] = context => SayAsync(context, 403, Order + "x"),
        ["half a character"] = context => SayAsync(context, 403, """{"errcode":"M_UNKNOWN_TOKEN","\ud800":"\ud800"}"""),
        ["UTF-16"] = context => BytesAsync(context, 403, Encoding.Unicode.GetBytes(Order)),
        ["gzip 401"] = context => GzipAsync(context, 401),
        ["gzip 403"] = context => GzipAsync(context, 403),
        ["large"] = context => SayAsync(context, 403, $$"""{"x":"{{new string('x', 300_000)}}","errcode":"M_UNKNOWN_TOKEN"}"""),
        ["large 401"] = context => SayAsync(context, 401, Order + new string(' ', 20_000_000)),
        ["HTML"] = context => SayAsync(context, 401, "<html>", "text/html"),
        ["nothing"] = context => SayAsync(context, 401, ""),
        ["a list"] = context => SayAsync(context, 401, "[]"),
        ["an empty object"] = context => SayAsync(context, 401, "{}"),
        ["half a body"] = async context =>
        {
            context.Response.ContentLength = 1000;
            await SayAsync(context, 401, Order);
            await context.Response.Body.FlushAsync();
            context.Abort();
        },
        ["half a chunk"] = async context =>
        {
            await SayAsync(context, 403, Order[..30]);
            await context.Response.Body.FlushAsync();
            context.Abort();
        },
    };

    [Fact]
    public async Task No_lie_of_the_homeserver_makes_a_live_device_erase()
    {
        await using var gateway = await TestGateway.StartAsync();
        using var alice = await gateway.SignInAsync(await gateway.EnrolAsync("alice"));
        using var before = await alice.GetAsync("/_matrix/client/v3/account/whoami");

        var faults = new List<string>();
        foreach (var (name, lie) in Lies)
        {
            Interfere(gateway, lie);
            using var reply = await alice.GetAsync("/_matrix/client/v3/joined_rooms");
            var body = await reply.Content.ReadAsStringAsync();
            var ours = reply.Content.Headers is { ContentType.MediaType: "application/json", ContentEncoding.Count: 0 }
                && JsonNode.Parse(body) is JsonObject error && (string?)error["errcode"] == "M_UNKNOWN";
            if (!ours || reply.StatusCode == HttpStatusCode.Unauthorized)
            {
                faults.Add($"{name}: {(int)reply.StatusCode} {body[..Math.Min(80, body.Length)]}");
            }
        }

        gateway.Homeserver.Interfere = _ => Task.FromResult(false);
        await gateway.Service<SessionKeeper>().KeepOnceAsync(default);
        using var after = await alice.GetAsync("/_matrix/client/v3/account/whoami");
        Assert.True(faults.Count == 0, string.Join('\n', faults));
        Assert.Equal(HttpStatusCode.OK, after.StatusCode);
    }

    [Theory]
    [InlineData(403, """{"errcode":"M_FORBIDDEN","error":"no"}""")]
    [InlineData(404, """{"errcode":"M_NOT_FOUND","error":"\ud83d\udc9a"}""")]
    [InlineData(413, """{"errcode":"M_TOO_LARGE","error":"no"}""")]
    [InlineData(500, """{"errcode":"M_UNKNOWN","error":"Internal server error"}""")]
    [InlineData(400, """{"error":"of old"}""")]
    public async Task An_honest_refusal_passes_as_it_was_said(int status, string body)
    {
        await using var gateway = await TestGateway.StartAsync();
        using var alice = await gateway.SignInAsync(await gateway.EnrolAsync("alice"));
        Interfere(gateway, context => SayAsync(context, status, body));

        using var reply = await alice.GetAsync("/_matrix/client/v3/joined_rooms");

        Assert.Equal(status, (int)reply.StatusCode);
        Assert.Equal(body, await reply.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task A_refusal_in_another_language_than_Matrix_is_put_into_its_words()
    {
        await using var gateway = await TestGateway.StartAsync();
        using var alice = await gateway.SignInAsync(await gateway.EnrolAsync("alice"));
        Interfere(gateway, context => SayAsync(context, 413, "<html>Request Entity Too Large</html>", "text/html"));

        using var reply = await alice.GetAsync("/_matrix/client/v3/joined_rooms");

        Assert.Equal(413, (int)reply.StatusCode);
        Assert.Equal("M_UNKNOWN", (string?)JsonNode.Parse(await reply.Content.ReadAsStringAsync())!["errcode"]);
    }

    [Theory]
    [InlineData(300)]
    [InlineData(301)]
    [InlineData(302)]
    [InlineData(303)]
    [InlineData(305)]
    [InlineData(307)]
    [InlineData(308)]
    public async Task A_redirect_leads_nowhere(int status)
    {
        await using var gateway = await TestGateway.StartAsync();
        using var alice = await gateway.SignInAsync(await gateway.EnrolAsync("alice"));
        Interfere(gateway, context =>
        {
            context.Response.Headers.Location = "http://127.0.0.1:8008/_synapse/admin/v1/users";
            return SayAsync(context, status, "{}");
        });
        gateway.Homeserver.Requests.Clear();

        using var reply = await alice.GetAsync("/_matrix/client/v3/joined_rooms");

        Assert.Equal(HttpStatusCode.ServiceUnavailable, reply.StatusCode);
        Assert.Null(reply.Headers.Location);
        Assert.Single(gateway.Homeserver.Requests, request => request.Headers["X-Forwarded-For"] == "198.19.0.2");
    }

    [Fact]
    public async Task What_is_not_modified_is_not_a_redirect()
    {
        await using var gateway = await TestGateway.StartAsync();
        using var alice = await gateway.SignInAsync(await gateway.EnrolAsync("alice"));
        Interfere(gateway, context =>
        {
            context.Response.StatusCode = 304;
            context.Response.Headers.ETag = "\"a\"";
            return Task.CompletedTask;
        });

        using var reply = await alice.GetAsync("/_matrix/client/v1/media/download/chat.example/a");

        Assert.Equal(HttpStatusCode.NotModified, reply.StatusCode);
        Assert.Equal("\"a\"", reply.Headers.ETag!.Tag);
    }

    [Fact]
    public async Task Of_its_headers_only_those_of_the_content_reach_the_member()
    {
        await using var gateway = await TestGateway.StartAsync();
        using var alice = await gateway.SignInAsync(await gateway.EnrolAsync("alice"));
        string[] dropped = ["Set-Cookie", "Server", "Alt-Svc", "Via", "X-Hop", "Keep-Alive", "Refresh", "Clear-Site-Data", "Strict-Transport-Security", "Link", "WWW-Authenticate", "X-Forwarded-For", "Service-Worker-Allowed"];
        Interfere(gateway, context =>
        {
            foreach (var name in dropped)
            {
                context.Response.Headers[name] = "a=b";
            }

            context.Response.Headers.Connection = "X-Hop";
            context.Response.Headers.ContentSecurityPolicy = "sandbox";
            context.Response.Headers.CacheControl = "private";
            context.Response.Headers.ContentDisposition = "attachment; filename=\"a.jpg\"";
            return SayAsync(context, 200, "{}");
        });

        using var reply = await alice.GetAsync("/_matrix/client/v1/media/download/chat.example/a");
        var body = await reply.Content.ReadAsStringAsync();

        Assert.Equal("{}", body);
        Assert.Equal(
            ["Cache-Control", "Content-Disposition", "Content-Security-Policy", "Content-Type", "Date"],
            reply.Headers.Concat(reply.Content.Headers).Select(header => header.Key).Where(name => name is not ("Content-Length" or "Transfer-Encoding")).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Nothing_comes_behind_its_content()
    {
        using var reply = new HttpResponseMessage { TrailingHeaders = { { "X-Trailer", "a=b" } } };
        var context = new DefaultHttpContext();
        IHttpResponseTrailersFeature trailers = new TrailersFeature();
        context.Features.Set(trailers);

        await new HomeserverTransformer(null!, null!).TransformResponseTrailersAsync(context, reply, default);

        Assert.Empty(trailers.Trailers);
    }

    [Fact]
    public async Task A_reply_that_breaks_off_is_not_taken_for_a_whole_one()
    {
        await using var gateway = await TestGateway.StartAsync();
        using var alice = await gateway.SignInAsync(await gateway.EnrolAsync("alice"));
        Interfere(gateway, async context =>
        {
            await SayAsync(context, 200, "{\"rooms\":");
            await context.Response.Body.FlushAsync();
            context.Abort();
        });

        await Assert.ThrowsAnyAsync<HttpRequestException>(() => alice.GetStringAsync("/_matrix/client/v3/joined_rooms"));
    }

    private static void Interfere(TestGateway gateway, Func<HttpContext, Task> answer) => gateway.Homeserver.Interfere = async context =>
    {
        if (context.Request.Headers["X-Forwarded-For"] == "127.0.0.1")
        {
            return false;
        }

        await answer(context);
        return true;
    };

    private static Task SayAsync(HttpContext context, int status, string text, string? type = "application/json") =>
        BytesAsync(context, status, Encoding.UTF8.GetBytes(text), type);

    private static async Task BytesAsync(HttpContext context, int status, byte[] bytes, string? type = "application/json")
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = type;
        await context.Response.Body.WriteAsync(bytes);
    }

    private static async Task GzipAsync(HttpContext context, int status)
    {
        context.Response.Headers.ContentEncoding = "gzip";
        using var packed = new MemoryStream();
        await using (var gzip = new GZipStream(packed, CompressionLevel.Fastest, leaveOpen: true))
        {
            await gzip.WriteAsync(Encoding.UTF8.GetBytes(Order));
        }

        await BytesAsync(context, status, packed.ToArray());
    }

    private sealed class TrailersFeature : IHttpResponseTrailersFeature
    {
        public IHeaderDictionary Trailers { get; set; } = new HeaderDictionary();
    }
}
