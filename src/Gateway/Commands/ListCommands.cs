using System.CommandLine;
using Gateway.Admin;

namespace Gateway.Commands;

/// <summary>What there is, as tables: <c>gateway members</c> and <c>devices</c>.</summary>
internal static class ListCommands
{
    private static readonly string[] DeviceHead = ["DEVICE", "ID", "ADDRESS", "STATE", "ONLINE", "LAST HANDSHAKE", "SIGNED IN WITH"];
    private static readonly string[] MemberHead = ["MEMBER", "NAME", "STATE", "DEVICES"];

    public static Command Members(CommandContext context)
    {
        var json = CommandContext.JsonOption();
        var command = new Command("members", "List the members and their devices") { json };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using var client = context.Connect(parsed);
            var reply = await client.MembersAsync(cancellationToken);
            context.Show(reply, parsed.GetValue(json), members => PrintMembers(context.Terminal, members));
            return CommandLine.Done;
        });
        return command;
    }

    public static Command Devices(CommandContext context)
    {
        var member = new Option<string?>("--member") { HelpName = "LOCALPART", Description = "Only this member's" };
        var json = CommandContext.JsonOption();
        var command = new Command("devices", "List the devices, who is connected, and revocations that are not finished") { member, json };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using var client = context.Connect(parsed);
            var reply = await client.DevicesAsync(parsed.GetValue(member), device: null, cancellationToken);
            context.Show(reply, parsed.GetValue(json), devices => PrintDevices(context.Terminal, devices));
            return CommandLine.Done;
        });
        return command;
    }

    private static void PrintMembers(Terminal terminal, IReadOnlyList<MemberView> members)
    {
        if (members.Count == 0)
        {
            terminal.Line("No members yet. The first one: gateway enrol <localpart>");
            return;
        }

        terminal.Table(MemberHead, members, member =>
            [member.Member, member.DisplayName ?? "-", member.State, string.Join(", ", member.Devices.Select(device => $"{device.Name} ({device.State})"))]);
    }

    private static void PrintDevices(Terminal terminal, IReadOnlyList<DeviceView> devices)
    {
        if (devices.Count == 0)
        {
            terminal.Line("No devices. To enrol one: gateway enrol <localpart>");
            return;
        }

        terminal.Table(
            DeviceHead,
            devices,
            device =>
            [
                $"{device.Member}/{device.Name}",
                device.Id,
                device.TunnelAddress,
                device.AwaitsConfirmation ? $"{device.State} (shut)" : device.State,
                device.Online ? "yes" : "no",
                device.LastHandshake is null ? "never" : terminal.Ago(device.LastHandshake),
                string.Join(", ", device.Sessions.Select(session => session.Client ?? session.MatrixDeviceId)),
            ],
            device => Notes(terminal, device));
    }

    private static IEnumerable<string> Notes(Terminal terminal, DeviceView device) =>
        RevocationText.IsOpen(device.Revocation) ? RevocationText.Steps(device.Revocation!)
            : device is { KeyCopiedAt: { } since, Revocation: null } ? [$"KEY COPIED: two phones use it, seen {terminal.Ago(since)}; revoke it, and enrol it anew"]
            : [];
}
