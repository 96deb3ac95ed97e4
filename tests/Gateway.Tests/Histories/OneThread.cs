namespace Gateway.Tests.Histories;

/// <summary>
/// Runs everything that is asynchronous on the test's own thread and in the order in which it became ready, so that a
/// history runs the same way each time.
/// </summary>
internal sealed class OneThread : SynchronizationContext
{
    private readonly Queue<(SendOrPostCallback Callback, object? State)> _ready = new();

    public override void Post(SendOrPostCallback d, object? state) => _ready.Enqueue((d, state));

    /// <summary>Runs <paramref name="act"/> and all that follows from it, until nothing more can be done without the world outside.</summary>
    public void Run(Action act)
    {
        var before = Current;
        SetSynchronizationContext(this);
        try
        {
            act();
            while (_ready.TryDequeue(out var next))
            {
                next.Callback(next.State);
            }
        }
        finally
        {
            SetSynchronizationContext(before);
        }
    }

    /// <summary>
    /// Lets go of something that waits outside of this context. What waits for it without a context goes on at once, on
    /// this thread; with this one set it would be handed to the thread pool.
    /// </summary>
    public static void Outside(Action act)
    {
        var before = Current;
        SetSynchronizationContext(null);
        try
        {
            act();
        }
        finally
        {
            SetSynchronizationContext(before);
        }
    }
}
