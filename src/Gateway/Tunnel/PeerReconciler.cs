using System.Threading.Channels;
using Gateway.Onboarding.Devices;
using Gateway.Onboarding.Keys;

namespace Gateway.Tunnel;

/// <summary>
/// Makes the interface equal to the desired peers: at start and at each tick as a whole, and when woken at the cost of what
/// has changed. Level-triggered: it compares and corrects, so nothing it missed, and nothing done by hand, outlives the next
/// whole pass. It holds no lock while the interface works, and never puts back a peer that was taken away meanwhile.
/// </summary>
internal sealed partial class PeerReconciler(
    IWireGuardInterface tunnel,
    InterfaceSettings settings,
    Func<DesiredPeers> desired,
    HandshakeWatch handshakes,
    TimeProvider time,
    ILogger<PeerReconciler> log) : BackgroundService
{
    // One place: signals that come while a pass runs become one more pass.
    private readonly Channel<bool> _signal = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });

    private readonly PeerChanges _changes = new(tunnel, desired, log);
    private readonly ReachedGeneration _verified = new();
    private readonly ReachedGeneration _taken = new();
    private volatile TunnelHealth _health = new(LastGoodPass: null, Error: "The interface was not looked at yet.");
    private volatile bool _due = true;

    /// <summary>The generation whose peers stand, from which the next changes can be followed; null where that is not known.</summary>
    private long? _followed;

    public TunnelHealth Health => _health;

    /// <summary>Called with what each whole pass took that came to its end; and with each peer that was taken off the interface.</summary>
    public Action<TimeSpan> Passed { get; set; } = _ => { };
    public Action<PublicKey> Removed { set => _changes.Removed = value; }

    /// <summary>The newest generation that a read-back has shown on the interface; −1 before the first.</summary>
    public long VerifiedGeneration => _verified.Value;

    /// <summary>
    /// Asks for a pass. True once a read-back has shown the interface equal to a desired state of this
    /// <paramref name="generation"/> or a later one; false where the token ended the wait first.
    /// </summary>
    public Task<bool> RequestAsync(long generation, CancellationToken cancellationToken)
    {
        if (_verified.Value < generation)
        {
            _due = true;
        }

        Wake();
        return _verified.WaitAsync(generation, cancellationToken);
    }

    /// <summary><see cref="PeersApplied"/>.</summary>
    public async Task<string?> AppliedAsync(long generation, CancellationToken cancellationToken) =>
        await RequestAsync(generation, cancellationToken) ? null : _health.Error ?? "it has not confirmed in time";

    /// <summary><see cref="PeersTaken"/>.</summary>
    public async Task<string?> TakenAsync(long generation, CancellationToken cancellationToken)
    {
        Wake();
        return await _taken.WaitAsync(generation, cancellationToken) ? null : _health.Error ?? "it has not confirmed in time";
    }

    /// <summary>One whole pass. Not for two callers at once.</summary>
    internal async Task ReconcileOnceAsync(CancellationToken cancellationToken)
    {
        // 1. What must stand, and as of when.
        var began = desired();
        _followed = null;

        // 2. The link itself; a rebuilt one is empty. Where it fails, what must go can perhaps still be taken away.
        var link = await Attempts.None.AddAsync(() => EnsureAsync(cancellationToken));

        // 3. What stands.
        var standing = await DumpAsync(link.Fault, cancellationToken);

        // 4. Mostly nothing is to be done. Removals first: WireGuard moves an allowed IP silently to the peer that was set last.
        var (changed, late) = (Attempts.None, Attempts.None);
        if (PeerDifference.First(began.Index, standing) is not null || desired().Generation != began.Generation)
        {
            var present = standing.Keys.ToHashSet();
            changed = await _changes.RemoveStrangersAsync(changed, present, cancellationToken);
            // 5. Then what is missing or wrong.
            changed = await _changes.SetMissingAsync(changed, standing, present, cancellationToken);
        }

        // 6. Read back, and look once more: what was revoked while we set it goes at once.
        if (changed.Any)
        {
            standing = await DumpAsync(null, cancellationToken);
            late = await _changes.RemoveStrangersAsync(Attempts.None, [.. standing.Keys], cancellationToken);
            standing = late.Any ? await DumpAsync(null, cancellationToken) : standing;
        }

        // 7. Report.
        Report(began, standing, changed.Any, link.Fault ?? late.Fault ?? changed.Fault);
        handshakes.Observe(standing.Values);
    }

    /// <summary>
    /// Takes over what has changed since the last good look, as the interface confirms it, without looking at anything else. False
    /// where a whole pass must follow: after a fault, after a removal, which is read back, and where too much has changed.
    /// </summary>
    internal async Task<bool> FollowOnceAsync(CancellationToken cancellationToken)
    {
        var wanted = desired();
        if (_followed is not { } from || from < wanted.ChangesSince)
        {
            return false;
        }

        var touched = wanted.Changes.Where(change => change.Generation > from).Select(change => change.Key).ToHashSet();
        var removed = await _changes.RemoveStrangersAsync(Attempts.None, touched, cancellationToken);
        var set = await _changes.SetAsync(Attempts.None, [.. touched], "wanted", cancellationToken);
        if ((removed.Fault ?? set.Fault) is { } fault)
        {
            Failed(fault);
            return false;
        }

        if (touched.Count == 0 && !removed.Any && _verified.Value == from)
        {
            _verified.Reach(wanted.Generation);
        }

        _followed = wanted.Generation;
        _taken.Reach(wanted.Generation);
        return !removed.Any;
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        Wake();
        await using var timer = time.CreateTimer(_ => Tick(), state: null, RestAfterPass.Least, RestAfterPass.Least);
        await foreach (var _ in _signal.Reader.ReadAllAsync(stoppingToken))
        {
            try
            {
                if (_due || !await FollowOnceAsync(stoppingToken))
                {
                    _due = false;
                    var started = time.GetTimestamp();
                    await ReconcileOnceAsync(stoppingToken);
                    var took = time.GetElapsedTime(started);
                    Passed(took);
                    var rest = RestAfterPass.Of(took);
                    timer.Change(rest, rest);
                }
            }
            catch (Exception fault) when (!stoppingToken.IsCancellationRequested)
            {
                // Whatever it was, members' tunnels depend on this loop: the next tick tries again.
                Failed(fault.Message, fault is TunnelException ? null : fault);
            }
        }
    }

    private void Tick()
    {
        _due = true;
        Wake();
    }

    private async Task EnsureAsync(CancellationToken cancellationToken)
    {
        if (await tunnel.EnsureAsync(settings, cancellationToken))
        {
            // Before the first good pass it is the program's start, after it somebody took the interface away.
            LogInterfaceMade(_health.LastGoodPass is null ? LogLevel.Information : LogLevel.Warning);
        }
    }

    /// <summary>What stands. Where neither the link could be made nor its peers read, the first says why.</summary>
    private async Task<Dictionary<PublicKey, Peer>> DumpAsync(string? linkFault, CancellationToken cancellationToken)
    {
        try
        {
            return (await tunnel.DumpAsync(cancellationToken)).ToDictionary(peer => peer.PublicKey);
        }
        catch (TunnelException fault) when (linkFault is not null)
        {
            throw new TunnelException(linkFault, fault);
        }
    }

    /// <summary>Only a state that was read back counts as reached: while one write follows the other, the one that the pass began with.</summary>
    private void Report(DesiredPeers began, Dictionary<PublicKey, Peer> standing, bool changed, string? fault)
    {
        var now = desired();
        var moved = now.Generation != began.Generation;
        var unreached = changed || moved ? PeerDifference.First(now.Index, standing) : null;
        if (unreached is null || PeerDifference.Since(began.Peers, now.Peers, standing) is null)
        {
            // Those who waited for their peers may go on, even where the link has a fault of its own.
            _followed = unreached is null ? now.Generation : began.Generation;
            _verified.Reach(_followed.Value);
            _taken.Reach(_followed.Value);
        }

        if (moved)
        {
            Wake();
        }

        if (fault is not null || (unreached is not null && !moved))
        {
            Failed(fault ?? $"The interface is not as it was set ({unreached}).");
        }
        else if (unreached is null)
        {
            Good();
        }
    }

    private void Good()
    {
        if (_health is { LastGoodPass: not null, Error: not null })
        {
            LogHealed();
        }

        _health = new(time.GetUtcNow(), Error: null);
    }

    /// <summary>Logged once for each message, not at each tick.</summary>
    private void Failed(string message, Exception? unexpected = null)
    {
        if (_health.Error != message)
        {
            LogFailed(unexpected, message);
        }

        _health = _health with { Error = message };
    }

    /// <summary>Asks for a pass without waiting for it.</summary>
    public void Wake() => _signal.Writer.TryWrite(true);

    [LoggerMessage("The interface was missing and has been made.")]
    private partial void LogInterfaceMade(LogLevel level);

    [LoggerMessage(LogLevel.Error, "The interface cannot be brought to its desired state, trying again: {Reason}")]
    private partial void LogFailed(Exception? unexpected, string reason);

    [LoggerMessage(LogLevel.Information, "The interface is as desired again.")]
    private partial void LogHealed();
}
