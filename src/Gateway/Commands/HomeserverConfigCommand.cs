using System.CommandLine;
using Gateway.Admin;

namespace Gateway.Commands;

/// <summary>
/// <c>gateway homeserver-config</c>: the two files that Synapse needs. It restarts nothing, and a file that is right is
/// not touched, so it may run as often as one likes.
/// </summary>
internal static class HomeserverConfigCommand
{
    /// <summary>For its owner and one group: Synapse's, once the administrator gave it over.</summary>
    private const UnixFileMode ForSynapse = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead;

    public static Command Build(CommandContext context)
    {
        var output = new Option<string>("--output") { HelpName = "DIR", Description = "Where to write gateway.yaml, and registration.yaml unless Homeserver:RegistrationFile names another place", Required = true };
        var command = new Command("homeserver-config", "Write the settings and the registration for Synapse") { output };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var settings = context.Settings(parsed);
            using var client = context.Connect(settings);
            var directory = Path.GetFullPath(parsed.GetRequiredValue(output));
            var registration = Path.GetFullPath(settings.RegistrationFile ?? Path.Join(directory, "registration.yaml"));
            var (view, _) = await client.HomeserverConfigAsync(registration, cancellationToken);
            Write(context.Terminal, directory, registration, view);
            return CommandLine.Done;
        });
        return command;
    }

    private static void Write(Terminal terminal, string directory, string registrationFile, HomeserverConfigView view)
    {
        var settingsFile = Path.Join(directory, "gateway.yaml");
        try
        {
            Directory.CreateDirectory(directory);
            var settingsChanged = Put(settingsFile, view.Settings, view.SettingsAreSecret ? ForSynapse : ForSynapse | UnixFileMode.OtherRead);
            var registrationChanged = Put(registrationFile, view.Registration, ForSynapse);
            terminal.Line($"{settingsFile}: {(settingsChanged ? "written" : "right already")}");
            terminal.Line($"{registrationFile}: {(registrationChanged ? "written; whoever reads it rules the server" : "right already")}");
            if (settingsChanged || registrationChanged)
            {
                terminal.Line();
                terminal.Line("What to do now:");
                terminal.Line($"  1. chgrp matrix-synapse {registrationFile}{(view.SettingsAreSecret ? $" {settingsFile}" : "")}");
                terminal.Line($"  2. Start Synapse with a second file after its own: -c homeserver.yaml -c {settingsFile}");
                terminal.Line("     (Debian: a file in /etc/matrix-synapse/conf.d is that already.)");
                terminal.Line("  3. Restart Synapse.");
                if (view.SettingsAreSecret)
                {
                    terminal.Line("  4. Once 'gateway status' says that the account is made, run this again and restart Synapse: the shared secret is gone then.");
                }
            }
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw new CommandException(CommandLine.Failed, $"cannot write to {directory}: {fault.Message}", "use sudo, or choose another directory", fault);
        }
    }

    /// <summary>True where the file had to change. Its owner and group stay; what others may read is narrowed before the content comes.</summary>
    private static bool Put(string file, string content, UnixFileMode mode)
    {
        if (File.Exists(file) && File.ReadAllText(file) == content && File.GetUnixFileMode(file) == mode)
        {
            return false;
        }

        using var stream = new FileStream(file, new FileStreamOptions
        {
            Mode = FileMode.OpenOrCreate,
            Access = FileAccess.Write,
            UnixCreateMode = mode,
        });
        File.SetUnixFileMode(stream.SafeFileHandle, mode);
        stream.SetLength(0);
        stream.Write(System.Text.Encoding.UTF8.GetBytes(content));
        stream.Flush(flushToDisk: true);
        return true;
    }
}
