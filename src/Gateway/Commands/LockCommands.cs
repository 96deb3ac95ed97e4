using System.CommandLine;
using Gateway.Admin;

namespace Gateway.Commands;

/// <summary><c>gateway lock</c> and <c>unlock</c>: everyone out at once and in again, with nothing erased.</summary>
internal static class LockCommands
{
    public static Command Lock(CommandContext context)
    {
        var json = CommandContext.JsonOption();
        var command = new Command("lock", "Shut everyone out at once, until unlock; nothing is erased") { json };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using var client = context.Connect(parsed);
            return Show(context, await client.LockAsync(cancellationToken), parsed.GetValue(json));
        });
        return command;
    }

    public static Command Unlock(CommandContext context)
    {
        var device = new Argument<string?>("device") { Description = "After a restore: this device was not lost since", Arity = ArgumentArity.ZeroOrOne };
        var all = new Option<bool>("--all") { Description = "After a restore: none of the devices was lost since" };
        var json = CommandContext.JsonOption();
        var command = new Command("unlock", "Let the members in again after lock, or after a restore") { device, all, json };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            if (parsed.GetValue(device) is not null && parsed.GetValue(all))
            {
                throw CommandException.Usage("unlock takes one device, or --all", "gateway unlock alice/phone, or gateway unlock --all");
            }

            using var client = context.Connect(parsed);
            return Show(context, await client.UnlockAsync(parsed.GetValue(device), parsed.GetValue(all), cancellationToken), parsed.GetValue(json));
        });
        return command;
    }

    private static int Show(CommandContext context, Reply<LockView> reply, bool json)
    {
        context.Show(reply, json, state => context.Terminal.Line(Sentence(context.Terminal, state)));
        return CommandLine.Done;
    }

    private static string Sentence(Terminal terminal, LockView state) => state switch
    {
        { Locked: true } => $"Locked since {terminal.Clock(state.Since ?? default)}: no member reaches the homeserver, and nothing is erased. Open again: gateway unlock",
        { Unconfirmed: > 0 } => $"Unlocked, but for {Terminal.Count(state.Unconfirmed, "device")} that nobody has confirmed since the restore (gateway devices).",
        _ => "Unlocked: the members reach the homeserver.",
    };
}
