namespace Gateway.Tunnel;

/// <summary>The newest generation of the desired state that was seen standing, and a place to wait for one.</summary>
internal sealed class ReachedGeneration
{
    private long _reached = -1;
    private TaskCompletionSource _next = NewSource();

    /// <summary>−1 before the first.</summary>
    public long Value => Volatile.Read(ref _reached);

    /// <summary>For one caller at a time.</summary>
    public void Reach(long generation)
    {
        Volatile.Write(ref _reached, generation);
        Interlocked.Exchange(ref _next, NewSource()).SetResult();
    }

    /// <summary>True once this generation or a later one was reached; false where the token ended the wait first.</summary>
    public async Task<bool> WaitAsync(long generation, CancellationToken cancellationToken)
    {
        try
        {
            while (true)
            {
                // Taken before looking, so that nothing is reached unseen between the look and the wait.
                var next = Volatile.Read(ref _next).Task;
                if (Value >= generation)
                {
                    return true;
                }

                await next.WaitAsync(cancellationToken);
            }
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    private static TaskCompletionSource NewSource() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
