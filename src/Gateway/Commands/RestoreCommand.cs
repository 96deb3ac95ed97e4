using System.CommandLine;
using Gateway.Backups;

namespace Gateway.Commands;

/// <summary><c>gateway restore</c>: a backup back onto an empty machine, where it starts locked.</summary>
internal static class RestoreCommand
{
    public static Command Build(CommandContext context)
    {
        var file = new Argument<string>("file") { Description = "The backup, gateway-….tar.gz.age" };
        var identity = new Option<string>("--identity") { HelpName = "KEY", Description = "The file with the private key of age that opens it", Required = true };
        var root = new Option<string?>("--root") { HelpName = "DIR", Description = "Only look: unpack below this folder instead, and check everything" };
        var seized = new Option<bool>("--seized") { Description = "Somebody else has the old server: new keys, all sessions ended, everyone is enrolled anew" };
        var command = new Command("restore", "Bring a backup back to an empty machine; nothing is overwritten") { file, identity, root, seized };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            try
            {
                var isSeized = parsed.GetValue(seized);
                var below = parsed.GetValue(root) is { } named ? Path.TrimEndingDirectorySeparator(Path.GetFullPath(named)) : "";
                var restored = await new Restorer(context.Time, context.Terminal.Aside).RestoreAsync(
                    Path.GetFullPath(parsed.GetRequiredValue(file)), Path.GetFullPath(parsed.GetRequiredValue(identity)), below, isSeized, cancellationToken);
                Print(context.Terminal, restored, below, isSeized);
                return CommandLine.Done;
            }
            catch (BackupException e)
            {
                throw new CommandException(CommandLine.Failed, e.Message, e.Hint, e);
            }
        });
        return command;
    }

    private static void Print(Terminal terminal, Restored restored, string root, bool isSeized)
    {
        var made = restored.Manifest.At;
        terminal.Line($"Restored: {restored.Manifest.ServerName} as it was at {made:yyyy-MM-dd HH:mm} UTC, {Terminal.Count(restored.Members, "member")}, {Terminal.Count(restored.Devices, "device")}.");
        foreach (var place in restored.Places)
        {
            terminal.Line($"  {root}{place}");
        }

        if (restored.Made.Count > 0)
        {
            terminal.Line($"Made here: {string.Join(", ", restored.Made)}");
        }

        terminal.Line();
        if (root.Length > 0)
        {
            terminal.Line($"All of it is sound. It lies there in the clear, with the keys: delete {root} when you have seen it.");
            return;
        }

        terminal.Line("What to do now:");
        foreach (var line in isSeized ? AfterSeizure : restored.Manifest.IsFinal ? AfterMove : AfterLoss)
        {
            terminal.Line($"  {line}");
        }
    }

    // deploy/move starts it, and shows what comes after "Then:".
    private static readonly string[] AfterLoss =
    [
        "Start it: deploy/up or deploy/install. It starts locked, and lets nobody in. Then:",
        "1. Revoke once more what was revoked or lost since the backup: gateway revoke <device>",
        "2. gateway unlock --all, or one device at a time: gateway unlock <device>",
        "3. Let the endpoint's name point to this server.",
    ];

    private static readonly string[] AfterMove =
    [
        "Start it: deploy/up or deploy/install. It starts locked. Then:",
        "1. The old server stood still when this was made, so nothing was lost since: gateway unlock --all",
        "2. Let the endpoint's name point to this server.",
    ];

    private static readonly string[] AfterSeizure =
    [
        "Start it: deploy/up or deploy/install makes a new key and a certificate of a private CA. A certificate of your own has to be new too; revoke the old one. Then:",
        "1. A Synapse of your own needs the new registration: gateway homeserver-config, and restart it. With it, the sessions of all devices are deleted there.",
        "2. Let the endpoint's name point to this server, or choose another one (Tunnel:Endpoint).",
        "3. Enrol everyone anew, face to face: gateway members says who there is; gateway enrol <localpart>",
    ];
}
