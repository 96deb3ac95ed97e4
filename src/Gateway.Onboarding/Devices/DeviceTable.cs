using System.Collections;
using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Net;
using Gateway.Onboarding.Keys;
using Gateway.Onboarding.Members;

namespace Gateway.Onboarding.Devices;

/// <summary>
/// All devices, immutable: found by ID, by member and by key without a look at the others, so that what is done for one
/// device costs the same among ten and among ten thousand.
/// </summary>
[SuppressMessage("Naming", "CA1710", Justification = "The resolver's table is called so too.")]
[SuppressMessage("Design", "CA1043", Justification = "A device's ID is its key.")]
public sealed class DeviceTable : IReadOnlyDictionary<DeviceId, Device>
{
    public static readonly DeviceTable Empty = new(
        ImmutableDictionary<DeviceId, Device>.Empty, ImmutableDictionary<Localpart, ImmutableList<DeviceId>>.Empty, ImmutableDictionary<PublicKey, DeviceId>.Empty, highest: null);

    private readonly ImmutableDictionary<DeviceId, Device> _devices;
    private readonly ImmutableDictionary<Localpart, ImmutableList<DeviceId>> _ofMember;
    private readonly ImmutableDictionary<PublicKey, DeviceId> _ofKey;

    private DeviceTable(
        ImmutableDictionary<DeviceId, Device> devices, ImmutableDictionary<Localpart, ImmutableList<DeviceId>> ofMember, ImmutableDictionary<PublicKey, DeviceId> ofKey, IPAddress? highest)
    {
        _devices = devices;
        _ofMember = ofMember;
        _ofKey = ofKey;
        HighestAddress = highest;
    }

    public int Count => _devices.Count;

    public IEnumerable<DeviceId> Keys => _devices.Keys;

    public IEnumerable<Device> Values => _devices.Values;

    /// <summary>The highest of all tunnel addresses; null where there are none.</summary>
    public IPAddress? HighestAddress { get; }

    public Device this[DeviceId key] => _devices[key];

    public static DeviceTable Of(IEnumerable<Device> devices)
    {
        var all = devices.ToList();
        return new(
            all.ToImmutableDictionary(device => device.Id),
            all.GroupBy(device => device.Member).ToImmutableDictionary(member => member.Key, member => member.Select(device => device.Id).ToImmutableList()),
            all.ToImmutableDictionary(device => device.PublicKey, device => device.Id),
            Highest(all));
    }

    public bool ContainsKey(DeviceId key) => _devices.ContainsKey(key);

    public bool TryGetValue(DeviceId key, [MaybeNullWhen(false)] out Device value) => _devices.TryGetValue(key, out value);

    /// <summary>The member's devices, in no order.</summary>
    public IEnumerable<Device> Of(Localpart member) => _ofMember.TryGetValue(member, out var ids) ? ids.Select(id => _devices[id]) : [];

    /// <summary>The device with this key, or null.</summary>
    public Device? Find(PublicKey key) => _ofKey.TryGetValue(key, out var id) ? _devices[id] : null;

    /// <summary>The device added, or put in the place of the one with its ID; member, key and address of a device never change.</summary>
    public DeviceTable Set(Device device) => new(
        _devices.SetItem(device.Id, device),
        _devices.ContainsKey(device.Id) ? _ofMember : _ofMember.SetItem(device.Member, _ofMember.GetValueOrDefault(device.Member, []).Add(device.Id)),
        _devices.ContainsKey(device.Id) ? _ofKey : _ofKey.SetItem(device.PublicKey, device.Id),
        HighestAddress is null || Compare(device.TunnelAddress, HighestAddress) > 0 ? device.TunnelAddress : HighestAddress);

    public DeviceTable Remove(DeviceId id)
    {
        if (!_devices.TryGetValue(id, out var device))
        {
            return this;
        }

        var others = _devices.Remove(id);
        var ofMember = _ofMember[device.Member].Remove(id);
        return new(
            others,
            ofMember.IsEmpty ? _ofMember.Remove(device.Member) : _ofMember.SetItem(device.Member, ofMember),
            _ofKey.Remove(device.PublicKey),
            device.TunnelAddress.Equals(HighestAddress) ? Highest(others.Values) : HighestAddress);
    }

    public IEnumerator<KeyValuePair<DeviceId, Device>> GetEnumerator() => _devices.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    private static IPAddress? Highest(IEnumerable<Device> devices) =>
        devices.Select(device => device.TunnelAddress).MaxBy(address => address, Comparer<IPAddress>.Create(Compare));

    private static int Compare(IPAddress one, IPAddress other) => AddressPool.ToNumber(one).CompareTo(AddressPool.ToNumber(other));
}
