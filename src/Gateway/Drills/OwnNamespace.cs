using System.ComponentModel;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Gateway.Drills;

/// <summary>
/// A network namespace without a name, alive as long as this object and what was opened in it: when the process ends, however it ends,
/// the kernel takes the namespace and its links away.
/// </summary>
internal sealed class OwnNamespace : IDisposable
{
    private const string OfThisThread = "/proc/thread-self/ns/net";

    /// <summary>unshare(2), setns(2).</summary>
    private const int CloneNewNet = 0x40000000;

    private readonly SafeFileHandle _namespace;

    private OwnNamespace(SafeFileHandle made) => _namespace = made;

    /// <summary>Where ip(8) and nsenter(1) find it.</summary>
    public string File => $"/proc/{Environment.ProcessId}/fd/{_namespace.DangerousGetHandle()}";

    /// <summary>Throws <see cref="DrillException"/> where we may not.</summary>
    public static async Task<OwnNamespace> MakeAsync() => new(await AwayAsync(
        () => unshare(CloneNewNet),
        () => System.IO.File.OpenHandle(OfThisThread)));

    /// <summary>Runs there; a socket belongs to where it was made, wherever it is used afterwards.</summary>
    public Task<T> InsideAsync<T>(Func<T> work) => AwayAsync(() => setns(_namespace, CloneNewNet), work);

    public void Dispose() => _namespace.Dispose();

    /// <summary>
    /// On a thread of its own, which is home again before anybody hears of it: a thread that is started from inside stays there, and
    /// ending a task may start one of the pool's.
    /// </summary>
    private static Task<T> AwayAsync<T>(Func<int> leave, Func<T> work) => Task.Factory.StartNew(
        () =>
        {
            using var home = System.IO.File.OpenHandle(OfThisThread);
            if (leave() != 0)
            {
                throw new DrillException($"a network namespace cannot be made: {new Win32Exception(Marshal.GetLastPInvokeError()).Message}", "only root may, on the host itself: sudo gateway drill");
            }

            try
            {
                return work();
            }
            finally
            {
                if (setns(home, CloneNewNet) != 0)
                {
                    Environment.FailFast("a thread could not come back from the drill's network");
                }
            }
        },
        CancellationToken.None,
        TaskCreationOptions.LongRunning | TaskCreationOptions.RunContinuationsAsynchronously,
        TaskScheduler.Default);

    [DllImport("libc", SetLastError = true, ExactSpelling = true), DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int unshare(int flags);

    [DllImport("libc", SetLastError = true, ExactSpelling = true), DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int setns(SafeFileHandle descriptor, int kind);
}
