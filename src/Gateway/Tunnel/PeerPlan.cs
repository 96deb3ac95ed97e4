using Gateway.Onboarding.Devices;
using Gateway.Onboarding.Keys;
using Gateway.Onboarding.Store;

namespace Gateway.Tunnel;

/// <summary>The desired peers of the current state, kept up with each write at the cost of what it changed.</summary>
internal sealed class PeerPlan
{
    /// <summary>How many changes are told one by one; after more the interface is compared as a whole.</summary>
    private const int MostChanges = 256;

    private volatile DesiredPeers _current = DesiredPeers.Of(-1);
    private State _state = State.Empty;

    public PeerPlan(StateWriter writer) => writer.Watch(Follow);

    public DesiredPeers Current() => _current;

    private void Follow(StateChange change)
    {
        _current = change.Touched is { } touched ? Change(_current, _state, change.State, touched) : change.State.DesiredPeers();
        _state = change.State;
    }

    private static DesiredPeers Change(DesiredPeers old, State before, State after, IEnumerable<DeviceId> touched)
    {
        var peers = old.Peers;
        var changes = old.Changes;
        foreach (var id in touched)
        {
            if ((KeyOf(before, id) ?? KeyOf(after, id)) is not { } key)
            {
                continue;
            }

            var peer = after.Devices.GetValueOrDefault(id)?.Peer;
            if (!Equals(peer, peers.GetValueOrDefault(key)))
            {
                peers = peer is null ? peers.Remove(key) : peers.SetItem(key, peer);
                changes = changes.Add((after.Generation, key));
            }
        }

        var surplus = Math.Max(0, changes.Length - MostChanges);
        return new DesiredPeers(after.Generation, peers)
        {
            Changes = changes.RemoveRange(0, surplus),
            ChangesSince = surplus > 0 ? changes[surplus - 1].Generation : old.ChangesSince,
        };
    }

    private static PublicKey? KeyOf(State state, DeviceId id) => state.Devices.GetValueOrDefault(id)?.PublicKey;
}
