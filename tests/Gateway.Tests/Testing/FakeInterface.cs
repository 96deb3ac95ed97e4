using System.Net;
using Gateway.Onboarding.Devices;
using Gateway.Onboarding.Keys;
using Gateway.Tunnel;

namespace Gateway.Tests.Testing;

/// <summary>
/// An interface in memory that behaves as WireGuard does where it matters: setting a peer takes its allowed IP away
/// from every other one. <see cref="Before"/> runs ahead of each call, named as the method, and may throw, wait or change the world.
/// </summary>
internal sealed class FakeInterface : IWireGuardInterface
{
    private readonly Lock _gate = new();
    private readonly Dictionary<PublicKey, Peer> _peers = [];
    private readonly List<string> _calls = [];

    /// <summary>Whether the link is there; false is what `ip link del` leaves.</summary>
    public bool Made { get; private set; }

    /// <summary>Called before each act with its name (ensure, dump, set, remove) and the peer it is about.</summary>
    public Func<string, PublicKey?, Task> Before { get; set; } = (_, _) => Task.CompletedTask;

    /// <summary>Changes only, oldest first: "make", "set KEY", "remove KEY".</summary>
    public IReadOnlyList<string> Calls
    {
        get
        {
            lock (_gate)
            {
                return [.. _calls];
            }
        }
    }

    public IReadOnlyList<Peer> Peers
    {
        get
        {
            lock (_gate)
            {
                return [.. _peers.Values];
            }
        }
    }

    /// <summary>As somebody with root does it by hand.</summary>
    public void PutByHand(Peer peer)
    {
        lock (_gate)
        {
            _peers[peer.PublicKey] = peer;
        }
    }

    /// <summary>As `ip link del` does it.</summary>
    public void Destroy()
    {
        lock (_gate)
        {
            _peers.Clear();
            Made = false;
        }
    }

    public async Task<bool> EnsureAsync(InterfaceSettings settings, CancellationToken cancellationToken)
    {
        await Before("ensure", null);
        lock (_gate)
        {
            var made = !Made;
            Made = true;
            if (made)
            {
                _calls.Add("make");
            }

            return made;
        }
    }

    public async Task<IReadOnlyList<Peer>> DumpAsync(CancellationToken cancellationToken)
    {
        await Before("dump", null);
        return Peers;
    }

    public async Task SetAsync(IReadOnlyList<DesiredPeer> peers, CancellationToken cancellationToken)
    {
        foreach (var peer in peers)
        {
            await SetAsync(peer);
        }
    }

    private async Task SetAsync(DesiredPeer peer)
    {
        await Before("set", peer.PublicKey);
        lock (_gate)
        {
            _calls.Add($"set {peer.PublicKey}");
            var allowed = new IPNetwork(peer.TunnelAddress, 32);
            foreach (var other in _peers.Values.Where(other => other.PublicKey != peer.PublicKey).ToList())
            {
                _peers[other.PublicKey] = other with { AllowedIPs = [.. other.AllowedIPs.Where(ip => !ip.Equals(allowed))] };
            }

            var standing = _peers.GetValueOrDefault(peer.PublicKey);
            _peers[peer.PublicKey] = new(peer.PublicKey, peer.PresharedKey, standing?.Endpoint, [allowed], standing?.LastHandshake, 0, 0);
        }
    }

    public async Task RemoveAsync(PublicKey peer, CancellationToken cancellationToken)
    {
        await Before("remove", peer);
        lock (_gate)
        {
            _calls.Add($"remove {peer}");
            _peers.Remove(peer);
        }
    }
}
