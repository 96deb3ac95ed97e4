using System.Collections.Frozen;
using System.Threading.Channels;
using Gateway.Onboarding.Devices;
using Gateway.Onboarding.Keys;

namespace Gateway.Tunnel;

/// <summary>
/// Makes the interface equal to the desired peers: at start, when woken and every two seconds. Level-triggered: it
/// compares and corrects, so nothing it missed, and nothing done by hand, outlives the next pass. It holds no lock
/// while the interface works, and never puts back a peer that was taken away meanwhile.
/// </summary>
internal sealed partial class PeerReconciler(
    IWireGuardInterface tunnel,
    InterfaceSettings settings,
    Func<DesiredPeers> desired,
    HandshakeWatch handshakes,
    TimeProvider time,
    ILogger<PeerReconciler> log) : BackgroundService
{
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(1);

    // One place: signals that come while a pass runs become one more pass.
    private readonly Channel<bool> _signal = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });

    private readonly ReachedGeneration _verified = new();
    private volatile TunnelHealth _health = new(LastGoodPass: null, Error: "The interface was not looked at yet.");
    private (long Generation, FrozenDictionary<PublicKey, DesiredPeer> Peers)? _wanted;

    public TunnelHealth Health => _health;

    /// <summary>The newest generation that a read-back has shown on the interface; −1 before the first.</summary>
    public long VerifiedGeneration => _verified.Value;

    /// <summary>
    /// Asks for a pass. True once a read-back has shown the interface equal to a desired state of this
    /// <paramref name="generation"/> or a later one; false where the token ended the wait first.
    /// </summary>
    public Task<bool> RequestAsync(long generation, CancellationToken cancellationToken)
    {
        Wake();
        return _verified.WaitAsync(generation, cancellationToken);
    }

    /// <summary><see cref="PeersApplied"/>.</summary>
    public async Task<string?> AppliedAsync(long generation, CancellationToken cancellationToken) =>
        await RequestAsync(generation, cancellationToken) ? null : _health.Error ?? "it has not confirmed in time";

    /// <summary>One pass. Not for two callers at once.</summary>
    internal async Task ReconcileOnceAsync(CancellationToken cancellationToken)
    {
        // 1. What must stand, and as of when.
        var began = Look();

        // 2. The link itself; a rebuilt one is empty, so the steps below put every peer back. Where it fails, what
        //    must go can perhaps still be taken away: the pass goes on.
        var link = await Attempts.None.AddAsync(() => EnsureAsync(cancellationToken));

        // 3. What stands.
        var standing = await DumpAsync(link.Fault, cancellationToken);

        // 4. Removals first: WireGuard moves an allowed IP silently to the peer that was set last.
        var present = standing.Select(peer => peer.PublicKey).ToHashSet();
        var changed = await RemoveStrangersAsync(Attempts.None, present, cancellationToken);

        // 5. Then what is missing or wrong.
        changed = await SetMissingAsync(changed, standing, present, cancellationToken);

        // 6. Read back, and look once more: what was revoked while we set it goes at once.
        var late = Attempts.None;
        if (changed.Any)
        {
            standing = await tunnel.DumpAsync(cancellationToken);
            late = await RemoveStrangersAsync(Attempts.None, [.. standing.Select(peer => peer.PublicKey)], cancellationToken);
            standing = late.Any ? await tunnel.DumpAsync(cancellationToken) : standing;
        }

        // 7. Report: only a state that was read back counts as reached. While one write follows the other, that is the state
        //    that the pass began with: whoever waits for it does not wait for the others.
        var now = Look();
        var unreached = PeerDifference.First(now.Peers, standing);
        if (unreached is null || PeerDifference.Since(began.Peers, now.Peers, standing) is null)
        {
            // Those who waited for their peers may go on, even where the link has a fault of its own.
            _verified.Reach(unreached is null ? now.Generation : began.Generation);
        }

        Report(moved: now.Generation != began.Generation, link.Fault ?? late.Fault ?? changed.Fault, unreached);
        handshakes.Observe(standing);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        Wake();
        await using var timer = time.CreateTimer(_ => Wake(), state: null, Period, Period);
        await foreach (var _ in _signal.Reader.ReadAllAsync(stoppingToken))
        {
            try
            {
                await ReconcileOnceAsync(stoppingToken);
            }
            catch (Exception fault) when (!stoppingToken.IsCancellationRequested)
            {
                // Whatever it was, members' tunnels depend on this loop: the next tick tries again.
                Failed(fault.Message, fault is TunnelException ? null : fault);
            }
        }
    }

    private async Task EnsureAsync(CancellationToken cancellationToken)
    {
        if (await tunnel.EnsureAsync(settings, cancellationToken))
        {
            // Before the first good pass it is the program's start, after it somebody took the interface away.
            LogInterfaceMade(_health.LastGoodPass is null ? LogLevel.Information : LogLevel.Warning);
        }
    }

    /// <summary>Where neither the link could be made nor its peers read, the first says why.</summary>
    private async Task<IReadOnlyList<Peer>> DumpAsync(string? linkFault, CancellationToken cancellationToken)
    {
        try
        {
            return await tunnel.DumpAsync(cancellationToken);
        }
        catch (TunnelException fault) when (linkFault is not null)
        {
            throw new TunnelException(linkFault, fault);
        }
    }

    /// <summary>Removes every peer that is not desired now; one that resists does not keep the others.</summary>
    private async Task<Attempts> RemoveStrangersAsync(Attempts attempts, HashSet<PublicKey> present, CancellationToken cancellationToken)
    {
        foreach (var key in present.Where(key => !Look().Peers.ContainsKey(key)).ToList())
        {
            attempts = await attempts.AddAsync(async () =>
            {
                await tunnel.RemoveAsync(key, cancellationToken);
                present.Remove(key);
                LogRemoved(key.Prefix);
            });
        }

        return attempts;
    }

    private async Task<Attempts> SetMissingAsync(Attempts attempts, IReadOnlyList<Peer> standing, HashSet<PublicKey> present, CancellationToken cancellationToken)
    {
        var byKey = standing.ToDictionary(peer => peer.PublicKey);
        var (seen, wanted) = Look();
        foreach (var key in wanted.Keys)
        {
            // A revocation does not wait for the end of a long row.
            if (Look().Generation != seen)
            {
                seen = Look().Generation;
                attempts = await RemoveStrangersAsync(attempts, present, cancellationToken);
            }

            // Looked up anew before each one: a slow pass must not put back what was revoked meanwhile.
            if (Look().Peers.TryGetValue(key, out var peer) && PeerDifference.Of(peer, byKey.GetValueOrDefault(key)) is { } why)
            {
                attempts = await attempts.AddAsync(async () =>
                {
                    present.Add(key);
                    await tunnel.SetAsync(peer, cancellationToken);
                    LogSet(key.Prefix, why);
                });
            }
        }

        return attempts;
    }

    /// <summary>Desired state as of now, indexed once for each generation.</summary>
    private (long Generation, FrozenDictionary<PublicKey, DesiredPeer> Peers) Look()
    {
        var latest = desired();
        if (_wanted is not { } wanted || wanted.Generation != latest.Generation)
        {
            _wanted = wanted = (latest.Generation, latest.Peers.ToFrozenDictionary(peer => peer.PublicKey));
        }

        return wanted;
    }

    private void Report(bool moved, string? fault, string? unreached)
    {
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

    /// <summary>Logged once for each message, not every two seconds.</summary>
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

    [LoggerMessage(LogLevel.Information, "Peer {Peer} set on the interface: {Why}.")]
    private partial void LogSet(string peer, string why);

    [LoggerMessage(LogLevel.Information, "Peer {Peer} removed from the interface: not desired.")]
    private partial void LogRemoved(string peer);

    [LoggerMessage(LogLevel.Error, "The interface cannot be brought to its desired state, trying again: {Reason}")]
    private partial void LogFailed(Exception? unexpected, string reason);

    [LoggerMessage(LogLevel.Information, "The interface is as desired again.")]
    private partial void LogHealed();
}
