using Gateway.Commands;
using Microsoft.Extensions.Time.Testing;

namespace Gateway.Tests.Commands;

/// <summary>Runs a command line as the program does, and keeps what it printed.</summary>
#pragma warning disable CA1001 // The writers hold nothing but text.
internal sealed class Shell(AdminSocket? socket = null)
{
    /// <summary>No command of a test takes longer, unless it hangs.</summary>
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    private readonly LockedWriter _out = new();
    private readonly LockedWriter _error = new();

    public FakeTimeProvider Time { get; } = new(The.Now);

    public bool Interactive { get; init; }

    /// <summary>What is typed, line by line.</summary>
    public string Input { get; init; } = "";

    public (int Columns, int Lines)? Size { get; init; }

    public Dictionary<string, string> Environment { get; } = [];

    public Func<string, AdminClient> Connect { get; init; } = AdminClient.OverSocket;

    public string Out => _out.ToString();

    public string Error => _error.ToString();

    /// <summary>The configuration file that `serve` was given.</summary>
    public string? Served { get; private set; }

    /// <summary>Words of a command line; `--config` is added where there is a socket to be found.</summary>
    public async Task<int> RunAsync(string line, CancellationToken cancellationToken = default)
    {
        var args = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        using var input = new StringReader(Input);
        var terminal = new Terminal(_out, _error, input, Interactive, Time) { Size = Size };
        return await CommandLine.RunAsync(
            socket is null ? args : [.. args, "--config", socket.ConfigFile],
            new CommandContext(terminal, Time, Environment, Connect),
            (file, _) =>
            {
                Served = file ?? "(default)";
                return Task.FromResult(0);
            },
            cancellationToken).WaitAsync(Deadline, CancellationToken.None);
    }

    /// <summary>Turns the clock on and on, by a second or as said, until the command ends.</summary>
    public async Task<int> RunAndTurnClockAsync(string line, TimeSpan? step = null)
    {
        var running = RunAsync(line);
        var deadline = TimeProvider.System.GetTimestamp();
        while (!running.IsCompleted)
        {
            Assert.True(TimeProvider.System.GetElapsedTime(deadline) < Deadline, $"still running: {Out}{Error}");
            Time.Advance(step ?? TimeSpan.FromSeconds(1));
            await Task.WhenAny(running, Task.Delay(10));
        }

        return await running;
    }

    public async Task UntilPrintedAsync(string text)
    {
        var start = TimeProvider.System.GetTimestamp();
        while (!Out.Contains(text, StringComparison.Ordinal))
        {
            Assert.True(TimeProvider.System.GetElapsedTime(start) < Deadline, $"never printed '{text}': {Out}{Error}");
            await Task.Delay(10);
        }
    }

    /// <summary>A test reads while the command still writes.</summary>
    private sealed class LockedWriter : StringWriter
    {
        private readonly Lock _lock = new();

        public override void Write(char value)
        {
            lock (_lock)
            {
                base.Write(value);
            }
        }

        public override void Write(string? value)
        {
            lock (_lock)
            {
                base.Write(value);
            }
        }

        public override void WriteLine(string? value) => Write(value + "\n");

        public override string ToString()
        {
            lock (_lock)
            {
                return base.ToString();
            }
        }
    }
}
