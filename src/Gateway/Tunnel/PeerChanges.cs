using Gateway.Onboarding.Devices;
using Gateway.Onboarding.Keys;

namespace Gateway.Tunnel;

/// <summary>How peers come onto the interface and off it; each asks anew what is desired, because the world moves on meanwhile.</summary>
internal sealed partial class PeerChanges(IWireGuardInterface tunnel, Func<DesiredPeers> desired, ILogger log)
{
    /// <summary>How many peers are set in one go: some 10 ms of wireguard-go's time, for which a removal waits.</summary>
    internal const int Batch = 128;

    /// <summary>A start with thousands does not fill the log with their keys.</summary>
    private const int MostNamed = 5;

    /// <summary>Called for each peer that was taken off the interface.</summary>
    public Action<PublicKey> Removed { get; set; } = _ => { };

    /// <summary>Removes every peer that is not desired now; one that resists does not keep the others.</summary>
    public async Task<Attempts> RemoveStrangersAsync(Attempts attempts, HashSet<PublicKey> present, CancellationToken cancellationToken)
    {
        foreach (var key in present.Where(key => !desired().Peers.ContainsKey(key)).ToList())
        {
            attempts = await attempts.AddAsync(async () =>
            {
                await tunnel.RemoveAsync(key, cancellationToken);
                present.Remove(key);
                LogRemoved(key.Prefix);
                Removed(key);
            });
        }

        return attempts;
    }

    public async Task<Attempts> SetMissingAsync(Attempts attempts, Dictionary<PublicKey, Peer> standing, HashSet<PublicKey> present, CancellationToken cancellationToken)
    {
        var wanted = desired();
        var seen = wanted.Generation;
        var missing = wanted.Peers.Values
            .Select(peer => (peer.PublicKey, Why: PeerDifference.Of(peer, standing.GetValueOrDefault(peer.PublicKey))))
            .Where(peer => peer.Why is not null)
            .ToList();
        foreach (var batch in missing.Chunk(Batch))
        {
            // A revocation does not wait for the end of a long row.
            if (desired().Generation != seen)
            {
                seen = desired().Generation;
                attempts = await RemoveStrangersAsync(attempts, present, cancellationToken);
            }

            present.UnionWith(batch.Select(peer => peer.PublicKey));
            foreach (var alike in batch.GroupBy(peer => peer.Why!, StringComparer.Ordinal))
            {
                attempts = await SetAsync(attempts, [.. alike.Select(peer => peer.PublicKey)], alike.Key, cancellationToken);
            }
        }

        return attempts;
    }

    /// <summary>
    /// Sets those of these peers that are desired, looked up anew: a slow pass must not put back what was revoked meanwhile. Where
    /// the interface does not take them together, one by one, so that one that resists does not keep the others.
    /// </summary>
    public async Task<Attempts> SetAsync(Attempts attempts, IReadOnlyList<PublicKey> keys, string why, CancellationToken cancellationToken)
    {
        var now = desired().Peers;
        if (keys.Select(key => now.GetValueOrDefault(key)).OfType<DesiredPeer>().ToList() is not { Count: > 0 } peers)
        {
            return attempts;
        }

        var together = await Attempts.None.AddAsync(() => SetAsync(peers, why, cancellationToken));
        if (together.Fault is null || peers.Count == 1)
        {
            return new(Any: true, attempts.Fault ?? together.Fault);
        }

        foreach (var key in keys)
        {
            attempts = await SetAsync(attempts, [key], why, cancellationToken);
        }

        return attempts;
    }

    private async Task SetAsync(List<DesiredPeer> peers, string why, CancellationToken cancellationToken)
    {
        await tunnel.SetAsync(peers, cancellationToken);
        if (peers.Count > MostNamed)
        {
            LogSetMany(peers.Count, why);
            return;
        }

        foreach (var peer in peers)
        {
            LogSet(peer.PublicKey.Prefix, why);
        }
    }

    [LoggerMessage(LogLevel.Information, "{Count} peers set on the interface: {Why}.")]
    private partial void LogSetMany(int count, string why);

    [LoggerMessage(LogLevel.Information, "Peer {Peer} set on the interface: {Why}.")]
    private partial void LogSet(string peer, string why);

    [LoggerMessage(LogLevel.Information, "Peer {Peer} removed from the interface: not desired.")]
    private partial void LogRemoved(string peer);
}
