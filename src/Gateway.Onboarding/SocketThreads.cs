namespace Gateway.Onboarding;

/// <summary>
/// A few threads serve all sockets, and what follows on an answer runs on them at once, without a change of threads
/// (docs/decisions/0014). So nothing may run there that may wait, least of all for the disk: a disk that hangs must hold
/// up neither a request nor a revocation. Forwarding and refusing need no disk; all else leaves these threads first.
/// </summary>
public static class SocketThreads
{
    /// <summary>How the runtime calls them (System.Net.Sockets, SocketAsyncEngine).</summary>
    private const string Name = ".NET Sockets";

    private static bool _areUsed;

    /// <summary>Whether this is one of them. What awaited a socket says <see cref="Task.Yield"/> then, itself: a task that does it may be done before it is awaited.</summary>
    public static bool IsOne => Thread.CurrentThread.Name == Name;

    /// <summary>To be said before the first socket is opened: the runtime has no other switch for it.</summary>
    public static void Use()
    {
        Environment.SetEnvironmentVariable("DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS", "1");
        _areUsed = true;
    }

    /// <summary>Runs the work on the thread pool, and there also all that follows on what it awaits.</summary>
    public static Task LeaveAsync(Func<Task> work) => _areUsed
        ? Task.Factory.StartNew(work, CancellationToken.None, TaskCreationOptions.DenyChildAttach, Pool.Instance).Unwrap()
        : work();

    /// <summary>The thread pool, as a scheduler of its own: only to another than the default do awaits come back.</summary>
    private sealed class Pool : TaskScheduler
    {
        public static readonly Pool Instance = new();

        protected override void QueueTask(Task task) => ThreadPool.UnsafeQueueUserWorkItem(static queued => Instance.TryExecuteTask(queued), task, preferLocal: false);

        protected override bool TryExecuteTaskInline(Task task, bool taskWasPreviouslyQueued) => Thread.CurrentThread.IsThreadPoolThread && TryExecuteTask(task);

        protected override IEnumerable<Task> GetScheduledTasks() => [];
    }
}
