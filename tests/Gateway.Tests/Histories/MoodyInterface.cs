using Gateway.Onboarding.Devices;
using Gateway.Onboarding.Keys;
using Gateway.Tests.Testing;
using Gateway.Tunnel;

namespace Gateway.Tests.Histories;

internal enum InterfaceMood
{
    Well,

    /// <summary>Nothing can be done with it: <c>wg</c> is missing, or the link is gone and cannot be made.</summary>
    Broken,

    /// <summary>It can be read, and takes no peer.</summary>
    TakesNoPeer,

    /// <summary>It can be read, and lets no peer go.</summary>
    KeepsPeers,

    /// <summary>It does what it is told, and then reports a fault: a tool that was killed at its deadline.</summary>
    BrokenAfterwards,

    /// <summary>It waits until it is told to go on, or until the deadline.</summary>
    Hangs,
}

/// <summary>The interface of <see cref="FakeInterface"/>, in whatever mood the test wants.</summary>
internal sealed class MoodyInterface(FakeInterface peers) : IWireGuardInterface
{
    private readonly List<TaskCompletionSource<bool>> _waiting = [];

    public FakeInterface Peers => peers;

    public InterfaceMood Mood { get; set; }

    public int MoodLasts { get; set; }

    public Action<string> Reached { get; set; } = _ => { };

    /// <summary>After the gateway died; after a power loss there is no interface.</summary>
    public MoodyInterface Copy(bool empty)
    {
        var copy = new FakeInterface();
        foreach (var peer in empty ? [] : peers.Peers)
        {
            copy.PutByHand(peer);
        }

        return new MoodyInterface(copy) { Mood = Mood, MoodLasts = MoodLasts };
    }

    /// <summary>What hangs goes on, or is ended by its deadline.</summary>
    public void Release(bool done)
    {
        foreach (var waiting in _waiting.ToList())
        {
            _waiting.Remove(waiting);
            OneThread.Outside(() => waiting.TrySetResult(done));
        }
    }

    public Task<bool> EnsureAsync(InterfaceSettings settings, CancellationToken cancellationToken) =>
        DoAsync("ensure", InterfaceMood.Broken, () => peers.EnsureAsync(settings, cancellationToken));

    public Task<IReadOnlyList<Peer>> DumpAsync(CancellationToken cancellationToken) =>
        DoAsync("dump", InterfaceMood.Broken, () => peers.DumpAsync(cancellationToken));

    public Task SetAsync(IReadOnlyList<DesiredPeer> wanted, CancellationToken cancellationToken) =>
        DoAsync("set peer", InterfaceMood.TakesNoPeer, async () =>
        {
            await peers.SetAsync(wanted, cancellationToken);
            return true;
        });

    public Task RemoveAsync(PublicKey peer, CancellationToken cancellationToken) =>
        DoAsync("remove peer", InterfaceMood.KeepsPeers, async () =>
        {
            await peers.RemoveAsync(peer, cancellationToken);
            return true;
        });

    private async Task<T> DoAsync<T>(string name, InterfaceMood refusing, Func<Task<T>> act)
    {
        Reached($"interface {name}");
        var mood = MoodLasts > 0 && --MoodLasts >= 0 ? Mood : InterfaceMood.Well;
        if (mood == InterfaceMood.Broken || mood == refusing)
        {
            throw new TunnelException($"{name}: it does not work");
        }

        if (mood == InterfaceMood.Hangs)
        {
            var waiting = new TaskCompletionSource<bool>();
            _waiting.Add(waiting);
            if (!await waiting.Task)
            {
                throw new TunnelException($"{name}: ended by its deadline");
            }
        }

        var done = await act();
        Reached($"interface {name}, done");
        return mood == InterfaceMood.BrokenAfterwards ? throw new TunnelException($"{name}: ended by its deadline") : done;
    }
}
