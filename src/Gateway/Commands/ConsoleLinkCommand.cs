using System.CommandLine;
using Gateway.Admin;

namespace Gateway.Commands;

/// <summary><c>gateway console-link</c>: the way into the console for whoever is on the server, once.</summary>
internal static class ConsoleLinkCommand
{
    public static Command Build(CommandContext context)
    {
        var json = CommandContext.JsonOption();
        var command = new Command("console-link", "Print a link that signs a browser in to the console, once") { json };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using var client = context.Connect(parsed);
            var reply = await client.ConsoleLinkAsync(cancellationToken);
            context.Show(reply, parsed.GetValue(json), link => Print(context.Terminal, link));
            return CommandLine.Done;
        });
        return command;
    }

    private static void Print(Terminal terminal, ConsoleLinkView link)
    {
        terminal.Line($"It works once, until {terminal.Clock(link.ExpiresAt)}. Whoever opens it is the admin: give it to nobody.");
        if (link.Local is { } local)
        {
            var port = new Uri(local).Port;
            terminal.Line();
            terminal.Line($"  {local}");
            terminal.Line();
            terminal.Line($"Your browser is on another machine? First, there: ssh -L {port}:localhost:{port} this-server");
        }

        if (link.Tunnel is { } tunnel)
        {
            terminal.Line();
            terminal.Line("From a device that you have marked as your own, with its tunnel on:");
            terminal.Line();
            terminal.Line($"  {tunnel}");
        }
    }
}
