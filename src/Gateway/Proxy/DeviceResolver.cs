using System.Collections.Concurrent;
using System.Net;
using Gateway.Onboarding.Devices;
using Gateway.Onboarding.Store;

namespace Gateway.Proxy;

/// <summary>
/// Source address → device. The tunnel is the credential: WireGuard lets a packet in only from the address of the peer
/// whose key sealed it, and the listener is bound to the interface. Reads touch one immutable table, which is swapped as
/// a whole; they never wait for a write.
/// </summary>
internal sealed class DeviceResolver
{
    private readonly AddressPool _addresses;
    private readonly ConcurrentDictionary<DeviceId, Door> _doors = new();

    /// <summary>Where each device stands, none that has gone: its address may be another's. Touched by one write at a time.</summary>
    private readonly Dictionary<DeviceId, int> _offsets = [];
    private readonly RequestLimits _limits;
    private readonly TimeProvider _time;
    private volatile Table _table;

    public DeviceResolver(StateWriter writer, AddressPool addresses, RequestLimits limits, TimeProvider time)
    {
        _limits = limits;
        _time = time;
        _addresses = addresses;
        _table = Table.Of(addresses.Size);
        writer.Watch(Follow);
    }

    /// <summary>Everybody is shut out.</summary>
    public bool IsLocked => _table.Locked;

    /// <summary>The device that has this address on the interface, or null. The gateway's own address and loopback are never devices.</summary>
    public DeviceEntry? Find(IPAddress? address) =>
        address is not null && _addresses.OffsetOf(address) is > 0 and var offset ? _table.Find(offset) : null;

    /// <summary>The device, other than <paramref name="except"/>, to which a token with this hash was handed out. Looks at all: for refusals only.</summary>
    public DeviceEntry? OwnerOf(ReadOnlySpan<byte> tokenHash, DeviceId except)
    {
        foreach (var device in _table.Devices)
        {
            if (device.Id != except && device.Find(tokenHash) is not null)
            {
                return device;
            }
        }

        return null;
    }

    /// <summary>From the return on no request of the device passes, and those that were open are aborted. Cannot fail.</summary>
    public void Shut(DeviceId device) => DoorOf(device).Shut();

    private Door DoorOf(DeviceId device) => _doors.GetOrAdd(device, _ => new Door(_limits, _time));

    private void Follow(StateChange change)
    {
        var old = _table;
        var next = new Table((DeviceEntry?[]?[])old.Blocks.Clone(), change.State.LockedSince is not null);
        foreach (var id in change.Touched ?? change.State.Devices.Keys)
        {
            if (_offsets.Remove(id, out var before))
            {
                next.Place(old, before, null);
            }

            if (change.State.Devices.TryGetValue(id, out var device) && device.HasPeer && _addresses.OffsetOf(device.TunnelAddress) is > 0 and var offset)
            {
                _offsets[id] = offset;
                next.Place(old, offset, new DeviceEntry(device, DoorOf(id)));
            }
        }

        _table = next;
        if (next.Locked && !old.Locked)
        {
            foreach (var door in _doors.Values)
            {
                door.CutOpenRequests();
            }
        }
    }

    /// <summary>By offset in the pool, in blocks: a write copies the one that it changes.</summary>
    private sealed record Table(DeviceEntry?[]?[] Blocks, bool Locked)
    {
        private const int Bits = 8;

        public static Table Of(int size) => new(new DeviceEntry?[]?[(size >> Bits) + 1], Locked: true);

        public IEnumerable<DeviceEntry> Devices => Blocks.OfType<DeviceEntry?[]>().SelectMany(block => block.OfType<DeviceEntry>());

        public DeviceEntry? Find(int offset) => Blocks[offset >> Bits]?[offset & ((1 << Bits) - 1)];

        /// <summary>While this table is made.</summary>
        public void Place(Table old, int offset, DeviceEntry? entry)
        {
            ref var block = ref Blocks[offset >> Bits];
            if (block is null)
            {
                block = new DeviceEntry?[1 << Bits];
            }
            else if (block == old.Blocks[offset >> Bits])
            {
                block = [.. block];
            }

            block[offset & ((1 << Bits) - 1)] = entry;
        }
    }
}
