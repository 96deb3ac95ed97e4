using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using Gateway.Tests.Testing;
using Microsoft.AspNetCore.Http.Features;

namespace Gateway.Tests.Proxy;

/// <summary>Bodies: how large they may be, and what is said where they are broken.</summary>
public sealed class GateBodyTests
{
    private const int Mebibyte = 1024 * 1024;

    [Theory]
    [InlineData("1.1", "POST", "/_matrix/media/v3/upload?filename=video.mp4")]
    [InlineData("2.0", "POST", "/_matrix/media/v3/upload?filename=video.mp4")]
    [InlineData("2.0", "PUT", "/_matrix/media/v3/upload/chat.example/AbCdEf")]
    public async Task Fifty_mebibytes_pass_and_one_byte_more_does_not(string version, string method, string target)
    {
        await using var gateway = await TestGateway.StartAsync();
        using var alice = await gateway.SignInAsync(await gateway.EnrolAsync("alice"));
        var received = new List<long>();
        ReceiveWhole(gateway, received);

        using var most = await alice.SendAsync(Upload(version, method, target, 50 * Mebibyte));
        using var more = await alice.SendAsync(Upload(version, method, target, (50 * Mebibyte) + 1));

        Assert.Equal(HttpStatusCode.OK, most.StatusCode);
        Assert.Equal([50L * Mebibyte], received);
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, more.StatusCode);
        Assert.Equal("M_TOO_LARGE", await ErrorOf(more));
    }

    [Fact]
    public async Task An_upload_that_does_not_say_how_large_it_is_ends_where_it_is_too_large()
    {
        await using var gateway = await TestGateway.StartAsync();
        using var alice = await gateway.SignInAsync(await gateway.EnrolAsync("alice"));
        var received = new List<long>();
        ReceiveWhole(gateway, received);
        using var request = Upload("2.0", "POST", "/_matrix/media/v3/upload", 51 * Mebibyte);
        request.Content!.Headers.ContentLength = null;

        using var reply = await alice.SendAsync(request);

        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, reply.StatusCode);
        Assert.Equal("M_TOO_LARGE", await ErrorOf(reply));
        Assert.Empty(received);
    }

    [Fact]
    public async Task What_is_no_upload_may_be_a_fifth_of_that()
    {
        await using var gateway = await TestGateway.StartAsync();
        using var alice = await gateway.SignInAsync(await gateway.EnrolAsync("alice"));
        var received = new List<long>();
        ReceiveWhole(gateway, received);

        using var most = await alice.SendAsync(Upload("2.0", "PUT", "/_matrix/client/v3/room_keys/keys?version=1", 10 * Mebibyte));
        using var more = await alice.SendAsync(Upload("2.0", "PUT", "/_matrix/client/v3/room_keys/keys?version=1", (10 * Mebibyte) + 1));

        Assert.Equal([10L * Mebibyte], received);
        Assert.Equal("M_TOO_LARGE", await ErrorOf(more));
    }

    [Theory]
    [InlineData("POST /_matrix/client/v3/search")]
    [InlineData("POST /_matrix/media/v3/upload")]
    [InlineData("POST /_matrix/client/v3/pushers/set")]
    [InlineData("POST /_matrix/client/v3/keys/device_signing/upload")]
    [InlineData("POST /_matrix/client/v3/delete_devices")]
    [InlineData("DELETE /_matrix/client/v3/devices/A")]
    [InlineData("POST /_matrix/client/v3/login")]
    [InlineData("POST /oauth2/register")]
    public async Task A_broken_body_is_told_so_in_Matrix_s_words(string start)
    {
        await using var gateway = await TestGateway.StartAsync();
        var member = await RawMember.SignInAsync(gateway);
        var head = $"{start} HTTP/1.1\r\nHost: chat.example\r\nAuthorization: Bearer {member.Token}\r\nContent-Type: application/json\r\n";

        var (broken, reached) = await member.SendAsync(Encoding.ASCII.GetBytes($"{head}Transfer-Encoding: chunked\r\n\r\nzz\r\n{{}}\r\n"));

        Assert.StartsWith("HTTP/1.1 400", broken, StringComparison.Ordinal);
        Assert.Contains("\"errcode\":\"M_", broken, StringComparison.Ordinal);
        Assert.Empty(reached);
    }

    [Theory]
    [InlineData("/_matrix/client/v3/search")]
    [InlineData("/_matrix/client/v3/pushers/set")]
    [InlineData("/_matrix/client/v3/delete_devices")]
    [InlineData("/_matrix/client/v3/login")]
    [InlineData("/oauth2/register")]
    public async Task A_body_that_is_announced_as_too_large_is_refused_unread(string path)
    {
        await using var gateway = await TestGateway.StartAsync();
        var member = await RawMember.SignInAsync(gateway);

        var (tooLarge, reached) = await member.SendAsync(Encoding.ASCII.GetBytes(
            $"POST {path} HTTP/1.1\r\nHost: chat.example\r\nAuthorization: Bearer {member.Token}\r\nContent-Length: 99999999\r\n\r\n{{}}"));

        Assert.StartsWith("HTTP/1.1 413", tooLarge, StringComparison.Ordinal);
        Assert.Contains("M_TOO_LARGE", tooLarge, StringComparison.Ordinal);
        Assert.Empty(reached);
    }

    /// <summary>With HTTP/1.1 it asks before it sends, as clients with large bodies do (RFC 9110, section 10.1.1).</summary>
    private static HttpRequestMessage Upload(string version, string method, string target, int size) => new(new HttpMethod(method), target)
    {
        Version = Version.Parse(version),
        VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        Headers = { ExpectContinue = version == "1.1" },
        Content = new ByteArrayContent(new byte[size]) { Headers = { ContentType = new MediaTypeHeaderValue("video/mp4") } },
    };

    private static void ReceiveWhole(TestGateway gateway, List<long> received) => gateway.Homeserver.Interfere = async context =>
    {
        if (context.Request.Headers["X-Forwarded-For"] == "127.0.0.1")
        {
            return false;
        }

        context.Features.GetRequiredFeature<IHttpMaxRequestBodySizeFeature>().MaxRequestBodySize = null;
        var buffer = new byte[65536];
        long size = 0;
        while (await context.Request.Body.ReadAsync(buffer) is > 0 and var read)
        {
            size += read;
        }

        received.Add(size);
        await FakeHomeserver.ReplyAsync(context, 200, "{}");
        return true;
    };

    private static async Task<string?> ErrorOf(HttpResponseMessage reply) => (string?)JsonNode.Parse(await reply.Content.ReadAsStringAsync())!["errcode"];
}
