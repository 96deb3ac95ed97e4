using System.CommandLine;
using Gateway.Admin;

namespace Gateway.Commands;

/// <summary><c>gateway rename</c>: another name for a device, or for a member as others read it.</summary>
internal static class RenameCommand
{
    public static Command Build(CommandContext context)
    {
        var which = new Argument<string>("device|localpart") { Description = "A device (its ID, its tunnel address, or localpart/name), or a member" };
        var name = new Argument<string>("name") { Description = "The device's new name, or what others read beside the member's messages" };
        var json = CommandContext.JsonOption();
        var command = new Command("rename", "Give a device or a member another name") { which, name, json };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using var client = context.Connect(parsed);
            var reply = await client.RenameAsync(parsed.GetRequiredValue(which), parsed.GetRequiredValue(name), cancellationToken);
            context.Show(reply, parsed.GetValue(json), member => Print(context.Terminal, member));
            return CommandLine.Done;
        });
        return command;
    }

    private static void Print(Terminal terminal, MemberView member) =>
        terminal.Line($"{member.Member}  {member.DisplayName ?? "-"}  {string.Join(", ", member.Devices.Where(device => device.Revocation is null).Select(device => device.Name))}");
}
