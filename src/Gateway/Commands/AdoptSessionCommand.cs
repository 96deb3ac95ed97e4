using System.CommandLine;
using Gateway.Admin;

namespace Gateway.Commands;

/// <summary><c>gateway adopt-session</c>: the device of an adopted account goes on with the session that it had before the gateway.</summary>
internal static class AdoptSessionCommand
{
    public static Command Build(CommandContext context)
    {
        var device = new Argument<string>("device") { Description = "Its ID, its tunnel address, or localpart/name" };
        var json = CommandContext.JsonOption();
        var command = new Command("adopt-session", "Let a device go on with the session it had before the gateway") { device, json };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using var client = context.Connect(parsed);
            var reply = await client.AdoptSessionAsync(parsed.GetRequiredValue(device), cancellationToken);
            context.Show(reply, parsed.GetValue(json), adoption => Print(context.Terminal, adoption));
            return CommandLine.Done;
        });
        return command;
    }

    private static void Print(Terminal terminal, SessionAdoptionView adoption)
    {
        terminal.Line($"{adoption.Device.Member}/{adoption.Device.Name} may go on with one session from before the gateway, until {terminal.Clock(adoption.Until)}.");
        terminal.Line("Now open the app on the device, with the tunnel on. What came of it: gateway audit");
    }
}
