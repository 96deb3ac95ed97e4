using System.CommandLine;
using Gateway.Admin;

namespace Gateway.Commands;

/// <summary>
/// <c>gateway status</c>: one glance. It answers for the gateway, so an unhealthy part is no failure of the command. With <c>--ready</c> it
/// is the question of a supervisor or a container: can members be served now? Then the exit code says it.
/// </summary>
internal static class StatusCommand
{
    public static Command Build(CommandContext context)
    {
        var json = CommandContext.JsonOption();
        var ready = new Option<bool>("--ready") { Description = "Say only whether members can be served now: 0 yes, 1 no, 3 no answer" };
        var command = new Command("status", "Show how the gateway is, part by part") { json, ready };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using var client = context.Connect(parsed);
            if (parsed.GetValue(ready))
            {
                return await client.UnreadyAsync(cancellationToken) is { Count: > 0 } parts
                    ? throw CommandException.Refused($"not ready: {string.Join(", ", parts)}", "see 'gateway status'")
                    : CommandLine.Done;
            }

            var reply = await client.StatusAsync(cancellationToken);
            context.Show(reply, parsed.GetValue(json), status => Print(context.Terminal, status));
            return CommandLine.Done;
        });
        return command;
    }

    private static void Print(Terminal terminal, StatusView status)
    {
        terminal.Line($"{status.ServerName} is {(status.Healthy ? "healthy" : "NOT healthy")}; gateway {status.Version}, started {terminal.Ago(status.StartedAt)}");
        terminal.Line();
        Part("tunnel", status.Tunnel);
        Part("homeserver", status.Homeserver);
        Part("store", status.Store);
        Part("certificate", status.Certificate);
        Part("clock", status.Clock);
        terminal.Line($"  {(status.AdminAccount.Ok ? "ok" : "TO DO"),-6}  {"account",-11}  {status.AdminAccount.Detail}");
        if (status.Audit is { } audit)
        {
            Part("audit", audit);
        }

        terminal.Line(status.Lock.Locked
            ? $"  LOCKED  since {terminal.Ago(status.Lock.Since)}: nobody reaches the homeserver; gateway unlock"
            : "  ok      lock         open");
        if (status.Lock.Unconfirmed > 0)
        {
            terminal.Line($"  SHUT    restore      {Terminal.Count(status.Lock.Unconfirmed, "device")} not confirmed since the store was put back from a copy; gateway unlock says how");
        }

        terminal.Line();
        var counts = status.Counts;
        terminal.Line(
            $"{Terminal.Count(counts.Members, "member")}, {Terminal.Count(counts.Devices, "device")}: "
            + $"{counts.Online} online, {counts.SignedIn} signed in, {counts.Quarantined} quarantined");
        if (counts.CopiedKeys > 0)
        {
            terminal.Warning($"{Terminal.Count(counts.CopiedKeys, "device")} whose key two phones use at once: gateway devices names them; revoke, and enrol anew");
        }

        if (counts.UnfinishedRevocations > 0)
        {
            terminal.Warning($"{Terminal.Count(counts.UnfinishedRevocations, "revocation")} not finished: gateway devices names the steps");
        }

        void Part(string name, PartView part) => terminal.Line($"  {(part.Ok ? "ok" : "FAULT"),-6}  {name,-11}  {part.Detail}");
    }
}
