namespace Gateway.Commands;

/// <summary>Why a command ends without having done its work: its exit code, and the lines that the administrator reads.</summary>
internal sealed class CommandException(int exitCode, string error, string? hint = null, Exception? inner = null) : Exception(error, inner)
{
    public int ExitCode => exitCode;

    public string? Hint => hint;

    public static CommandException Usage(string error, string hint) => new(CommandLine.WrongUsage, error, hint);

    public static CommandException Refused(string error, string? hint = null) => new(CommandLine.Failed, error, hint);
}
