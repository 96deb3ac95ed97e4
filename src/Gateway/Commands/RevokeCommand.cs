using System.CommandLine;
using Gateway.Admin;

namespace Gateway.Commands;

/// <summary>
/// <c>gateway revoke</c>. A device is ended without a question, since whoever lost a phone has no time for one; a member
/// who leaves cannot be brought back, so that asks.
/// </summary>
internal static class RevokeCommand
{
    public static Command Build(CommandContext context)
    {
        var device = new Argument<string?>("device") { Description = "Its ID, its tunnel address, or localpart/name", Arity = ArgumentArity.ZeroOrOne };
        var cut = new Option<bool>("--cut") { Description = "Remove the peer at once; the device is then never told to erase its messages" };
        var member = new Option<string?>("--member") { HelpName = "LOCALPART", Description = "The member leaves: all devices end, the account is deactivated" };
        var keep = new Option<bool>("--keep-messages") { Description = "What the member wrote stays readable" };
        var erase = new Option<bool>("--erase") { Description = "What the member wrote is hidden from those who join later" };
        var yes = new Option<bool>("--yes") { Description = "Do not ask" };
        var json = CommandContext.JsonOption();
        var command = new Command("revoke", "End a lost device at once, or all devices of a member who leaves") { device, cut, member, keep, erase, yes, json };
        command.SetAction((parsed, cancellationToken) =>
        {
            var leaving = new Leaving(parsed.GetValue(keep), parsed.GetValue(erase), parsed.GetValue(yes));
            var request = (parsed.GetValue(device), parsed.GetValue(member)) switch
            {
                ({ } one, null) => leaving == default
                    ? new RevocationRequest(one, Member: null, parsed.GetValue(cut), Erase: false)
                    : throw CommandException.Usage("--keep-messages, --erase and --yes belong to --member", "a device alone: gateway revoke <device> [--cut]"),
                (null, { } localpart) => parsed.GetValue(cut)
                    ? throw CommandException.Usage("--cut belongs to a device", "a member who leaves: gateway revoke --member <localpart>")
                    : new RevocationRequest(Device: null, localpart, Cut: false, leaving.Decide(context.Terminal, localpart)),
                _ => throw CommandException.Usage("revoke takes a device, or --member", "gateway revoke alice/phone, or gateway revoke --member alice"),
            };
            return RunAsync(context, parsed, request, parsed.GetValue(json), cancellationToken);
        });
        return command;
    }

    private static async Task<int> RunAsync(
        CommandContext context, ParseResult parsed, RevocationRequest request, bool json, CancellationToken cancellationToken)
    {
        var settings = context.Settings(parsed);
        using var client = context.Connect(settings);
        Reply<IReadOnlyList<DeviceView>> reply;
        try
        {
            reply = await client.RevokeAsync(request, cancellationToken);
        }
        catch (CommandException unanswered) when (unanswered.ExitCode == CommandLine.NoAnswer)
        {
            return OfflineRevocation.Leave(context, settings, request, json, unanswered);
        }

        context.Show(reply, json, devices => Print(context.Terminal, request, devices));
        foreach (var device in reply.View)
        {
            WarnOfOpenSteps(context.Terminal, device);
        }

        return reply.View.All(IsBlocked)
            ? CommandLine.Done
            : throw CommandException.Refused("not every device is blocked", "gateway lock shuts everyone out, until this is cleared up");
    }

    private static void Print(Terminal terminal, RevocationRequest request, IReadOnlyList<DeviceView> devices)
    {
        foreach (var device in devices)
        {
            terminal.Line($"{Name(device)} is revoked ({device.Id}, {device.TunnelAddress}).");
            if (device.Revocation is { } revocation)
            {
                terminal.Line("  " + string.Join(" · ", RevocationText.Steps(revocation)));
            }
        }

        if (request.Member is { } member)
        {
            terminal.Line($"{member} has left: {Terminal.Count(devices.Count, "device")} ended, messages {(request.Erase ? "erased" : "kept")}.");
        }
    }

    private static void WarnOfOpenSteps(Terminal terminal, DeviceView device)
    {
        if (device.Revocation is { } revocation)
        {
            foreach (var step in revocation.Steps.Where(RevocationText.IsOpen))
            {
                terminal.Warning($"{Name(device)}: {RevocationText.Step(step, revocation.RequestedAt)}");
            }
        }
    }

    private static bool IsBlocked(DeviceView device) =>
        device.Revocation?.Steps.Any(step => step is { Name: "blocked", State: "done" }) ?? device.State is "quarantined" or "revoked";

    private static string Name(DeviceView device) => $"{device.Member}/{device.Name}";

    /// <summary>What was said about a member who leaves, on the command line.</summary>
    private readonly record struct Leaving(bool Keep, bool Erase, bool Yes)
    {
        /// <summary>True: erase; false: keep the messages. Asks a person for what was not said.</summary>
        public bool Decide(Terminal terminal, string member)
        {
            if (Keep && Erase)
            {
                throw CommandException.Usage("--keep-messages and --erase exclude each other", "choose one");
            }

            if ((Yes && !Keep && !Erase) || (!Yes && !terminal.Interactive))
            {
                throw CommandException.Usage("what happens to the messages, and is it certain?", "without questions: --keep-messages or --erase, and --yes");
            }

            if (Yes)
            {
                return Erase;
            }

            terminal.Aside($"{member} leaves: all devices end and the account is deactivated. This cannot be undone.");
            var erase = Keep || Erase ? Erase : terminal.Ask("Messages: keep or erase? [keep/erase]") switch
            {
                "keep" => false,
                "erase" => true,
                _ => throw Unchanged(),
            };
            return terminal.Ask($"End {member}, messages {(erase ? "erased" : "kept")}? [yes/no]") is "y" or "yes" ? erase : throw Unchanged();
        }

        private static CommandException Unchanged() => CommandException.Refused("nothing was done");
    }
}
