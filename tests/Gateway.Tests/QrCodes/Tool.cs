using System.Diagnostics;

namespace Gateway.Tests.QrCodes;

/// <summary>Programs that read what we drew: run to their end, with a deadline.</summary>
internal static class Tool
{
    public static async Task<(int ExitCode, string Out)> RunAsync(string program, params string[] args)
    {
        using var process = Start(program, args);
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(deadline.Token);
            await process.WaitForExitAsync(deadline.Token);
            return (process.ExitCode, await output);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw;
        }
    }

    /// <summary>What a scanner reads in a picture; null where it sees no code.</summary>
    public static async Task<string?> ScanAsync(string picture)
    {
        var (exitCode, text) = await RunAsync("zbarimg", "--quiet", "--raw", "-Sdisable", "-Sqrcode.enable", picture);

        // zbarimg ends what it read with a line end of its own.
        return exitCode == 0 ? text[..^1] : null;
    }

    public static Process Start(string program, params string[] args) => Process.Start(new ProcessStartInfo(program, args)
    {
        UseShellExecute = false,
        RedirectStandardOutput = true,
        RedirectStandardError = true,
        RedirectStandardInput = true,
    })!;
}
