using System.CommandLine;
using Gateway.Admin;

namespace Gateway.Commands;

/// <summary><c>gateway lock</c> and <c>unlock</c>: everyone out at once and in again, with nothing erased.</summary>
internal static class LockCommands
{
    public static Command Lock(CommandContext context) =>
        Build(context, locked: true, "lock", "Shut everyone out at once, until unlock; nothing is erased");

    public static Command Unlock(CommandContext context) =>
        Build(context, locked: false, "unlock", "Let the members in again after lock");

    private static Command Build(CommandContext context, bool locked, string name, string description)
    {
        var json = CommandContext.JsonOption();
        var command = new Command(name, description) { json };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using var client = context.Connect(parsed);
            var reply = await client.LockAsync(locked, cancellationToken);
            context.Show(reply, parsed.GetValue(json), state => context.Terminal.Line(Sentence(context.Terminal, state)));
            return CommandLine.Done;
        });
        return command;
    }

    private static string Sentence(Terminal terminal, LockView state) => state.Locked
        ? $"Locked since {terminal.Clock(state.Since ?? default)}: no member reaches the homeserver, and nothing is erased. Open again: gateway unlock"
        : "Unlocked: the members reach the homeserver.";
}
