using System.CommandLine;
using Gateway.Admin;

namespace Gateway.Commands;

/// <summary><c>gateway allow-login</c>: one more sign-in from a device that is there already.</summary>
internal static class AllowLoginCommand
{
    public static Command Build(CommandContext context)
    {
        var device = new Argument<string>("device") { Description = "Its ID, its tunnel address, or localpart/name" };
        var json = CommandContext.JsonOption();
        var command = new Command("allow-login", "Print a fresh login code for a device") { device, json };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using var client = context.Connect(parsed);
            var reply = await client.AllowLoginAsync(parsed.GetRequiredValue(device), cancellationToken);
            context.Show(reply, parsed.GetValue(json), grant => Print(context.Terminal, grant));
            return CommandLine.Done;
        });
        return command;
    }

    private static void Print(Terminal terminal, LoginGrantView grant)
    {
        terminal.Line($"login code  {grant.LoginCode}");
        terminal.Line($"            signs in once as {grant.Device.Member}, from {grant.Device.Name} alone, until {terminal.Clock(grant.LoginCodeExpiresAt)}");
    }
}
