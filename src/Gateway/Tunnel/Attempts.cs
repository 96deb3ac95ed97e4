namespace Gateway.Tunnel;

/// <summary>What a row of changes came to: whether any was tried, and the first fault.</summary>
internal readonly record struct Attempts(bool Any, string? Fault)
{
    public static Attempts None => default;

    public async Task<Attempts> AddAsync(Func<Task> change)
    {
        try
        {
            await change();
            return new(true, Fault);
        }
        catch (TunnelException fault)
        {
            return new(true, Fault ?? fault.Message);
        }
    }
}
