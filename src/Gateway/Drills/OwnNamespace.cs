using System.Collections.Concurrent;
using System.ComponentModel;
using System.Runtime.InteropServices;

namespace Gateway.Drills;

/// <summary>
/// A network namespace without a name, alive as long as this object and what was opened in it: when the process ends, however it ends,
/// the kernel takes the namespace and its links away. A thread belongs to a namespace, so one thread is kept in it.
/// </summary>
internal sealed class OwnNamespace : IDisposable
{
    /// <summary>unshare(2).</summary>
    private const int CloneNewNet = 0x40000000;

    private readonly BlockingCollection<Action> _work = [];
    private readonly Thread _thread;

    private OwnNamespace()
    {
        _thread = new Thread(Work) { IsBackground = true, Name = "drill" };
        _thread.Start();
    }

    /// <summary>Where ip(8) and nsenter(1) find it.</summary>
    public string File { get; private set; } = "";

    /// <summary>Throws <see cref="DrillException"/> where we may not.</summary>
    public static async Task<OwnNamespace> MakeAsync()
    {
        var made = new OwnNamespace();
        try
        {
            made.File = await made.InsideAsync(Enter);
            return made;
        }
        catch
        {
            made.Dispose();
            throw;
        }
    }

    /// <summary>Runs there; a socket belongs to where it was made, wherever it is used afterwards.</summary>
    public Task<T> InsideAsync<T>(Func<T> work)
    {
        // What follows on it goes elsewhere: it might end this very thread.
        var task = new Task<T>(work, TaskCreationOptions.RunContinuationsAsynchronously);
        _work.Add(() => task.RunSynchronously(TaskScheduler.Default));
        return task;
    }

    public void Dispose()
    {
        _work.CompleteAdding();
        _thread.Join();
        _work.Dispose();
    }

    private static string Enter() => unshare(CloneNewNet) == 0
        ? $"/proc/{new FileInfo("/proc/thread-self").LinkTarget}/ns/net"
        : throw new DrillException(
            $"a network namespace cannot be made: {new Win32Exception(Marshal.GetLastPInvokeError()).Message}", "only root may: sudo gateway drill");

    private void Work()
    {
        foreach (var work in _work.GetConsumingEnumerable())
        {
            work();
        }
    }

    [DllImport("libc", SetLastError = true, ExactSpelling = true), DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int unshare(int flags);
}
