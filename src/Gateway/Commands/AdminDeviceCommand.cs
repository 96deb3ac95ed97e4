using System.CommandLine;

namespace Gateway.Commands;

/// <summary><c>gateway admin-device</c>: the console in the tunnel is there for this device, or no longer.</summary>
internal static class AdminDeviceCommand
{
    public static Command Build(CommandContext context)
    {
        var device = new Argument<string>("device") { Description = "Its ID, its tunnel address, or localpart/name" };
        var remove = new Option<bool>("--remove") { Description = "It is no admin's device any more" };
        var json = CommandContext.JsonOption();
        var command = new Command("admin-device", "Open the console in the tunnel to a device of your own (Console:TunnelPort)") { device, remove, json };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using var client = context.Connect(parsed);
            var reply = await client.MarkAsync(new(parsed.GetRequiredValue(device), !parsed.GetValue(remove)), cancellationToken);
            context.Show(reply, parsed.GetValue(json), marked => context.Terminal.Line(marked.Admin
                ? $"{marked.Member}/{marked.Name} may open the console through the tunnel."
                : $"{marked.Member}/{marked.Name} may not open the console any more, and its sessions there are over."));
            return CommandLine.Done;
        });
        return command;
    }
}
