using System.Net;
using System.Text.Json.Nodes;
using Gateway.Drills;

namespace Gateway.Tests.Drills;

/// <summary>What a drill calls shut, and what it does not.</summary>
public sealed class DrillJudgeTests
{
    private const string Erase = """{"errcode":"M_UNKNOWN_TOKEN","error":"gone","soft_logout":false}""";

    [Theory]
    [InlineData(null, 12, null, null)]
    [InlineData(null, 12, 401, Erase)]
    [InlineData(8, 12, null, null)]
    public void A_request_that_was_open_and_is_cut_is_well(int? answered, int ended, int? status, string? body) =>
        DrillJudge.OpenRequest(new(answered, ended, Answer(status, body)), revokedAt: 10);

    [Theory]
    [InlineData(null, 9, null, null, "had ended before (cut)")]
    [InlineData(null, 9, 502, "{}", "had ended before (502)")]
    [InlineData(11, 12, 401, Erase, "answered after the revocation")]
    [InlineData(null, 12, 503, "{}", "ended with 503")]
    [InlineData(null, 12, 401, """{"errcode":"M_MISSING_TOKEN"}""", "ended with 401 M_MISSING_TOKEN")]
    public void One_that_was_not_open_or_was_answered_is_not(int? answered, int ended, int? status, string? body, string why) =>
        Fails(() => DrillJudge.OpenRequest(new(answered, ended, Answer(status, body)), revokedAt: 10), why);

    [Theory]
    [InlineData(200, "{}", "still opens everything")]
    [InlineData(403, """{"errcode":"M_FORBIDDEN"}""", "erases nothing")]
    [InlineData(401, """{"errcode":"M_UNKNOWN_TOKEN","soft_logout":true}""", "erases nothing")]
    [InlineData(401, """{"errcode":1}""", "refused with 401, which")]
    [InlineData(503, "{}", "erases nothing")]
    public void A_token_that_is_not_refused_with_the_order_to_erase_is_not(int status, string body, string why) =>
        Fails(() => DrillJudge.Token(Answer(status, body)!), why);

    [Theory]
    [InlineData(200, "still opens a session")]
    [InlineData(503, "answered 503, not 403")]
    public void A_code_that_is_not_refused_is_not(int status, string why) => Fails(() => DrillJudge.Code(Answer(status, "{}")!), why);

    [Fact]
    public void What_is_refused_as_it_should_be_is_well()
    {
        Assert.Contains("told to erase", DrillJudge.Token(Answer(401, Erase)!), StringComparison.Ordinal);
        Assert.Contains("opens nothing", DrillJudge.Code(Answer(403, "{}")!), StringComparison.Ordinal);
        Assert.Contains("gone", DrillJudge.Session(Answer(401, Erase)!), StringComparison.Ordinal);
        Assert.Null(DrillJudge.Session(Answer(200, "{}")!));
        Assert.Null(DrillJudge.Session(Answer(502, "{}")!));
    }

    [Fact]
    public void An_answer_does_not_print_what_is_in_it() =>
        Assert.Equal("200", Answer(200, """{"access_token":"syt_secret"}""")!.ToString());

    private static void Fails(Action judge, string why) => Assert.Contains(why, Assert.Throws<DrillException>(judge).Message, StringComparison.Ordinal);

    private static DrillAnswer? Answer(int? status, string? body) => status is { } code ? new((HttpStatusCode)code, JsonNode.Parse(body!)!.AsObject()) : null;
}
