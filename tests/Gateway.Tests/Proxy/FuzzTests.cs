using System.Globalization;
using System.Net;
using System.Text;
using System.Text.RegularExpressions;
using FsCheck;
using FsCheck.Fluent;
using Gateway.Tests.Testing;

namespace Gateway.Tests.Proxy;

/// <summary>
/// What must hold whatever is sent. A few seconds with each run of the tests; GATEWAY_FUZZ_MINUTES=30 goes on for so long. A
/// failure names the case; the seed that FsCheck prints with it repeats the run.
/// </summary>
public sealed partial class FuzzTests
{
    private const int Batch = 1500;

    /// <summary>What may stand after the version, said a second time and in another way than the program says it.</summary>
    private static readonly string[] Shut =
        ["register", "admin", "auth", "login", "refresh", "appservice", "tokenrefresh", "password_policy", "account_validity", "org.matrix.msc4140", "org.matrix.msc3814.v1", "org.matrix.msc3882", "org.matrix.msc4108", "io.element.msc4388"];

    private static TimeSpan Time => double.TryParse(Environment.GetEnvironmentVariable("GATEWAY_FUZZ_MINUTES"), CultureInfo.InvariantCulture, out var minutes)
        ? TimeSpan.FromMinutes(minutes)
        : TimeSpan.Zero;

    [Fact]
    public async Task Nothing_reaches_the_homeserver_that_a_second_reader_would_not_let_through()
    {
        await using var gateway = await TestGateway.StartAsync(("Login:GrantMinutes", "1440"));
        var member = await RawMember.SignInAsync(gateway);

        var through = 0;

        var count = Repeat(FuzzCases.Requests(member.Token), one =>
        {
            var (answer, received) = member.SendAsync(one.Request).GetAwaiter().GetResult();
            Assert.DoesNotContain("HTTP/1.1 500", answer, StringComparison.Ordinal);
            Assert.DoesNotContain("M_UNKNOWN_TOKEN", answer, StringComparison.Ordinal);
            foreach (var request in received)
            {
                through++;
                Assert.Equal(member.Address, request.Headers["X-Forwarded-For"]);
                Assert.Equal("chat.example", request.Headers["Host"]);
                Assert.False(request.Headers.ContainsKey("Forwarded"));
                Assert.True(request.Target == "/_matrix/client/versions" || request.Headers["Authorization"] == $"Bearer {member.Token}", "a bound token");
                Assert.Contains($" {request.Target} ", Encoding.Latin1.GetString(one.Request), StringComparison.Ordinal);
                Assert.True(IsAllowed(request.Target), request.Target);
            }
        });
        Assert.True(through > count / 20, $"{through} of {count} came through: the cases are near enough to real ones");
    }

    [Fact]
    public async Task No_login_body_opens_a_session_or_breaks_the_gateway()
    {
        await using var gateway = await TestGateway.StartAsync(("Login:GrantMinutes", "1440"));
        var enrolment = await gateway.EnrolAsync("alice");
        using var client = gateway.At(enrolment.Device.TunnelAddress);

        Repeat(FuzzCases.Logins(), body =>
        {
            gateway.Clock.Advance(TimeSpan.FromSeconds(1));
            using var content = new StringContent(body, Encoding.UTF8, "application/json");
            using var reply = client.PostAsync("/_matrix/client/v3/login", content).GetAwaiter().GetResult();
            Assert.True(reply.StatusCode is HttpStatusCode.BadRequest or HttpStatusCode.Forbidden or HttpStatusCode.TooManyRequests, $"{reply.StatusCode}");
            Assert.Contains("\"errcode\":\"M_", reply.Content.ReadAsStringAsync().GetAwaiter().GetResult(), StringComparison.Ordinal);
        });
        Assert.Empty(gateway.Homeserver.Accounts["alice"]);
    }

    /// <summary>By decoding three times and looking for words, not by matching a table.</summary>
    private static bool IsAllowed(string target)
    {
        var path = target.Split('?')[0];
        if (!PrefixPattern().IsMatch(path) || path.Contains('\\', StringComparison.Ordinal) || path.Any(c => c is <= ' ' or >= '\x7f'))
        {
            return false;
        }

        var words = path.Split('/');
        if (words.Length > 4 && Shut.Contains(words[4], StringComparer.Ordinal))
        {
            return false;
        }

        if (path.Contains("/openid/", StringComparison.Ordinal) || (words.Length > 4 && words[4] == "account" && words[^1] != "whoami"))
        {
            return false;
        }

        var query = target.Contains('?', StringComparison.Ordinal) ? target[target.IndexOf('?', StringComparison.Ordinal)..] : "";
        for (var depth = 0; depth < 3; depth++)
        {
            if (query.Split('?', '&', ';').Any(pair => depth < 2 && Uri.UnescapeDataString(pair.Split('=')[0]) is "access_token" or "user_id" or "org.matrix.msc4140.delay"))
            {
                return false;
            }

            path = Uri.UnescapeDataString(path);
            if (path.Split('/', '\\').Any(part => part.Split(';')[0] is "." or "..") || path.Any(char.IsControl))
            {
                return false;
            }
        }

        return true;
    }

    private static int Repeat<T>(Gen<T> cases, Action<T> check)
    {
        var start = TimeProvider.System.GetTimestamp();
        var count = 0;
        do
        {
            Check.One(Config.QuickThrowOnFailure.WithMaxTest(Batch).WithQuietOnSuccess(true), Prop.ForAll(cases.ToArbitrary(), check));
            count += Batch;
            if (count % 60_000 == 0)
            {
                TestContext.Current.SendDiagnosticMessage($"{count} cases");
            }
        }
        while (TimeProvider.System.GetElapsedTime(start) < Time);
        TestContext.Current.TestOutputHelper?.WriteLine($"{count} cases in {TimeProvider.System.GetElapsedTime(start)}");
        return count;
    }

    [GeneratedRegex("^/_matrix/(client/(r0|v1|v3|unstable)/.|client/versions$|media/(r0|v1|v3)/.)", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex PrefixPattern();
}
