using System.Text;
using Gateway.Admin.Access;
using Gateway.Tests.Testing;

namespace Gateway.Tests.Admin.Access;

/// <summary>The authenticator app's codes, and how often they may be tried.</summary>
public sealed class CodeTests
{
    private static readonly byte[] Secret = "12345678901234567890"u8.ToArray();

    /// <summary>RFC 6238, appendix B, the last six digits.</summary>
    [Theory]
    [InlineData(59, "287082")]
    [InlineData(1111111109, "081804")]
    [InlineData(1111111111, "050471")]
    [InlineData(1234567890, "005924")]
    [InlineData(2000000000, "279037")]
    [InlineData(20000000000, "353130")]
    public void Codes_are_those_of_the_standard(long seconds, string code)
    {
        Assert.Equal(code, Totp.Code(Secret, seconds / 30));
        Assert.Equal(seconds / 30, Totp.Step(Secret, code, DateTimeOffset.FromUnixTimeSeconds(seconds)));
    }

    [Theory]
    [InlineData(-2, false)]
    [InlineData(-1, true)]
    [InlineData(1, true)]
    [InlineData(2, false)]
    public void A_phones_clock_may_differ_by_one_step(int steps, bool taken)
    {
        var now = DateTimeOffset.FromUnixTimeSeconds(1234567890);
        var step = now.ToUnixTimeSeconds() / 30;

        Assert.Equal(taken ? step + steps : null, Totp.Step(Secret, Totp.Code(Secret, step + steps), now));
    }

    [Theory]
    [InlineData("005 924", true)]
    [InlineData("5924", false)]
    [InlineData("", false)]
    [InlineData("0005924", false)]
    [InlineData("００５９２４", false)]
    public void A_code_is_six_digits_however_they_are_spaced(string typed, bool taken) =>
        Assert.Equal(taken, Totp.Step(Secret, typed, DateTimeOffset.FromUnixTimeSeconds(1234567890)) is not null);

    /// <summary>RFC 4648, section 10, without padding.</summary>
    [Theory]
    [InlineData("", "")]
    [InlineData("f", "MY")]
    [InlineData("fo", "MZXQ")]
    [InlineData("foo", "MZXW6")]
    [InlineData("foob", "MZXW6YQ")]
    [InlineData("fooba", "MZXW6YTB")]
    [InlineData("foobar", "MZXW6YTBOI")]
    public void Secrets_are_spelled_as_the_standard_does(string bytes, string letters) => Assert.Equal(letters, Totp.Base32(Encoding.ASCII.GetBytes(bytes)));

    [Fact]
    public async Task A_code_is_taken_once_and_none_before_it_after_it()
    {
        await using var gateway = await TestGateway.StartAsync();
        var ways = SetUp(gateway);
        gateway.Clock.Advance(TimeSpan.FromMinutes(2));
        var (before, now) = (Code(gateway, -1), Code(gateway, 0));

        Assert.Equal((ConsoleWays.App, false), ways.TryCode(now, proves: false));
        Assert.Equal((null, false), ways.TryCode(now, proves: false));
        Assert.Equal((null, false), ways.TryCode(before, proves: false));
        await gateway.RestartAsync();
        Assert.Equal((null, false), gateway.Service<ConsoleWays>().TryCode(now, proves: true));
    }

    [Fact]
    public async Task While_wrong_codes_wait_a_link_still_signs_in_and_the_wait_ends_by_itself()
    {
        await using var gateway = await TestGateway.StartAsync();
        var ways = SetUp(gateway);
        gateway.Clock.Advance(TimeSpan.FromMinutes(2));
        for (var wrong = 0; wrong < 5; wrong++)
        {
            Assert.Equal((null, false), ways.TryCode("0", proves: false));
        }

        Assert.Equal((null, true), ways.TryCode(Code(gateway, 0), proves: false));
        Assert.Equal(ConsoleWays.Link, ways.TryLink(gateway.Service<ConsoleLinks>().Make().Secret));
        gateway.Clock.Advance(TimeSpan.FromMinutes(5) - TimeSpan.FromSeconds(1));
        Assert.Equal((null, true), ways.TryCode(Code(gateway, 0), proves: false));
        gateway.Clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal((ConsoleWays.App, false), ways.TryCode(Code(gateway, 0), proves: false));
    }

    [Fact]
    public async Task Failures_are_written_down_once_a_minute()
    {
        await using var gateway = await TestGateway.StartAsync();
        var ways = gateway.Service<ConsoleWays>();
        for (var tried = 0; tried < 50; tried++)
        {
            Assert.Null(ways.TryLink("wrong"));
        }

        var first = Refusals(gateway);
        gateway.Clock.Advance(TimeSpan.FromMinutes(1));
        ways.TryLink("wrong");

        Assert.Equal((1, 2), (first, Refusals(gateway)));
    }

    /// <summary>Where a browser would leave the console, or could be made to split the answer.</summary>
    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("members")]
    [InlineData("//evil.example")]
    [InlineData("///evil.example")]
    [InlineData("/\\evil.example")]
    [InlineData("\\\\evil.example")]
    [InlineData("/members\\..\\..")]
    [InlineData("/\t/evil.example")]
    [InlineData("/\n/evil.example")]
    [InlineData("/a\r\nSet-Cookie: console=x")]
    [InlineData(" //evil.example")]
    [InlineData("https://evil.example")]
    [InlineData("https:evil.example")]
    [InlineData("javascript:alert(1)")]
    [InlineData("/é")]
    [InlineData("/\u0000")]
    public void A_page_leads_back_to_the_console_alone(string? wished) => Assert.Equal("/", LocalPath.Of(wished));

    [Theory]
    [InlineData("/")]
    [InlineData("/members?search=a%20b")]
    [InlineData("/devices/d-aaaaaaaa")]
    public void A_path_of_the_console_is_led_back_to(string wished) => Assert.Equal(wished, LocalPath.Of(wished));

    [Fact]
    public void A_path_without_end_is_none() => Assert.Equal("/", LocalPath.Of("/" + new string('a', 512)));

    private static ConsoleWays SetUp(TestGateway gateway)
    {
        var ways = gateway.Service<ConsoleWays>();
        Assert.True(ways.SetCode(Secret, Code(gateway, 0)));
        return ways;
    }

    private static string Code(TestGateway gateway, int steps) => Totp.Code(Secret, (gateway.Clock.GetUtcNow().ToUnixTimeSeconds() / 30) + steps);

    private static int Refusals(TestGateway gateway) => gateway.Audited().Count(entry => entry.Action == "console sign-in refused");
}
