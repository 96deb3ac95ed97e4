using System.Net;
using System.Net.Sockets;
using System.Threading.Channels;
using Gateway.Tunnel;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;

namespace Gateway.Listening;

/// <summary>
/// A listener that follows its interface: absent while the interface is, bound anew when it comes back. A socket
/// stays bound to the number of the interface that was, and would silently hear nothing any more.
/// </summary>
internal sealed partial class InterfaceListener(
    SocketTransportFactory sockets, NetworkLink link, IPEndPoint endPoint, TimeProvider time, ILogger<InterfaceListener> log)
    : IConnectionListener
{
    private static readonly TimeSpan Period = TimeSpan.FromMilliseconds(500);

    /// <summary>While it is away: at the program's start that is the next moment.</summary>
    private static readonly TimeSpan PeriodUnbound = TimeSpan.FromMilliseconds(50);

    // Each newly bound listener, for AcceptAsync to go on with when the one it waits on has closed.
    private readonly Channel<IConnectionListener> _bound = Channel.CreateUnbounded<IConnectionListener>();

    // Kept until the end: connections that outlive their listener use its memory.
    private readonly List<IConnectionListener> _all = [];
    private readonly CancellationTokenSource _stop = new();
    private Task _watch = Task.CompletedTask;
    private volatile uint _index;
    private IConnectionListener? _accepting;
    private string? _fault;

    public EndPoint EndPoint { get; private set; } = endPoint;

    /// <summary>Members are heard; false while the interface is away.</summary>
    public bool IsBound => _index != 0;

    /// <summary>Binds if the interface is there and then follows it. Only its absence is waited for: any other fault throws.</summary>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        try
        {
            if (!await TryBindAsync(cancellationToken))
            {
                LogWaiting(endPoint, link.Name);
            }
        }
        catch (SocketException fault)
        {
            throw new IOException(Explain(fault), fault);
        }

        _watch = FollowAsync();
    }

    public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
    {
        do
        {
            if (_accepting is not null && await _accepting.AcceptAsync(cancellationToken) is { } connection)
            {
                return connection;
            }

            // Nothing bound yet, or its interface went: on with the next.
        }
        while (await _bound.Reader.WaitToReadAsync(cancellationToken) && _bound.Reader.TryRead(out _accepting));
        return null;
    }

    public async ValueTask UnbindAsync(CancellationToken cancellationToken = default)
    {
        await _stop.CancelAsync();
        await _watch;
        _bound.Writer.TryComplete();
        await ReleaseAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await UnbindAsync();
        foreach (var listener in _all)
        {
            await listener.DisposeAsync();
        }

        _stop.Dispose();
    }

    private async Task FollowAsync()
    {
        using var timer = new PeriodicTimer(IsBound ? Period : PeriodUnbound, time);
        try
        {
            while (await timer.WaitForNextTickAsync(_stop.Token))
            {
                await FollowOnceAsync(_stop.Token);
                timer.Period = IsBound ? Period : PeriodUnbound;
            }
        }
        catch (OperationCanceledException)
        {
            // The listener is being closed.
        }
    }

    private async Task FollowOnceAsync(CancellationToken cancellationToken)
    {
        if (IsBound && link.Index != _index)
        {
            LogGone(endPoint, link.Name);
            await ReleaseAsync();
        }

        if (IsBound || link.Index == 0)
        {
            return;
        }

        try
        {
            await TryBindAsync(cancellationToken);
            _fault = null;
        }
        catch (Exception fault) when (!cancellationToken.IsCancellationRequested)
        {
            // Shut until it works, whatever it is: never a listener on the address alone.
            if (_fault != fault.Message)
            {
                LogRefused(endPoint, link.Name, fault is SocketException refusal ? Explain(refusal) : fault.Message);
            }

            _fault = fault.Message;
        }
    }

    /// <summary>False where the interface, or its address, is not there yet. Any other refusal throws.</summary>
    private async Task<bool> TryBindAsync(CancellationToken cancellationToken)
    {
        // Asked before binding, and never again for the same answer: the interface may come, go or be rebuilt meanwhile,
        // and then the next look sees another number.
        var index = link.Index;
        if (index == 0)
        {
            return false;
        }

        IConnectionListener listener;
        try
        {
            listener = await sockets.BindAsync(endPoint, cancellationToken);
        }
        catch (SocketException fault) when (fault.SocketErrorCode == SocketError.AddressNotAvailable || link.Index != index)
        {
            return false;
        }

        _all.Add(listener);
        _index = index;
        EndPoint = listener.EndPoint;
        _bound.Writer.TryWrite(listener);
        LogBound(endPoint, link.Name);
        return true;
    }

    private async Task ReleaseAsync()
    {
        if (IsBound)
        {
            _index = 0;
            await _all[^1].UnbindAsync();
        }
    }

    private string Explain(SocketException fault) => fault.SocketErrorCode switch
    {
        SocketError.AccessDenied => $"Listening on {endPoint}, bound to {link.Name}, is not permitted: the gateway needs CAP_NET_BIND_SERVICE, and CAP_NET_RAW on kernels before 5.7.",
        _ => $"Listening on {endPoint}, bound to {link.Name}, is refused: {fault.Message}",
    };

    [LoggerMessage(LogLevel.Information, "Listening on {EndPoint}, bound to the interface {Interface}.")]
    private partial void LogBound(IPEndPoint endPoint, string @interface);

    [LoggerMessage(LogLevel.Warning, "Not listening on {EndPoint} yet: waiting for the interface {Interface} and its address.")]
    private partial void LogWaiting(IPEndPoint endPoint, string @interface);

    [LoggerMessage(LogLevel.Warning, "Stopped listening on {EndPoint}: the interface {Interface} is gone or was rebuilt.")]
    private partial void LogGone(IPEndPoint endPoint, string @interface);

    [LoggerMessage(LogLevel.Error, "Cannot listen on {EndPoint}, bound to the interface {Interface}, trying again: {Reason}")]
    private partial void LogRefused(IPEndPoint endPoint, string @interface, string reason);
}
