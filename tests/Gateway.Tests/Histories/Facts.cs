using System.Collections.Immutable;
using System.Net;
using Gateway.Onboarding.Devices;
using Gateway.Onboarding.Keys;

namespace Gateway.Tests.Histories;

/// <summary>A token that a phone was handed, for which code, and what it did with it.</summary>
internal sealed record Pass(string MatrixDeviceId, string Token, string Code)
{
    public bool Used { get; init; }

    /// <summary>It asked for its end, or the member did; whether it was answered or not.</summary>
    public bool LoggedOut { get; init; }
}

/// <summary>What the person at the phone knows of it.</summary>
internal sealed record Phone(DeviceId Id, string Member, IPAddress Address, PublicKey Key, DateTimeOffset EnrolmentEnds)
{
    /// <summary>In time as it passes, whatever a clock says.</summary>
    public TimeSpan EnrolledAt { get; init; }

    public ImmutableList<string> Codes { get; init; } = [];

    public ImmutableList<Pass> Passes { get; init; } = [];

    /// <summary>Its handshake was seen.</summary>
    public bool Connected { get; init; }

    /// <summary>Somebody asked for its end. Whether that was accepted stands in <see cref="Facts.Revoked"/>.</summary>
    public bool EndAsked { get; init; }
}

/// <summary>
/// The simple model: what was acknowledged, and to whom. What was only asked for may have happened or not. Immutable, so
/// that a moment can be kept.
/// </summary>
internal sealed record Facts
{
    public ImmutableSortedDictionary<string, Phone> Phones { get; init; } = ImmutableSortedDictionary<string, Phone>.Empty.WithComparers(StringComparer.Ordinal);

    /// <summary>Accepted revocations; true: cut.</summary>
    public ImmutableDictionary<DeviceId, bool> Revoked { get; init; } = ImmutableDictionary<DeviceId, bool>.Empty;

    /// <summary>Enrolments that nobody used in time; they are no more.</summary>
    public ImmutableDictionary<DeviceId, PublicKey> Expired { get; init; } = ImmutableDictionary<DeviceId, PublicKey>.Empty;

    /// <summary>Members with a device that was handed out: they have an account.</summary>
    public ImmutableHashSet<string> Joined { get; init; } = ImmutableHashSet<string>.Empty.WithComparer(StringComparer.Ordinal);

    public ImmutableHashSet<string> Left { get; init; } = ImmutableHashSet<string>.Empty.WithComparer(StringComparer.Ordinal);

    /// <summary>Null: nobody knows, it was asked for and not answered.</summary>
    public bool? Locked { get; init; } = false;

    /// <summary>Put back from a copy, and not vouched for yet.</summary>
    public ImmutableHashSet<DeviceId> Unconfirmed { get; init; } = [];

    public bool WasPutBack { get; init; }

    /// <summary>Who had an address when a handshake was seen.</summary>
    public ImmutableDictionary<IPAddress, DeviceId> Addresses { get; init; } = ImmutableDictionary<IPAddress, DeviceId>.Empty;

    /// <summary>Sessions that no record knows, because the record of them was lost with a store that was put back.</summary>
    public ImmutableHashSet<(string User, string MatrixDeviceId)> Strangers { get; init; } = [];

    public Facts With(Phone phone) => this with { Phones = Phones.SetItem(phone.Id.ToString(), phone) };

    public Facts With(DeviceId id, Func<Phone, Phone> change) =>
        Phones.TryGetValue(id.ToString(), out var phone) ? With(change(phone)) : this;
}
