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
    private readonly RequestLimits _limits;
    private readonly TimeProvider _time;
    private volatile Table _table;

    public DeviceResolver(StateWriter writer, AddressPool addresses, RequestLimits limits, TimeProvider time)
    {
        _limits = limits;
        _time = time;
        _addresses = addresses;
        _table = new Table(new DeviceEntry?[addresses.Size], Locked: true);
        writer.Watch(Follow);
    }

    /// <summary>Everybody is shut out.</summary>
    public bool IsLocked => _table.Locked;

    /// <summary>The device that has this address on the interface, or null. The gateway's own address and loopback are never devices.</summary>
    public DeviceEntry? Find(IPAddress? address) =>
        address is not null && _addresses.OffsetOf(address) is > 0 and var offset ? _table.Devices[offset] : null;

    /// <summary>The device, other than <paramref name="except"/>, to which a token with this hash was handed out. Looks at all: for refusals only.</summary>
    public DeviceEntry? OwnerOf(ReadOnlySpan<byte> tokenHash, DeviceId except)
    {
        foreach (var device in _table.Devices)
        {
            if (device is not null && device.Id != except && device.Find(tokenHash) is not null)
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
        var devices = (DeviceEntry?[])old.Devices.Clone();
        var touched = change.Intents.IsEmpty || change.Intents.Any(intent => intent is StoreRestored)
            ? change.State.Devices.Keys
            : change.Intents.Select(DeviceOf).OfType<DeviceId>().Distinct();
        foreach (var id in touched)
        {
            Place(devices, change.State, id);
        }

        var locked = change.State.LockedSince is not null;
        _table = new Table(devices, locked);
        if (locked && !old.Locked)
        {
            foreach (var door in _doors.Values)
            {
                door.CutOpenRequests();
            }
        }
    }

    private static DeviceId? DeviceOf(Intent intent) => intent switch
    {
        DeviceEnrolled enrolled => enrolled.Enrolled.Id,
        DeviceIntent about => about.Device,
        _ => null,
    };

    private void Place(DeviceEntry?[] devices, State state, DeviceId id)
    {
        var place = Array.FindIndex(devices, entry => entry?.Id == id);
        if (place >= 0)
        {
            devices[place] = null;
        }

        if (state.Devices.TryGetValue(id, out var device) && device.HasPeer && _addresses.OffsetOf(device.TunnelAddress) is > 0 and var offset)
        {
            devices[offset] = new DeviceEntry(device, DoorOf(id));
        }
    }

    private sealed record Table(DeviceEntry?[] Devices, bool Locked);
}
