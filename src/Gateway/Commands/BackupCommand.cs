using System.CommandLine;
using Gateway.Backups;

namespace Gateway.Commands;

/// <summary>
/// <c>gateway backup</c>: everything that a new server needs, in one file that this server cannot read. It works beside a running
/// gateway, and without one; a timer runs it every day (gateway-backup.timer).
/// </summary>
internal static class BackupCommand
{
    public static Command Build(CommandContext context)
    {
        var to = new Option<string>("--to") { HelpName = "DIR", Description = "The folder for backups; better on another machine's disk", Required = true };
        var recipient = new Option<string[]>("--recipient") { HelpName = "KEY", Description = "A public key of age that can open it [default: Backup:Recipients]" };
        var keep = new Option<int?>("--keep") { HelpName = "N", Description = "How many stay in the folder [default: Backup:Keep]" };
        var final = new Option<bool>("--final") { Description = "The last one here: the gateway is stopped, and never serves again on this server (deploy/move)" };
        var command = new Command("backup", "Write everything into one encrypted file, while all goes on") { to, recipient, keep, final };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var file = Path.GetFullPath(context.NamedFile(parsed) ?? LocalSettings.DefaultFile);
            var settings = context.Settings(parsed);
            var options = settings.Section<BackupOptions>("Backup");
            options.Recipients = parsed.GetValue(recipient) is { Length: > 0 } named ? named : options.Recipients;
            options.Keep = parsed.GetValue(keep) ?? options.Keep;
            if (options.Faults().FirstOrDefault() is { } fault)
            {
                throw CommandException.Usage(fault, "gateway backup --help says what there is; mend it, so that nothing is missing when it is needed");
            }

            var source = new BackupSource(
                file, settings.ServerName, settings.DataDirectory, settings.CertificatePath, settings.CertificateKeyPath, options);
            var folder = new BackupFolder(Path.GetFullPath(parsed.GetRequiredValue(to)));
            await MakeAsync(context, new BackupMaker(source, context.Time, context.Terminal.Aside), folder, parsed.GetValue(final), cancellationToken);
            return CommandLine.Done;
        });
        return command;
    }

    private static async Task MakeAsync(CommandContext context, BackupMaker maker, BackupFolder folder, bool isFinal, CancellationToken cancellationToken)
    {
        try
        {
            var made = await maker.MakeAsync(folder, isFinal, cancellationToken);
            context.Terminal.Line($"{made.File}: {BackupMaker.Megabytes(made.Bytes)}, {made.Files} files");
            context.Terminal.Line($"sha256 {made.Sha256}");
            if (made.Removed.Count > 0)
            {
                context.Terminal.Line($"removed, since they were too many or too old: {string.Join(", ", made.Removed.Select(Path.GetFileName))}");
            }
        }
        catch (BackupException e)
        {
            throw new CommandException(CommandLine.Failed, $"no backup was made: {e.Message}", e.Hint, e);
        }
    }
}
