using System.CommandLine;
using System.CommandLine.Invocation;
using System.Globalization;
using System.Runtime.InteropServices;

namespace Gateway.Commands;

/// <summary>
/// The <c>gateway</c> command line. Every command but <c>serve</c> is a client of the admin's socket: it changes nothing
/// by itself, and what it does is done by the process that forwards.
/// </summary>
internal static class CommandLine
{
    // The exit codes that scripts rely on.
    public const int Done = 0;
    public const int Failed = 1;
    public const int WrongUsage = 2;
    public const int NoAnswer = 3;

    /// <summary>Runs what <paramref name="args"/> say in this process. <paramref name="serve"/> is given the configuration file that was named, if any.</summary>
    public static async Task<int> RunAsync(string[] args, Func<string?, CancellationToken, Task<int>> serve)
    {
        using var stop = new CancellationTokenSource();
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
        var time = TimeProvider.System;
        var context = new CommandContext(Terminal.OfThisProcess(time), time, Environment.GetEnvironmentVariables(), AdminClient.OverSocket);
        return await RunAsync(args, context, serve, stop.Token);

        void Stop(PosixSignalContext signal)
        {
            signal.Cancel = true;
            stop.Cancel();
        }
    }

    public static async Task<int> RunAsync(
        string[] args,
        CommandContext context,
        Func<string?, CancellationToken, Task<int>> serve,
        CancellationToken cancellationToken)
    {
        // The operator's texts are English and fixed, the parser's too.
        CultureInfo.CurrentUICulture = CultureInfo.InvariantCulture;

        // '@alice:chat.example' is a name that people type, not a file of arguments.
        var parsed = Build(context, serve).Parse(args, new ParserConfiguration { ResponseFileTokenReplacer = null });
        if (parsed.Action is ParseErrorAction)
        {
            var command = parsed.CommandResult.Command is RootCommand ? "gateway" : $"gateway {parsed.CommandResult.Command.Name}";
            var what = parsed.UnmatchedTokens is [var stranger, ..] ? $"'{stranger}' is not understood here" : Sentence(parsed.Errors[0].Message);
            context.Terminal.Error(what, $"{command} --help says what there is");
            return WrongUsage;
        }

        try
        {
            // Signals are ours: the parser's own handler would end `serve` 2 s after it, however much is still to be saved.
            return await parsed.InvokeAsync(
                new InvocationConfiguration { ProcessTerminationTimeout = null, EnableDefaultExceptionHandler = false, Output = context.Terminal.Output },
                cancellationToken);
        }
        catch (CommandException failure)
        {
            context.Terminal.Error(failure.Message, failure.Hint);
            return failure.ExitCode;
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            context.Terminal.Error("interrupted", "see what was done: gateway devices");
            return Failed;
        }
    }

    internal static RootCommand Build(CommandContext context, Func<string?, CancellationToken, Task<int>> serve)
    {
        var serveCommand = new Command("serve", "Run the gateway in the foreground");
        serveCommand.SetAction((parsed, token) => serve(context.NamedFile(parsed), token));
        return new("The WireGuard gateway before a Matrix homeserver: enrol devices, see them, revoke them.")
        {
            context.Config,
            EnrolCommand.Build(context),
            ListCommands.Members(context),
            ListCommands.Devices(context),
            RevokeCommand.Build(context),
            LockCommands.Lock(context),
            LockCommands.Unlock(context),
            AllowLoginCommand.Build(context),
            AdoptSessionCommand.Build(context),
            RenameCommand.Build(context),
            ApproveCommand.Build(context),
            ConsoleLinkCommand.Build(context),
            AdminDeviceCommand.Build(context),
            StatusCommand.Build(context),
            DoctorCommand.Build(context),
            DrillCommand.Build(context),
            AuditCommand.Build(context),
            HomeserverConfigCommand.Build(context),
            BackupCommand.Build(context),
            RestoreCommand.Build(context),
            serveCommand,
        };
    }

    private static string Sentence(string message) => char.ToLowerInvariant(message[0]) + message[1..].TrimEnd('.');
}
