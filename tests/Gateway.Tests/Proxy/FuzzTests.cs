using System.Text;
using System.Text.RegularExpressions;
using Gateway.Tests.Testing;

namespace Gateway.Tests.Proxy;

/// <summary>
/// What must hold whatever is sent. A few seconds with each run of the tests; GATEWAY_FUZZ_MINUTES=30 makes each go on for so
/// long, and GATEWAY_FUZZ_SEED, which every run prints, repeats it. What was found is kept as cases in Corpus/.
/// </summary>
public sealed partial class FuzzTests
{
    /// <summary>What may stand after the version, said a second time and in another way than the program says it.</summary>
    private static readonly string[] Shut =
        ["register", "admin", "auth", "login", "refresh", "appservice", "tokenrefresh", "password_policy", "account_validity", "org.matrix.msc4140", "org.matrix.msc3814.v1", "org.matrix.msc3882", "org.matrix.msc4108", "io.element.msc4388"];

    [Fact]
    public async Task Nothing_reaches_the_homeserver_that_a_second_reader_would_not_let_through()
    {
        await using var gateway = await TestGateway.StartAsync(("Login:GrantMinutes", "1440"));
        var member = await RawMember.SignInAsync(gateway);

        var through = 0;

        var count = Fuzz.Repeat(FuzzCases.Requests(member.Token), one =>
        {
            var (answer, received) = member.SendAsync(one.Request).GetAwaiter().GetResult();
            Assert.DoesNotContain("HTTP/1.1 500", answer, StringComparison.Ordinal);
            Assert.DoesNotContain("M_UNKNOWN_TOKEN", answer, StringComparison.Ordinal);
            foreach (var request in received)
            {
                through++;
                Assert.Equal(member.Address, request.Headers["X-Forwarded-For"]);
                if (request is { Method: "GET", Target: "/_matrix/client/v3/account/whoami" } && request.Headers["Host"] != "chat.example")
                {
                    // The gateway's own question, before it ends a session (GuardedActs).
                    Assert.Equal($"Bearer {member.Token}", request.Headers["Authorization"]);
                    continue;
                }

                Assert.Equal("chat.example", request.Headers["Host"]);
                Assert.False(request.Headers.ContainsKey("Forwarded"));
                Assert.True(request.Target == "/_matrix/client/versions" || request.Headers["Authorization"] == $"Bearer {member.Token}", "a bound token");
                Assert.Contains($" {request.Target} ", Encoding.Latin1.GetString(one.Request), StringComparison.Ordinal);
                Assert.True(IsAllowed(request.Target), request.Target);
            }
        });
        Assert.True(through > count / 20, $"{through} of {count} came through: the cases are near enough to real ones");
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

        if ((words is [_, _, _, _, "user", _, "openid", ..]) || (words.Length > 4 && words[4] == "account" && words[^1] != "whoami"))
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

    [GeneratedRegex("^/_matrix/(client/(r0|v1|v3|unstable)/.|client/versions$|media/(r0|v1|v3)/.)", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex PrefixPattern();
}
