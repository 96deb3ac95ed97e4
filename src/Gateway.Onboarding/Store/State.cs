using System.Collections.Immutable;
using System.Net;
using Gateway.Onboarding.Consoles;
using Gateway.Onboarding.Devices;
using Gateway.Onboarding.Members;

namespace Gateway.Onboarding.Store;

/// <summary>
/// Everything the gateway knows, immutable. It changes only by <see cref="Transition.Apply"/>; whoever holds a State holds
/// one consistent moment.
/// </summary>
public sealed record State
{
    public static readonly State Empty = new()
    {
        Generation = 0,
        Members = ImmutableDictionary<Localpart, Member>.Empty,
        Devices = DeviceTable.Empty,
        LockedSince = null,
    };

    /// <summary>The number of the last intent that made this state. Grows by one with each.</summary>
    public required long Generation { get; init; }

    public required ImmutableDictionary<Localpart, Member> Members { get; init; }

    public required DeviceTable Devices { get; init; }

    /// <summary>Everybody is shut out, reversibly and without erasing anything.</summary>
    public required DateTimeOffset? LockedSince { get; init; }

    /// <summary>Since when the homeserver has the gateway's own account; null where it has none.</summary>
    public DateTimeOffset? AdminAccountSince { get; init; }

    /// <summary>The admin's ways into the console.</summary>
    public ConsoleAccess Console { get; init; } = ConsoleAccess.None;

    /// <summary>The newest time that is stored: no clock goes behind it.</summary>
    public DateTimeOffset? LastAt { get; init; }

    public IEnumerable<Device> DevicesOf(Localpart member) => Devices.Of(member);

    public DesiredPeers DesiredPeers() => Onboarding.Devices.DesiredPeers.Of(Generation, Devices.Values.Select(device => device.Peer).OfType<DesiredPeer>());

    /// <summary>
    /// The devices that an admin's word names: an ID, a tunnel address, or <c>localpart/name</c>. A name resolves to the
    /// live device; where none is live, to those that bore it, newest first.
    /// </summary>
    public IReadOnlyList<Device> Find(string word)
    {
        if (DeviceId.TryParse(word, null, out var id))
        {
            return Devices.TryGetValue(id, out var device) ? [device] : [];
        }

        var matches = IPAddress.TryParse(word, out var address)
            ? Devices.Values.Where(device => device.TunnelAddress.Equals(address))
            : Devices.Values.Where(device => device.Label == word);
        var found = matches.OrderByDescending(device => device.EnrolledAt).ToList();
        return found.Where(device => device.IsLive).ToList() is { Count: > 0 } live ? live : found;
    }
}
