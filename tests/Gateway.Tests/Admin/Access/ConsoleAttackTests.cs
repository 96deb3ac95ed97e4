using System.Net.Sockets;
using System.Text;
using System.Text.RegularExpressions;
using Gateway.Admin.Access;
using Gateway.Listening;
using Gateway.Tests.Testing;

namespace Gateway.Tests.Admin.Access;

/// <summary>What other sites, other programs and other readers of HTTP could send to the console, byte for byte.</summary>
public sealed class ConsoleAttackTests
{
    [Theory]
    [InlineData("evil.example:8080")]
    [InlineData("[::1]:8080")]
    [InlineData("chat.example")]
    [InlineData("localhost.evil.example")]
    [InlineData("localhost.")]
    [InlineData("evil-localhost")]
    public async Task Another_sites_name_that_leads_here_finds_nothing(string host)
    {
        await using var gateway = await TestGateway.StartAsync();

        var answer = await GetAsync(gateway, "/", SignIn(gateway), host: host);

        Assert.StartsWith("HTTP/1.1 421", answer, StringComparison.Ordinal);
        AssertProtected(answer);
    }

    [Fact]
    public async Task Loopback_by_its_number_is_led_to_its_name_and_to_nothing_else()
    {
        await using var gateway = await TestGateway.StartAsync();

        var answer = await GetAsync(gateway, "//evil.example/x", SignIn(gateway), host: "127.0.0.1:8080");

        Assert.StartsWith("HTTP/1.1 302", answer, StringComparison.Ordinal);
        Assert.Contains("\r\nLocation: http://localhost:8080/\r\n", answer, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("null")]
    [InlineData("")]
    [InlineData("https://evil.example")]
    [InlineData("https://localhost:PORT")]
    [InlineData("http://localhost")]
    [InlineData("http://localhost:1")]
    [InlineData("http://localhost:PORT1")]
    [InlineData("http://localhost:PORT.evil.example")]
    [InlineData("http://localhost.evil.example:PORT")]
    [InlineData("http://127.0.0.1:PORT")]
    [InlineData("http://evil@localhost:PORT")]
    [InlineData("http://localhost:PORT@evil.example")]
    [InlineData("http://localhost:PORT/evil")]
    [InlineData("http://localhost:PORT http://evil.example")]
    [InlineData("http://localhost:PORT\r\nOrigin: http://evil.example")]
    public async Task A_form_from_elsewhere_changes_nothing(string? origin)
    {
        await using var gateway = await TestGateway.StartAsync();
        var (session, secret) = gateway.Service<ConsoleSessions>().Open(Plane.LocalConsole, device: null, "test");
        var named = origin?.Replace("PORT", $"{gateway.ConsolePort}", StringComparison.Ordinal);

        var answer = await PostAsync(gateway, "/lock", $"console={secret}", $"token={session.FormToken}", named is null ? "" : $"Origin: {named}\r\n");

        Assert.StartsWith("HTTP/1.1 403", answer, StringComparison.Ordinal);
        AssertProtected(answer);
        Assert.Null(gateway.State.LockedSince);
    }

    [Theory]
    [InlineData("cross-site", "403")]
    [InlineData("same-site", "403")]
    [InlineData("none", "403")]
    [InlineData("same-origin", "303")]
    public async Task What_the_browser_says_of_the_form_counts_too(string site, string status)
    {
        await using var gateway = await TestGateway.StartAsync();
        var (session, secret) = gateway.Service<ConsoleSessions>().Open(Plane.LocalConsole, device: null, "test");

        var answer = await PostAsync(gateway, "/lock", $"console={secret}", $"token={session.FormToken}", $"{Own(gateway)}Sec-Fetch-Site: {site}\r\n");

        Assert.StartsWith($"HTTP/1.1 {status}", answer, StringComparison.Ordinal);
        Assert.Equal(status == "303", gateway.State.LockedSince is not null);
    }

    [Theory]
    [InlineData("")]
    [InlineData("token=")]
    [InlineData("token=x")]
    [InlineData("token=OTHER")]
    [InlineData("token=OTHER&token=OWN")]
    [InlineData("Token=OWN;")]
    public async Task A_form_without_its_sessions_own_token_changes_nothing(string form)
    {
        await using var gateway = await TestGateway.StartAsync();
        var sessions = gateway.Service<ConsoleSessions>();
        var (own, secret) = sessions.Open(Plane.LocalConsole, device: null, "test");
        var other = sessions.Open(Plane.LocalConsole, device: null, "test").Session;
        var body = form.Replace("OTHER", other.FormToken, StringComparison.Ordinal).Replace("OWN", own.FormToken, StringComparison.Ordinal);

        var answer = await PostAsync(gateway, "/lock", $"console={secret}", body, Own(gateway));

        Assert.StartsWith("HTTP/1.1 403", answer, StringComparison.Ordinal);
        Assert.Null(gateway.State.LockedSince);
    }

    [Fact]
    public async Task A_forged_cookie_is_none()
    {
        await using var gateway = await TestGateway.StartAsync();
        var own = SignIn(gateway);
        string[] forged =
        [
            "", "console=", "console=x", $"console={new string('a', 43)}", $"console={new string('a', 8000)}", own[..^1], $"{own}A",
            own.ToUpperInvariant(), own.Replace("console=", "__Host-console=", StringComparison.Ordinal), $"console=%00{own[8..]}",
        ];

        foreach (var cookie in forged)
        {
            Assert.StartsWith("HTTP/1.1 303", await GetAsync(gateway, "/", cookie), StringComparison.Ordinal);
        }

        Assert.StartsWith("HTTP/1.1 200", await GetAsync(gateway, "/", own), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/")]
    [InlineData("/sign-in")]
    [InlineData("/console.css")]
    [InlineData("/console.js")]
    [InlineData("/nothing-there")]
    [InlineData("/devices/d-zzzzzzzz")]
    [InlineData("/link/wrong")]
    [InlineData("/v1/devices")]
    [InlineData("/_matrix/client/versions")]
    public async Task Every_answer_keeps_others_out_of_the_page(string path)
    {
        await using var gateway = await TestGateway.StartAsync();
        foreach (var cookie in new[] { "", SignIn(gateway) })
        {
            var answer = await GetAsync(gateway, path, cookie);

            AssertProtected(answer);
            Assert.DoesNotMatch(new Regex("<[^>]* (?:style|on[a-z]+)=|<script(?![^>]* src=)|<style", RegexOptions.IgnoreCase, TimeSpan.FromSeconds(1)), answer);
        }
    }

    [Theory]
    [InlineData("PUT")]
    [InlineData("DELETE")]
    [InlineData("PATCH")]
    [InlineData("HEAD")]
    [InlineData("OPTIONS")]
    [InlineData("TRACE")]
    [InlineData("PROPFIND")]
    public async Task Other_methods_do_nothing(string method)
    {
        await using var gateway = await TestGateway.StartAsync();
        var cookie = SignIn(gateway);
        foreach (var path in new[] { "/", "/lock", "/v1/lock" })
        {
            var answer = await SendAsync(gateway, $"{method} {path} HTTP/1.1\r\nHost: localhost:{gateway.ConsolePort}\r\n{Own(gateway)}Cookie: {cookie}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");

            Assert.Matches("^HTTP/1.1 4[0-9]{2} ", answer);
            AssertProtected(answer);
            Assert.DoesNotContain(cookie, answer, StringComparison.Ordinal);
        }

        Assert.Null(gateway.State.LockedSince);
    }

    [Fact]
    public async Task A_form_that_is_too_long_changes_nothing()
    {
        await using var gateway = await TestGateway.StartAsync();
        var (session, secret) = gateway.Service<ConsoleSessions>().Open(Plane.LocalConsole, device: null, "test");
        foreach (var length in new[] { 20_000, 70_000 })
        {
            var answer = await PostAsync(gateway, "/lock", $"console={secret}", $"token={session.FormToken}&x={new string('x', length)}", Own(gateway));

            Assert.Matches("^HTTP/1.1 4(03|13) ", answer);
            AssertProtected(answer);
        }

        Assert.Null(gateway.State.LockedSince);
    }

    [Theory]
    [InlineData("POST /lock HTTP/1.1\r\nHost: HOST\r\nORIGINCOOKIEContent-Length: LENGTH\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\nCHUNKS")]
    [InlineData("POST /lock HTTP/1.1\r\nHost: HOST\r\nORIGINCOOKIETransfer-Encoding: gzip, chunked\r\nConnection: close\r\n\r\nCHUNKS")]
    [InlineData("POST /lock HTTP/1.1\r\nHost: HOST\r\nORIGINCOOKIEContent-Length: LENGTH\r\nContent-Length: 0\r\nConnection: close\r\n\r\nBODY")]
    [InlineData("POST /lock HTTP/1.0\r\nHost: HOST\r\nORIGINCOOKIEContent-Length: LENGTH\r\n\r\nBODY")]
    [InlineData("POST /lock HTTP/1.1\r\nHost: HOST\r\nORIGINCOOKIEUpgrade: h2c\r\nContent-Length: LENGTH\r\nConnection: close\r\n\r\nBODY")]
    [InlineData("POST /lock HTTP/1.1\r\nHost: HOST\r\nHost: evil.example\r\nORIGINCOOKIEContent-Length: LENGTH\r\nConnection: close\r\n\r\nBODY")]
    [InlineData("POST http://evil.example/lock HTTP/1.1\r\nHost: HOST\r\nORIGINCOOKIEContent-Length: LENGTH\r\nConnection: close\r\n\r\nBODY")]
    [InlineData("POST /lock HTTP/1.1\nHost: HOST\nContent-Length: LENGTH\n\nBODY")]
    public async Task What_two_readers_could_take_for_two_things_is_refused(string request)
    {
        await using var gateway = await TestGateway.StartAsync();
        var (session, secret) = gateway.Service<ConsoleSessions>().Open(Plane.LocalConsole, device: null, "test");
        var body = $"token={session.FormToken}";

        var answer = await SendAsync(gateway, request
            .Replace("HOST", $"localhost:{gateway.ConsolePort}", StringComparison.Ordinal)
            .Replace("ORIGIN", Own(gateway), StringComparison.Ordinal)
            .Replace("COOKIE", $"Cookie: console={secret}\r\nContent-Type: application/x-www-form-urlencoded\r\n", StringComparison.Ordinal)
            .Replace("LENGTH", $"{body.Length}", StringComparison.Ordinal)
            .Replace("CHUNKS", $"{body.Length:x}\r\n{body}\r\n0\r\n\r\n", StringComparison.Ordinal)
            .Replace("BODY", body, StringComparison.Ordinal));

        Assert.StartsWith("HTTP/1.1 400", answer, StringComparison.Ordinal);
        Assert.Null(gateway.State.LockedSince);
    }

    private static string SignIn(TestGateway gateway) => $"console={gateway.Service<ConsoleSessions>().Open(Plane.LocalConsole, device: null, "test").Secret}";

    private static string Own(TestGateway gateway) => $"Origin: http://localhost:{gateway.ConsolePort}\r\n";

    private static Task<string> GetAsync(TestGateway gateway, string path, string cookie, string? host = null) =>
        SendAsync(gateway, $"GET {path} HTTP/1.1\r\nHost: {host ?? $"localhost:{gateway.ConsolePort}"}\r\nCookie: {cookie}\r\nConnection: close\r\n\r\n");

    private static Task<string> PostAsync(TestGateway gateway, string path, string cookie, string form, string headers) =>
        SendAsync(
            gateway,
            $"POST {path} HTTP/1.1\r\nHost: localhost:{gateway.ConsolePort}\r\n{headers}Cookie: {cookie}\r\n"
            + $"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {form.Length}\r\nConnection: close\r\n\r\n{form}");

    private static async Task<string> SendAsync(TestGateway gateway, string request)
    {
        using var client = new TcpClient("127.0.0.1", gateway.ConsolePort);
        var stream = client.GetStream();
        await stream.WriteAsync(Encoding.Latin1.GetBytes(request));
        using var answer = new MemoryStream();
        try
        {
            await stream.CopyToAsync(answer).WaitAsync(TimeSpan.FromSeconds(10));
        }
        catch (IOException)
        {
            // It ended the connection while we were still sending: what it had said counts.
        }

        return Encoding.UTF8.GetString(answer.ToArray());
    }

    private static void AssertProtected(string answer)
    {
        var head = answer.Split("\r\n\r\n")[0];
        foreach (var header in new[] { "X-Frame-Options: DENY", "X-Content-Type-Options: nosniff", "Cross-Origin-Opener-Policy: same-origin", "Cross-Origin-Resource-Policy: same-origin", "Referrer-Policy: same-origin" })
        {
            Assert.Contains($"\r\n{header}", head, StringComparison.Ordinal);
        }

        var policy = Assert.Single(head.Split("\r\n"), line => line.StartsWith("Content-Security-Policy: ", StringComparison.Ordinal));
        Assert.Contains("default-src 'none'", policy, StringComparison.Ordinal);
        Assert.Contains("frame-ancestors 'none'", policy, StringComparison.Ordinal);
        Assert.DoesNotContain("unsafe", policy, StringComparison.Ordinal);
        Assert.DoesNotContain("*", policy, StringComparison.Ordinal);
        Assert.Contains("\r\nCache-Control: ", head, StringComparison.Ordinal);
        Assert.DoesNotContain("Access-Control-", head, StringComparison.Ordinal);
    }
}
