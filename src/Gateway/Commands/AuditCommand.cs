using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using Gateway.Admin;

namespace Gateway.Commands;

/// <summary>
/// <c>gateway audit</c>: who did what to which device and how it ended; <c>--verify</c>, whether that is still all and still
/// the same; <c>--head</c>, the line that proves it later, to be kept off this machine.
/// </summary>
internal static class AuditCommand
{
    private static readonly string[] Columns = ["NO", "TIME", "ACTION", "MEMBER", "DEVICE", "DETAIL"];

    public static Command Build(CommandContext context)
    {
        var since = new Option<DateTimeOffset?>("--since") { HelpName = "DATE", Description = "Only what was done from this day on (2026-11-22)", CustomParser = ReadDate };
        var device = new Option<string?>("--device") { HelpName = "DEVICE", Description = "Only this device: its ID, or localpart/name" };
        var verify = new Option<bool>("--verify") { Description = "Check that no entry was changed, removed or reordered" };
        var head = new Option<string?>("--head")
        {
            HelpName = "LINE",
            Arity = ArgumentArity.ZeroOrOne,
            Description = "Print the log's end as one signed line, to be kept elsewhere; with --verify, check that the log still contains LINE",
        };
        var json = CommandContext.JsonOption();
        var command = new Command("audit", "Show what was done, newest last; verify that the history is whole") { since, device, verify, head, json };
        command.SetAction((parsed, cancellationToken) =>
        {
            var headGiven = parsed.GetResult(head) is { Implicit: false };
            var line = parsed.GetValue(head);
            if (parsed.GetValue(verify) ? headGiven && line is null : line is not null)
            {
                throw CommandException.Usage("--head takes a line together with --verify, and only then", "gateway audit --head prints one; gateway audit --verify --head LINE compares it");
            }

            return parsed.GetValue(verify) ? VerifyAsync(context, parsed, line, parsed.GetValue(json), cancellationToken)
                : headGiven ? HeadAsync(context, parsed, parsed.GetValue(json), cancellationToken)
                : ListAsync(context, parsed, parsed.GetValue(since), parsed.GetValue(device), parsed.GetValue(json), cancellationToken);
        });
        return command;
    }

    /// <summary>A day without a zone is the administrator's own.</summary>
    private static DateTimeOffset? ReadDate(ArgumentResult result)
    {
        if (result.Tokens is [var token] && DateTimeOffset.TryParse(token.Value, CultureInfo.InvariantCulture, DateTimeStyles.AssumeLocal, out var date))
        {
            return date;
        }

        result.AddError("--since needs a day or a time, such as 2026-11-22 or 2026-11-22T09:00Z");
        return null;
    }

    private static async Task<int> ListAsync(CommandContext context, ParseResult parsed, DateTimeOffset? since, string? device, bool json, CancellationToken cancellationToken)
    {
        using var client = context.Connect(parsed);
        var reply = await client.AuditAsync(since, device, cancellationToken);
        context.Show(reply, json, entries => context.Terminal.Table(Columns, entries, entry =>
            [$"{entry.Number}", context.Terminal.DayAndClock(entry.At), entry.Action, entry.Member ?? "-", entry.Device ?? entry.DeviceId ?? "-", entry.Detail ?? ""]));
        return CommandLine.Done;
    }

    private static async Task<int> HeadAsync(CommandContext context, ParseResult parsed, bool json, CancellationToken cancellationToken)
    {
        using var client = context.Connect(parsed);
        var reply = await client.AuditHeadAsync(cancellationToken);
        context.Show(reply, json, head =>
        {
            context.Terminal.Line(head.Line);
            context.Terminal.Aside($"Keep this line off this machine. Later: gateway audit --verify --head LINE says whether entry {head.Number} and all before it are still the same.");
        });
        return CommandLine.Done;
    }

    private static async Task<int> VerifyAsync(CommandContext context, ParseResult parsed, string? line, bool json, CancellationToken cancellationToken)
    {
        using var client = context.Connect(parsed);
        var reply = await client.AuditCheckAsync(line, cancellationToken);
        context.Show(reply, json, check => PrintCheck(context.Terminal, check, withHead: line is not null));
        return reply.View.Ok ? CommandLine.Done : CommandLine.Failed;
    }

    private static void PrintCheck(Terminal terminal, AuditCheckView check, bool withHead)
    {
        if (check.Dropped is { } dropped)
        {
            terminal.Line($"Entries up to {dropped.Number} were dropped on {terminal.DayAndClock(dropped.At)}: their days were over. The cut is signed.");
        }

        foreach (var gap in check.Gaps)
        {
            terminal.Warning($"found at {terminal.DayAndClock(gap.At)}: {gap.Detail}");
        }

        if (check.Fault is { } fault)
        {
            terminal.Error(
                fault.What == "head" ? $"not proven: {fault.Detail}" : $"{fault.What}, first at entry {fault.Number}: {fault.Detail}",
                "keep a copy of audit.log as evidence, and compare it with your last backup and the head that you keep elsewhere");
            return;
        }

        terminal.Line($"{Terminal.Count(check.Entries, "entry", "entries")}{(check.Entries == 0 ? "" : $", {check.First} to {check.Last}")}: unchanged, in order, none missing.");
        terminal.Line(withHead
            ? "The head is signed by this gateway, and the log still contains it: nothing before it was cut off or rewritten."
            : "Whoever has this machine's keys could have rewritten all of it; only a head kept elsewhere would show that (gateway audit --head).");
    }
}
