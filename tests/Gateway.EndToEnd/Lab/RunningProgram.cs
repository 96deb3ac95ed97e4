using System.Diagnostics;
using System.Threading.Channels;

namespace Gateway.EndToEnd.Lab;

/// <summary>
/// A program that runs beside the test: its output goes to a log file and to whoever reads <see cref="Lines"/>, and it is
/// ended by its own process id, with everything it started, when the test ends.
/// </summary>
public sealed class RunningProgram : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);

    private readonly Process process;
    private readonly StreamWriter log;
    private readonly Lock writing = new();
    private readonly Channel<string> lines = Channel.CreateUnbounded<string>();
    private readonly Queue<string> last = new();
    private volatile string? slip;

    public RunningProgram(ProcessStartInfo start, string logName)
    {
        log = TestLogs.Open(logName);
        process = Process.Start(start)!;
        // Own readers instead of events: waiting for the end must not wait for a daemon that inherited the pipe.
        _ = CopyAsync(process.StandardOutput, lines.Writer);
        _ = CopyAsync(process.StandardError, null);
    }

    /// <summary>A line with these words means that the program is not as it should be: disposing it then fails.</summary>
    public string? MustNotSay { get; init; }

    /// <summary>What the program prints on standard output.</summary>
    public ChannelReader<string> Lines => lines.Reader;

    public int Id => process.Id;

    public bool HasEnded => process.HasExited;

    public int ExitCode => process.ExitCode;

    /// <summary>The last lines of both outputs, for a message that says why a start failed.</summary>
    public string LastWords
    {
        get
        {
            lock (writing)
            {
                return string.Join('\n', last);
            }
        }
    }

    public async Task WriteLineAsync(string line)
    {
        await process.StandardInput.WriteLineAsync(line);
        await process.StandardInput.FlushAsync();
    }

    public async Task<int> WaitForEndAsync()
    {
        await process.WaitForExitAsync().WaitAsync(Patience);
        return process.ExitCode;
    }

    /// <summary>Asks the program to end as a supervisor would, and waits for it.</summary>
    public async Task StopAsync()
    {
        if (process.HasExited)
        {
            return;
        }

        _ = Libc.Signal(process.Id, Libc.Terminate);
        await WaitForEndAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (!process.HasExited)
        {
            process.Kill(entireProcessTree: true);
            await process.WaitForExitAsync().WaitAsync(Patience);
        }

        process.Dispose();
        lock (writing)
        {
            log.Dispose();
        }

        if (slip is { } said)
        {
            throw new InvalidOperationException($"the program said what it must never say: {said}");
        }
    }

    private async Task CopyAsync(StreamReader from, ChannelWriter<string>? to)
    {
        try
        {
            while (await from.ReadLineAsync() is { } line)
            {
                Record(line);
                to?.TryWrite(line);
            }
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException or InvalidOperationException)
        {
            // The stream went away with the process; what was said until then is in the log.
        }

        to?.TryComplete();
    }

    private void Record(string line)
    {
        if (MustNotSay is { } words && line.Contains(words, StringComparison.Ordinal))
        {
            slip = line;
        }

        lock (writing)
        {
            last.Enqueue(line);
            if (last.Count > 20)
            {
                last.Dequeue();
            }

            if (log.BaseStream is not null)
            {
                log.WriteLine(line);
            }
        }
    }
}
