using System.CommandLine;
using Gateway.Admin;

namespace Gateway.Commands;

/// <summary>
/// <c>gateway doctor</c>: what the running gateway sees of itself, its homeserver and its host, check by check. It fails where a
/// check found a fault or could not look, so that a timer can tell somebody.
/// </summary>
internal static class DoctorCommand
{
    public static Command Build(CommandContext context)
    {
        var json = CommandContext.JsonOption();
        var command = new Command("doctor", "Look whether everything is as safe as it should be") { json };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using var client = context.Connect(parsed);
            var reply = await client.DoctorAsync(cancellationToken);
            context.Show(reply, parsed.GetValue(json), findings => Print(context.Terminal, findings));
            return reply.View.Any(finding => finding.Verdict is not ("ok" or "warning")) ? CommandLine.Failed : CommandLine.Done;
        });
        return command;
    }

    private static void Print(Terminal terminal, IReadOnlyList<FindingView> findings)
    {
        var width = findings.Max(finding => finding.Name.Length);
        foreach (var finding in findings)
        {
            terminal.Line($"  {Word(finding.Verdict),-7}  {finding.Name.PadRight(width)}  {finding.Detail}");
            if (finding.WayOut is { } wayOut)
            {
                terminal.Line($"  {"",-7}  {"".PadRight(width)}  → {wayOut}");
            }
        }

        terminal.Line();
        terminal.Line(string.Join(", ", findings.GroupBy(finding => finding.Verdict, StringComparer.Ordinal).Select(group => $"{group.Count()} {Word(group.Key)}")));
    }

    private static string Word(string verdict) => verdict switch
    {
        "fault" => "FAULT",
        "unknown" => "UNKNOWN",
        _ => verdict,
    };
}
