using System.Diagnostics.CodeAnalysis;

namespace Gateway.Proxy;

/// <summary>
/// The door of one device, the same object as long as the process lives. A request first takes the door's token and then
/// looks at the device's state; a revocation first shuts the door and then cancels the token. So no request can slip
/// between check and cut.
/// </summary>
[SuppressMessage("Design", "CA1001", Justification = "It lives as long as the process; a source without a timer holds nothing.")]
internal sealed class Door(RequestLimits limits, TimeProvider time)
{
    private CancellationTokenSource _cut = new();
    private volatile bool _shut;

    /// <summary>How much the device may ask for at once and in a row.</summary>
    public RequestShare Share { get; } = new(limits, time);

    /// <summary>Shut for good: by a revocation that is being stored, or that could not be.</summary>
    public bool IsShut => _shut;

    /// <summary>Cancelled when this device's open requests must end.</summary>
    public CancellationToken Cut => Volatile.Read(ref _cut).Token;

    /// <summary>Lets nothing pass any more and aborts what is open.</summary>
    public void Shut()
    {
        _shut = true;
        CutOpenRequests();
    }

    /// <summary>Aborts what is open; later requests are judged by the state. One that resists does not keep the others.</summary>
    public void CutOpenRequests()
    {
        try
        {
            Interlocked.Exchange(ref _cut, new CancellationTokenSource()).Cancel();
        }
        catch (AggregateException)
        {
            // All were called; what one of them threw is its own request's end.
        }
    }
}
