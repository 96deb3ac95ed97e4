using System.Net;
using System.Text;
using Gateway.Tests.Testing;

namespace Gateway.Tests.Proxy;

/// <summary>
/// What the gateway answers itself: whatever is sent, there is no session without a proof, no fault of ours, nothing that makes a live
/// device erase, and nothing of it reaches the homeserver. See <see cref="FuzzTests"/>.
/// </summary>
public sealed class LoginFuzzTests
{
    private const string Authorize = "/oauth2/authorize?response_type=code&client_id=element-x-android&redirect_uri=io.element.android%3A%2F&code_challenge_method=S256&"
        + "code_challenge=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA&scope=urn%3Amatrix%3Aclient%3Aapi%3A*%20urn%3Amatrix%3Aclient%3Adevice%3AELEMENTXID";

    [Fact]
    public async Task No_login_body_opens_a_session_or_breaks_the_gateway()
    {
        await using var gateway = await TestGateway.StartAsync(("Login:GrantMinutes", "1440"));
        var enrolment = await gateway.EnrolAsync("alice");
        using var client = gateway.At(enrolment.Device.TunnelAddress);
        var rounds = 0;

        Fuzz.Repeat(FuzzCases.Logins(), body =>
        {
            Prepare(gateway, rounds++);
            using var content = new StringContent(body, Encoding.UTF8, "application/json");
            using var reply = Send(gateway, client, HttpMethod.Post, "/_matrix/client/v3/login", content, out var text);
            Assert.True(reply.StatusCode is HttpStatusCode.BadRequest or HttpStatusCode.Forbidden or HttpStatusCode.TooManyRequests, $"{reply.StatusCode}");
            Assert.Contains("\"errcode\":\"M_", text, StringComparison.Ordinal);
        });
        Assert.Empty(gateway.Homeserver.Accounts["alice"]);
        Assert.Empty(gateway.Device("alice/phone").Sessions);
    }

    [Fact]
    public async Task No_JSON_of_a_live_device_opens_or_ends_a_session()
    {
        await using var gateway = await TestGateway.StartAsync();
        var enrolment = await gateway.EnrolAsync("alice");
        using var client = await gateway.SignInAsync(enrolment);
        using var used = await client.GetAsync("/_matrix/client/v3/account/whoami");
        var known = gateway.Homeserver.Accounts["alice"].Keys.ToList();
        gateway.Homeserver.Accounts["alice"]["ANOTHER"] = "syt_another";

        Fuzz.Repeat(FuzzCases.JsonRequests(), one =>
        {
            gateway.Clock.Advance(TimeSpan.FromMilliseconds(25));
            using var content = new StringContent(one.Body, Encoding.UTF8, "application/json");
            using var reply = Send(gateway, client, new HttpMethod(one.Method), one.Target, content, out var text);
            AssertHarmless(reply, text);
            Assert.True(reply.IsSuccessStatusCode || text.Contains("\"errcode\":\"M_", StringComparison.Ordinal) || text.Contains("\"flows\":", StringComparison.Ordinal) || text.Contains("\"error\":", StringComparison.Ordinal), text);
        });

        // It may end its own by name, which none of the bodies knows.
        Assert.Equal(known.Append("ANOTHER").Order(StringComparer.Ordinal), gateway.Homeserver.Accounts["alice"].Keys.Order(StringComparer.Ordinal));
        Assert.DoesNotContain(gateway.Homeserver.Requests, request => request.Target.EndsWith("/login", StringComparison.Ordinal) && request.Headers["X-Forwarded-For"] != "127.0.0.1");
    }

    [Fact]
    public async Task No_form_of_OAuth_or_of_the_page_gets_a_session_without_a_proof()
    {
        await using var gateway = await TestGateway.StartAsync(("Login:GrantMinutes", "1440"));
        var enrolment = await gateway.EnrolAsync("alice", os: "android");
        using var client = await gateway.SignInAsync(enrolment);
        using var used = await client.GetAsync("/_matrix/client/v3/account/whoami");
        client.DefaultRequestHeaders.Authorization = null;
        var rounds = 0;
        var page = (Path: "/sign-in/x", Cookie: "", Token: "");

        Fuzz.Repeat(FuzzCases.Forms(), one =>
        {
            Prepare(gateway, rounds);
            if (rounds++ % 20 == 0)
            {
                page = OpenPage(client);
            }

            var target = one.Target.Replace("{page}", page.Path, StringComparison.Ordinal);
            using var content = one.Method == "GET" ? null : new StringContent(one.Body.Replace("{token}", page.Token, StringComparison.Ordinal));
            if (content is not null)
            {
                content.Headers.Remove("Content-Type");
                content.Headers.TryAddWithoutValidation("Content-Type", one.Type);
            }

            using var reply = Send(gateway, client, new HttpMethod(one.Method), target, content, out var text, page.Cookie);
            AssertHarmless(reply, text);
            var leads = WebUtility.HtmlDecode(text) + reply.Headers.Location;
            Assert.DoesNotContain("loginToken=", leads, StringComparison.Ordinal);
            Assert.DoesNotContain("?code=", leads, StringComparison.Ordinal);
            Assert.True(reply.Headers.Location is null || reply.Headers.Location.OriginalString.StartsWith("/sign-in/", StringComparison.Ordinal), leads);
            Assert.False(one.Body.StartsWith("grant_type=refresh_token&", StringComparison.Ordinal) && text.Contains("invalid_grant", StringComparison.Ordinal), "clients erase on it");
        });
        Assert.Single(gateway.Homeserver.Accounts["alice"]);
        Assert.Single(gateway.Device("alice/phone").Sessions);
    }

    /// <summary>Time goes by, so that neither the rate nor the throttle is what is tested; and a grant is always armed.</summary>
    private static void Prepare(TestGateway gateway, int rounds)
    {
        gateway.Clock.Advance(TimeSpan.FromMilliseconds(25));
        if (rounds % 500 == 0)
        {
            gateway.Admin.AllowLoginAsync("alice/phone", default).GetAwaiter().GetResult();
        }
    }

    private static HttpResponseMessage Send(TestGateway gateway, HttpClient client, HttpMethod method, string target, HttpContent? content, out string text, string cookie = "")
    {
        using var request = new HttpRequestMessage(method, new Uri("https://chat.example" + target, new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true })) { Content = content };
        if (cookie.Length > 0)
        {
            request.Headers.Add("Cookie", cookie);
        }

        var reply = client.SendAsync(request).GetAwaiter().GetResult();
        text = reply.Content.ReadAsStringAsync().GetAwaiter().GetResult();
        if (reply.StatusCode == HttpStatusCode.TooManyRequests)
        {
            gateway.Clock.Advance(TimeSpan.FromMinutes(1));
        }

        return reply;
    }

    private static void AssertHarmless(HttpResponseMessage reply, string text)
    {
        Assert.True((int)reply.StatusCode < 500 || text.Contains("This server issues no refresh tokens", StringComparison.Ordinal), $"{reply.StatusCode} {text}");
        Assert.DoesNotContain("M_UNKNOWN_TOKEN", text, StringComparison.Ordinal);
        Assert.DoesNotContain("\"access_token\":", text, StringComparison.Ordinal);
    }

    /// <summary>A sign-in under way on this device, with all that its own browser knows of it.</summary>
    private static (string Path, string Cookie, string Token) OpenPage(HttpClient client)
    {
        using var reply = client.GetAsync(Authorize).GetAwaiter().GetResult();
        var text = reply.Content.ReadAsStringAsync().GetAwaiter().GetResult();
        Assert.Equal(HttpStatusCode.OK, reply.StatusCode);
        return (Between(text, "action=\""), reply.Headers.GetValues("Set-Cookie").Single().Split(';')[0], Between(text, "name=\"token\" value=\""));
    }

    private static string Between(string text, string start) => text[(text.IndexOf(start, StringComparison.Ordinal) + start.Length)..].Split('"')[0];
}
