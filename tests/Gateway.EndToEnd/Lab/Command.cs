using System.Diagnostics;
using System.Text;

namespace Gateway.EndToEnd.Lab;

/// <summary>What a finished program said.</summary>
public sealed record Finished(string CommandLine, int ExitCode, string Output, string Error)
{
    /// <summary>The output of a program that must not fail.</summary>
    public string Expect() =>
        ExitCode == 0 ? Output : throw new InvalidOperationException($"{CommandLine} ended with {ExitCode}: {Error}{Output}");
}

/// <summary>Runs one program to its end, with a deadline and without a shell.</summary>
public static class Command
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);

    public static Task<Finished> RunAsync(string program, params string[] arguments) => FeedAsync(null, program, arguments);

    /// <summary>The same with something on standard input, where secrets belong.</summary>
    public static async Task<Finished> FeedAsync(string? input, string program, params string[] arguments)
    {
        using var process = Process.Start(Describe(program, arguments))!;
        using var deadline = new CancellationTokenSource(Deadline);
        var commandLine = $"{program} {string.Join(' ', arguments)}";
        try
        {
            var output = ReadAsync(process.StandardOutput, deadline.Token);
            var error = ReadAsync(process.StandardError, deadline.Token);
            await process.StandardInput.WriteAsync(input);
            process.StandardInput.Close();
            await process.WaitForExitAsync(deadline.Token);
            return new Finished(commandLine, process.ExitCode, await output, await error);
        }
        catch (OperationCanceledException e)
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"{commandLine} did not end within {Deadline.TotalSeconds} s", e);
        }
    }

    public static ProcessStartInfo Describe(string program, params IEnumerable<string> arguments) => new(program, arguments)
    {
        UseShellExecute = false,
        RedirectStandardInput = true,
        RedirectStandardOutput = true,
        RedirectStandardError = true,
        StandardInputEncoding = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false),
    };

    private static Task<string> ReadAsync(StreamReader stream, CancellationToken cancellationToken) => stream.ReadToEndAsync(cancellationToken);
}
