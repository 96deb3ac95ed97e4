using System.Diagnostics;
using System.Globalization;

namespace Gateway.Benchmarks.Beside;

/// <summary>A program under measurement, with the processes that it has started. Ends with its owner, each process by its own id.</summary>
internal sealed class Contestant : IDisposable
{
    /// <summary>proc(5): user and system time in stat are in clock ticks, of which Linux shows 100 a second.</summary>
    private const double TicksPerSecond = 100;

    private readonly Process _process;
    private readonly List<string> _said;

    private Contestant(string name, Process process, int plain, int tls, List<string> said)
    {
        _said = said;
        Name = name;
        _process = process;
        Plain = plain;
        Tls = tls;
    }

    public string Name { get; }

    /// <summary>Its port for plain HTTP, on loopback.</summary>
    public int Plain { get; }

    /// <summary>Its port for TLS.</summary>
    public int Tls { get; }

    /// <summary>Starts it and waits until it listens on both ports.</summary>
    public static async Task<Contestant> StartAsync(string name, int plain, int tls, string folder, string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false, WorkingDirectory = folder };
        start.Environment["HOME"] = start.Environment["XDG_CONFIG_HOME"] = start.Environment["XDG_DATA_HOME"] = folder;
        var process = Process.Start(start)!;
        var said = new List<string>();
        process.OutputDataReceived += (_, line) => Hear(line.Data);
        process.ErrorDataReceived += (_, line) => Hear(line.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        var contestant = new Contestant(name, process, plain, tls, said);
        try
        {
            await contestant.ListensAsync();
            return contestant;
        }
        catch
        {
            contestant.Dispose();
            throw;
        }

        void Hear(string? line)
        {
            lock (said)
            {
                if (line is not null && said.Count < 40)
                {
                    said.Add(line);
                }
            }
        }
    }

    public IReadOnlyList<int> Processes => [_process.Id, .. Descendants(_process.Id)];

    /// <summary>User and system time of all its processes so far.</summary>
    public TimeSpan Cpu => TimeSpan.FromSeconds(Processes.Sum(id => Stat(id) is { Length: > 15 } stat ? long.Parse(stat[11], CultureInfo.InvariantCulture) + long.Parse(stat[12], CultureInfo.InvariantCulture) : 0) / TicksPerSecond);

    /// <summary>What all its processes have in memory and share with no file (proc(5), RssAnon), in bytes.</summary>
    public long Memory => Processes.Sum(id => Status(id, "RssAnon:"));

    /// <summary>The same with the program's own files (VmRSS), in bytes.</summary>
    public long Resident => Processes.Sum(id => Status(id, "VmRSS:"));

    /// <summary>The line with which it begins, as soon as it has said it.</summary>
    public async Task<string> WaitForAsync(string word)
    {
        for (var patience = 0; patience < 500; patience++)
        {
            lock (_said)
            {
                if (_said.Find(line => line.StartsWith(word, StringComparison.Ordinal)) is { } line)
                {
                    return line;
                }
            }

            await Task.Delay(10);
        }

        throw new InvalidOperationException($"{Name} does not say {word}");
    }

    public void Dispose()
    {
        foreach (var id in Processes.Reverse())
        {
            End(id);
        }

        _process.WaitForExit(TimeSpan.FromSeconds(5));
        _process.Dispose();
    }

    private static void End(int id)
    {
        try
        {
            using var process = Process.GetProcessById(id);
            process.Kill();
        }
        catch (Exception e) when (e is ArgumentException or InvalidOperationException)
        {
            // It has ended by itself.
        }
    }

    private static IEnumerable<int> Descendants(int id)
    {
        if (!Directory.Exists($"/proc/{id}"))
        {
            yield break;
        }

        foreach (var task in Directory.EnumerateDirectories($"/proc/{id}/task"))
        {
            foreach (var child in File.ReadAllText(Path.Combine(task, "children")).Split(' ', StringSplitOptions.RemoveEmptyEntries))
            {
                var number = int.Parse(child, CultureInfo.InvariantCulture);
                yield return number;
                foreach (var further in Descendants(number))
                {
                    yield return further;
                }
            }
        }
    }

    private static string[] Stat(int id)
    {
        var stat = File.ReadAllText($"/proc/{id}/stat");
        return stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
    }

    private static long Status(int id, string name) =>
        1024 * long.Parse(File.ReadLines($"/proc/{id}/status").First(line => line.StartsWith(name, StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture);

    private async Task ListensAsync()
    {
        var patience = Stopwatch.StartNew();
        while (!(await AnswersAsync(Plain) && await AnswersAsync(Tls)))
        {
            if (_process.HasExited || patience.Elapsed > TimeSpan.FromSeconds(60))
            {
                lock (_said)
                {
                    throw new InvalidOperationException($"{Name} does not start: {string.Join('\n', _said)}");
                }
            }

            await Task.Delay(50);
        }
    }

    private static async Task<bool> AnswersAsync(int port)
    {
        if (port == 0)
        {
            return true;
        }

        using var socket = new System.Net.Sockets.Socket(System.Net.Sockets.SocketType.Stream, System.Net.Sockets.ProtocolType.Tcp);
        try
        {
            await socket.ConnectAsync(System.Net.IPAddress.Loopback, port);
            return true;
        }
        catch (System.Net.Sockets.SocketException)
        {
            return false;
        }
    }
}
