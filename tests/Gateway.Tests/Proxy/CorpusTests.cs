using System.Text;
using Gateway.Tests.Testing;

namespace Gateway.Tests.Proxy;

/// <summary>
/// The corpora in Corpus/, each case against the whole gateway, from raw bytes on a TLS connection to what the homeserver
/// received. All that fail are named at once.
/// </summary>
public sealed class CorpusTests
{
    private const string Host = "Host: chat.example\\r\\n";

    [Fact]
    public async Task Targets_arrive_byte_for_byte_or_not_at_all()
    {
        await using var gateway = await TestGateway.StartAsync();
        var member = await RawMember.SignInAsync(gateway);
        var cases = CorpusCase.Read("targets.txt");

        var faults = new List<string>();
        foreach (var (expected, text) in cases)
        {
            var (answer, received) = await member.SendAsync(CorpusCase.Bytes($"{text} HTTP/1.1\\r\\n{Host}Authorization: Bearer {member.Token}\\r\\nContent-Length: 0\\r\\n\\r\\n"));
            var right = expected == "pass"
                ? received is [var one] && $"{one.Method} {one.Target}" == text && one.Headers["X-Forwarded-For"] == member.Address
                : received.Count == 0 && !answer.StartsWith("HTTP/1.1 5", StringComparison.Ordinal);
            Note(faults, right, expected, text, answer, received);
        }

        Assert.True(cases.Count >= 400, "the corpus is read");
        Assert.True(faults.Count == 0, string.Join('\n', faults));
    }

    [Fact]
    public async Task Of_a_request_in_bytes_nothing_hidden_reaches_the_homeserver()
    {
        await using var gateway = await TestGateway.StartAsync();
        var member = await RawMember.SignInAsync(gateway);
        var auth = $"Authorization: Bearer {member.Token}\\r\\n";

        var faults = new List<string>();
        foreach (var (expected, text) in CorpusCase.Read("requests.txt"))
        {
            var (name, bytes) = (text.Split(' ')[0], text[(text.IndexOf(' ', StringComparison.Ordinal) + 1)..]);
            bytes = bytes
                .Replace("{post}", $"POST /_matrix/client/v3/search HTTP/1.1\\r\\n{Host}{auth}", StringComparison.Ordinal)
                .Replace("{host}", Host, StringComparison.Ordinal)
                .Replace("{auth}", auth, StringComparison.Ordinal);
            var (answer, received) = await member.SendAsync(CorpusCase.Bytes(bytes));
            var right = expected == "once"
                ? received is [{ Method: "POST", Target: "/_matrix/client/v3/search" } one] && one.Headers["X-Forwarded-For"] == member.Address
                : received.Count == 0;
            Note(faults, right, expected, name, answer, received);
        }

        Assert.True(faults.Count == 0, string.Join('\n', faults));
    }

    [Fact]
    public async Task Of_the_headers_only_known_ones_pass()
    {
        await using var gateway = await TestGateway.StartAsync();
        var member = await RawMember.SignInAsync(gateway);
        var start = $"GET /_matrix/client/v3/joined_rooms HTTP/1.1\r\nHost: chat.example\r\nAuthorization: Bearer {member.Token}\r\n";

        var faults = new List<string>();
        foreach (var (expected, line) in CorpusCase.Read("headers.txt"))
        {
            var (answer, received) = await member.SendAsync(Encoding.Latin1.GetBytes($"{start}{line}\r\n\r\n"));
            var (name, value) = (line.Split(':')[0], line[(line.IndexOf(':', StringComparison.Ordinal) + 1)..].Trim());
            var right = expected == "shut" ? received.Count == 0 : received is [var one] && IsRight(expected, one, name, value, member);
            Note(faults, right, expected, line, answer, received);
        }

        Assert.True(faults.Count == 0, string.Join('\n', faults));
    }

    [Fact]
    public async Task Http2_s_fields_have_one_meaning_or_none()
    {
        await using var gateway = await TestGateway.StartAsync();
        var member = await RawMember.SignInAsync(gateway);

        var faults = new List<string>();
        foreach (var (expected, text) in CorpusCase.Read("http2.txt"))
        {
            var (name, rest) = (text.Split(' ')[0], text[(text.IndexOf(' ', StringComparison.Ordinal) + 1)..]);
            var fields = rest.Replace("{token}", member.Token, StringComparison.Ordinal).Split('|')
                .Select(field => (Name: field[..field.IndexOf('=', 1)], Value: Encoding.Latin1.GetString(CorpusCase.Bytes(field[(field.IndexOf('=', 1) + 1)..]))));
            var (answer, received) = await member.SendHttp2Async(fields);
            var right = expected == "once"
                ? answer == "200" && received is [{ Method: "GET", Target: "/_matrix/client/v3/joined_rooms" } one] && one.Headers["X-Forwarded-For"] == member.Address
                : received.Count == 0;
            Note(faults, right, expected, name, answer, received);
        }

        Assert.True(faults.Count == 0, string.Join('\n', faults));
    }

    /// <summary>What the homeserver always receives, whatever the member said, and beyond it the header if it is one to keep.</summary>
    private static bool IsRight(string expected, FakeHomeserver.Received one, string name, string value, RawMember member)
    {
        var ours = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase)
        {
            ["Host"] = "chat.example",
            ["Authorization"] = $"Bearer {member.Token}",
            ["X-Forwarded-For"] = member.Address,
            ["X-Forwarded-Proto"] = "https",
        };
        if (expected == "kept")
        {
            ours.Add(name, value);
        }

        return ours.Count == one.Headers.Count && ours.All(header => one.Headers.GetValueOrDefault(header.Key) == header.Value);
    }

    private static void Note(List<string> faults, bool right, string expected, string what, string answer, IReadOnlyList<FakeHomeserver.Received> received)
    {
        if (!right)
        {
            faults.Add($"{expected}: {what} → {answer.Split('\r')[0]}, received: {string.Join(" and ", received.Select(one => $"{one.Method} {one.Target} [{string.Join("; ", one.Headers)}]"))}");
        }
    }
}
