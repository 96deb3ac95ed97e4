using System.ComponentModel;
using System.Diagnostics;

namespace Gateway.Backups;

/// <summary>
/// A system program that a backup or a restore runs, for as long as it takes. No shell, no secret in its arguments; what it says is
/// quoted when it fails. Killed where it is not awaited to the end.
/// </summary>
internal sealed class Child : IDisposable
{
    private readonly Process _process;
    private readonly string _program;
    private readonly Task<string> _errors;

    private Child(Process process, string program)
    {
        (_process, _program) = (process, program);
        _errors = process.StandardError.ReadToEndAsync();
    }

    public Stream Input => _process.StandardInput.BaseStream;

    public Stream Output => _process.StandardOutput.BaseStream;

    /// <summary>Its standard input is ours, where <paramref name="asks"/>: a passphrase is asked for on the terminal.</summary>
    public static Child Start(string program, IEnumerable<string> arguments, bool asks = false)
    {
        try
        {
            return new(
                Process.Start(new ProcessStartInfo(program, arguments)
                {
                    UseShellExecute = false,
                    RedirectStandardInput = !asks,
                    RedirectStandardOutput = true,
                    RedirectStandardError = true,
                })!,
                program);
        }
        catch (Win32Exception fault)
        {
            throw new BackupException($"`{program}` cannot be started: {fault.Message}", $"apt install {PackageOf(program)}", fault);
        }
    }

    /// <summary>Runs it to its end and returns what it printed.</summary>
    public static async Task<string> RunAsync(string program, IEnumerable<string> arguments, CancellationToken cancellationToken)
    {
        using var child = Start(program, arguments);
        child.Input.Close();
        using var reader = new StreamReader(child.Output);
        var output = await reader.ReadToEndAsync(cancellationToken);
        await child.EndAsync(cancellationToken);
        return output;
    }

    /// <summary>Waits for its end; throws <see cref="BackupException"/> with its own words where it failed.</summary>
    public async Task EndAsync(CancellationToken cancellationToken)
    {
        await _process.WaitForExitAsync(cancellationToken);
        if (_process.ExitCode != 0)
        {
            var said = (await _errors).Trim().ReplaceLineEndings("; ");
            throw new BackupException($"`{_program}` failed: {(said.Length == 0 ? $"exit code {_process.ExitCode}" : said)}", HintFor(_program));
        }
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
        }

        _process.Dispose();
    }

    private static string HintFor(string program) => program switch
    {
        "age" => "is it the right key, and the whole file? Nothing was changed",
        "sqlite3" => "is Backup:HomeserverDatabase the database of the running homeserver, and may this user read it?",
        _ => "does the command work by hand, as the same user? Backup:HomeserverDatabase says what it connects to",
    };

    private static string PackageOf(string program) => program switch
    {
        "pg_dump" or "pg_restore" or "psql" => "postgresql-client",
        _ => program,
    };
}
