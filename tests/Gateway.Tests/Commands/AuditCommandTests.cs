using Gateway.Admin;

namespace Gateway.Tests.Commands;

public sealed class AuditCommandTests : IAsyncLifetime
{
    private static readonly AuditEntryView Gap = new(8, The.Now, "entries missing", null, null, null, "entries 5 to 8 are missing");

    private AdminSocket _socket = null!;

    public async ValueTask InitializeAsync() => _socket = await AdminSocket.StartAsync();

    public ValueTask DisposeAsync() => _socket.DisposeAsync();

    [Fact]
    public async Task Audit_is_a_table_of_what_was_done()
    {
        _socket.Answers<IReadOnlyList<AuditEntryView>>(
            "GET /v1/audit",
            [new(1, The.Now, "enrol", "alice", "alice/phone", "d-abcdefgh", "by admin"), new(12, The.Now.AddMinutes(1), "lock", null, null, null, null)],
            AdminJson.Default.IReadOnlyListAuditEntryView);
        var shell = new Shell(_socket);

        Assert.Equal(0, await shell.RunAsync("audit"));

        Assert.Equal(
            """
            NO  TIME                 ACTION  MEMBER  DEVICE       DETAIL
            1   2026-05-04 12:00:00  enrol   alice   alice/phone  by admin
            12  2026-05-04 12:01:00  lock    -       -

            """,
            shell.Out);
    }

    [Fact]
    public async Task Filters_are_the_gateways_to_apply()
    {
        _socket.Answers<IReadOnlyList<AuditEntryView>>("GET /v1/audit", [], AdminJson.Default.IReadOnlyListAuditEntryView);
        var shell = new Shell(_socket);

        Assert.Equal(0, await shell.RunAsync("audit --since 2026-05-04T00:00Z --device alice/phone"));

        Assert.Equal("GET /v1/audit?since=2026-05-04T00%3A00%3A00.0000000%2B00%3A00&device=alice%2Fphone", Assert.Single(_socket.Requests));
    }

    [Fact]
    public async Task Verify_says_that_all_is_whole_and_what_it_cannot_know()
    {
        _socket.Answers("GET /v1/audit/check", Whole(), AdminJson.Default.AuditCheckView);
        var shell = new Shell(_socket);

        Assert.Equal(0, await shell.RunAsync("audit --verify"));

        Assert.Equal(
            """
            Entries up to 3 were dropped on 2026-05-04 12:00:00: their days were over. The cut is signed.
            7 entries, 4 to 10: unchanged, in order, none missing.
            Whoever has this machine's keys could have rewritten all of it; only a head kept elsewhere would show that (gateway audit --head).

            """,
            shell.Out);
    }

    [Fact]
    public async Task Verify_with_a_head_says_what_that_proves_and_which_gap_was_known()
    {
        _socket.Answers("GET /v1/audit/check", Whole() with { Dropped = null, Gaps = [Gap] }, AdminJson.Default.AuditCheckView);
        var shell = new Shell(_socket);

        Assert.Equal(0, await shell.RunAsync("audit --verify --head A1.10.20260504T120000Z.ABCDE-FGHIJ"));

        Assert.Equal("GET /v1/audit/check?head=A1.10.20260504T120000Z.ABCDE-FGHIJ", Assert.Single(_socket.Requests));
        Assert.EndsWith("nothing before it was cut off or rewritten.\n", shell.Out, StringComparison.Ordinal);
        Assert.Equal("warning: found at 2026-05-04 12:00:00: entries 5 to 8 are missing\n", shell.Error);
    }

    [Theory]
    [InlineData("", "changed", "error: changed, first at entry 5: it is not what was written\n")]
    [InlineData(" --head A1.1", "head", "error: not proven: it is not what was written\n")]
    public async Task A_log_that_is_not_whole_is_exit_1_with_the_first_bad_entry(string options, string what, string error)
    {
        _socket.Answers("GET /v1/audit/check", Whole() with { Ok = false, Dropped = null, Fault = new(5, what, "it is not what was written") }, AdminJson.Default.AuditCheckView);
        var shell = new Shell(_socket);

        Assert.Equal(1, await shell.RunAsync("audit --verify" + options));

        Assert.StartsWith(error + "hint: ", shell.Error, StringComparison.Ordinal);
        Assert.Equal("", shell.Out);
        Assert.Equal(1, await shell.RunAsync("audit --json --verify" + options));
    }

    [Fact]
    public async Task Head_prints_one_line_for_keeping_and_the_rest_aside()
    {
        _socket.Answers("GET /v1/audit/head", new AuditHeadView(10, The.Now, "A1.10.20260504T120000Z.ABCDE-FGHIJ"), AdminJson.Default.AuditHeadView);
        var shell = new Shell(_socket);

        Assert.Equal(0, await shell.RunAsync("audit --head"));

        Assert.Equal("A1.10.20260504T120000Z.ABCDE-FGHIJ\n", shell.Out);
        Assert.StartsWith("Keep this line off this machine.", shell.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("audit --head A1.10")]
    [InlineData("audit --verify --head")]
    [InlineData("audit --since yesterday-or-so")]
    public async Task A_misuse_is_told_and_asks_the_gateway_nothing(string line)
    {
        var shell = new Shell(_socket);

        Assert.Equal(2, await shell.RunAsync(line));

        Assert.StartsWith("error: ", shell.Error, StringComparison.Ordinal);
        Assert.Empty(_socket.Requests);
    }

    private static AuditCheckView Whole() => new(Ok: true, 7, 4, 10, new(3, The.Now, "older entries dropped", null, null, null, "up to 3"), [], Fault: null);
}
