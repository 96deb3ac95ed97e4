using System.ComponentModel;
using System.Diagnostics;
using Gateway.Onboarding;

namespace Gateway.Tunnel;

/// <summary>
/// Runs a system program without a shell: arguments as a list, secrets through standard input only, a deadline after
/// which the child and its children are killed. Its output may hold keys and is never quoted; its error text is.
/// </summary>
internal static class Tool
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(5);

    /// <summary>The program's output; throws <see cref="TunnelException"/> with its error text where it fails.</summary>
    public static async Task<string> RunAsync(string program, IReadOnlyList<string> arguments, CancellationToken cancellationToken, string? input = null)
    {
        var (exitCode, output, errors) = await TryRunAsync(program, arguments, input, Deadline, cancellationToken);
        return exitCode == 0 ? output : throw Failure(program, arguments, errors);
    }

    /// <summary>As <see cref="RunAsync"/>, for callers that expect failures: throws only where the program is missing or too slow.</summary>
    public static Task<(int ExitCode, string Output, string Errors)> TryRunAsync(string program, IReadOnlyList<string> arguments, CancellationToken cancellationToken) =>
        TryRunAsync(program, arguments, input: null, Deadline, cancellationToken);

    public static TunnelException Failure(string program, IReadOnlyList<string> arguments, string errors)
    {
        var wayOut = errors.Contains("not permitted", StringComparison.OrdinalIgnoreCase)
                || errors.Contains("permission denied", StringComparison.OrdinalIgnoreCase)
            ? " (the gateway needs CAP_NET_ADMIN: run it as root, or give its service AmbientCapabilities=CAP_NET_ADMIN)"
            : "";
        return new($"`{Line(program, arguments)}` failed: {errors.Trim()}{wayOut}");
    }

    internal static async Task<(int ExitCode, string Output, string Errors)> TryRunAsync(
        string program, IReadOnlyList<string> arguments, string? input, TimeSpan deadline, CancellationToken cancellationToken)
    {
        using var child = Start(program, arguments);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(deadline);
        try
        {
            var output = child.StandardOutput.ReadToEndAsync(limit.Token);
            var errors = child.StandardError.ReadToEndAsync(limit.Token);
            await WriteAsync(child.StandardInput, input, limit.Token);
            await Task.WhenAll(output, errors);
            await child.WaitForExitAsync(limit.Token);
            return (child.ExitCode, await output, await errors);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new TunnelException($"`{Line(program, arguments)}` did not finish within {deadline.TotalSeconds} s and was killed");
        }
        finally
        {
            if (!child.HasExited)
            {
                child.Kill(entireProcessTree: true);
            }

            // A child's pipes are served as sockets are.
            if (SocketThreads.IsOne)
            {
                await Task.Yield();
            }
        }
    }

    private static Process Start(string program, IReadOnlyList<string> arguments)
    {
        try
        {
            return Process.Start(new ProcessStartInfo(program, arguments)
            {
                UseShellExecute = false,
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            })!;
        }
        catch (Win32Exception fault)
        {
            throw new TunnelException($"`{program}` cannot be started: {fault.Message} (Debian: apt install {Package(program)})", fault);
        }
    }

    private static async Task WriteAsync(StreamWriter stdin, string? input, CancellationToken cancellationToken)
    {
        try
        {
            await stdin.WriteAsync(input.AsMemory(), cancellationToken);
            stdin.Close();
        }
        catch (IOException)
        {
            // The child ended without reading its input: its exit code and error text say why.
        }
    }

    private static string Line(string program, IReadOnlyList<string> arguments) => $"{program} {string.Join(' ', arguments)}";

    private static string Package(string program) => program switch
    {
        "wg" => "wireguard-tools",
        "ip" or "ss" => "iproute2",
        "setsid" or "nsenter" => "util-linux",
        _ => program,
    };
}
