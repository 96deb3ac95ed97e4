using System.CommandLine;
using Gateway.Admin;

namespace Gateway.Commands;

/// <summary>
/// <c>gateway approve</c>: lets a waiting sign-in go on. The number is the point of it: it stands on the member's screen, and
/// only the admin's eyes can tell whether it is the same. On a terminal it asks; a script names the device.
/// </summary>
internal static class ApproveCommand
{
    public static Command Build(CommandContext context)
    {
        var device = new Argument<string?>("device") { Description = "Its ID, its tunnel address, or localpart/name", Arity = ArgumentArity.ZeroOrOne };
        var number = new Option<int?>("--number") { HelpName = "NN", Description = "Approve only if this is the number on the device's screen" };
        var json = CommandContext.JsonOption();
        var command = new Command("approve", "Let a sign-in go on whose number you have compared") { device, number, json };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            if (parsed.GetValue(device) is null && parsed.GetValue(number) is { } alone)
            {
                throw CommandException.Usage("--number belongs to a device", $"gateway approve <device> --number {alone}; gateway approve alone asks about each");
            }

            using var client = context.Connect(parsed);
            return parsed.GetValue(device) is { } word
                ? await ApproveAsync(context, client, word, parsed.GetValue(number), parsed.GetValue(json), cancellationToken)
                : await AskForAllAsync(context, client, cancellationToken);
        });
        return command;
    }

    /// <summary>Asks about one waiting sign-in and does what the answer says. False where the answer was no.</summary>
    private static async Task<bool> AskAsync(AdminClient client, Terminal terminal, DeviceView device, CancellationToken cancellationToken)
    {
        var signIn = device.SignIn!;
        var answer = await terminal.AskAsync($"{Name(device)} wants to sign in to {signIn.App}. Does its screen show {signIn.Number}? Type yes to approve, no to refuse:", cancellationToken);
        var approve = answer is "y" or "yes" or "o" or "oui";
        await client.DecideSignInAsync(new SignInDecision(device.Id, signIn.Number, approve), cancellationToken);
        terminal.Line(approve
            ? $"approved: {Name(device)}, number {signIn.Number}"
            : $"refused: {Name(device)}, number {signIn.Number}; nobody is signed in, and the member may start again in the app");
        return approve;
    }

    /// <summary>As <see cref="AskAsync"/>. While the question stood, the member may have gone on in another way, or given up.</summary>
    public static async Task AskOrWarnAsync(AdminClient client, Terminal terminal, DeviceView device, CancellationToken cancellationToken)
    {
        try
        {
            await AskAsync(client, terminal, device, cancellationToken);
        }
        catch (CommandException refusal) when (refusal.ExitCode == CommandLine.Failed)
        {
            terminal.Warning($"{refusal.Message}{(refusal.Hint is null ? "" : $" ({refusal.Hint})")}");
        }
    }

    private static async Task<int> ApproveAsync(CommandContext context, AdminClient client, string device, int? number, bool json, CancellationToken cancellationToken)
    {
        if (number is null && !json && context.Terminal.Interactive
            && (await client.SignInsAsync(cancellationToken)).View.FirstOrDefault(one => Names(one, device)) is { } waiting)
        {
            return await AskAsync(client, context.Terminal, waiting, cancellationToken) ? CommandLine.Done : CommandLine.Failed;
        }

        var reply = await client.DecideSignInAsync(new SignInDecision(device, number, Approve: true), cancellationToken);
        context.Show(reply, json, approved => context.Terminal.Line($"approved: {Name(approved)}, number {approved.SignIn?.Number}, {approved.SignIn?.App}"));
        return CommandLine.Done;
    }

    private static async Task<int> AskForAllAsync(CommandContext context, AdminClient client, CancellationToken cancellationToken)
    {
        var waiting = (await client.SignInsAsync(cancellationToken)).View;
        if (waiting.Count == 0)
        {
            context.Terminal.Line("No sign-in is waiting.");
            return CommandLine.Done;
        }

        if (!context.Terminal.Interactive)
        {
            throw CommandException.Usage("there is no terminal to ask on", $"name the device: gateway approve {Name(waiting[0])} --number {waiting[0].SignIn?.Number}");
        }

        foreach (var device in waiting.Where(one => one.SignIn is not null))
        {
            await AskOrWarnAsync(client, context.Terminal, device, cancellationToken);
        }

        return CommandLine.Done;
    }

    private static bool Names(DeviceView device, string word) => word == device.Id || word == device.TunnelAddress || word == Name(device);

    private static string Name(DeviceView device) => $"{device.Member}/{device.Name}";
}
