using System.Collections.Immutable;
using System.Net;
using Gateway.Onboarding.Keys;
using Gateway.Onboarding.Members;

namespace Gateway.Onboarding.Devices;

/// <summary>What a device may do at the gate. Zero is shut: a field that is missing must not open a door.</summary>
public enum Standing
{
    /// <summary>No peer on the interface; nothing is answered.</summary>
    Refused = 0,

    /// <summary>Its peer may reach the gateway, which tells it to erase its data, and nothing else.</summary>
    Quarantined,

    /// <summary>May log in and reach the homeserver with its own tokens.</summary>
    Admitted,
}

/// <summary>What a person is told about a device.</summary>
public enum DeviceState
{
    Revoked = 0,
    Pending,
    Connected,
    SignedIn,
    Quarantined,
}

/// <summary>
/// A member's phone or laptop: one WireGuard peer, one tunnel address, and the Matrix sessions opened through it. The
/// unit of enrolment and of revocation. Its private key is not here and nowhere else: it left with the QR.
/// </summary>
public sealed record Device
{
    public required DeviceId Id { get; init; }

    public required Localpart Member { get; init; }

    /// <summary>Unique among the member's live devices: <c>phone</c>.</summary>
    public required string Name { get; init; }

    /// <summary><c>android</c>, <c>ios</c>, <c>desktop</c>, or null where the admin did not say: then nothing that only one of them may do is allowed.</summary>
    public string? System { get; init; }

    public required IPAddress TunnelAddress { get; init; }

    public required PublicKey PublicKey { get; init; }

    public required PresharedKey PresharedKey { get; init; }

    public required Standing Standing { get; init; }

    public required DateTimeOffset EnrolledAt { get; init; }

    /// <summary>Without a first handshake until then the enrolment ends by itself.</summary>
    public required DateTimeOffset EnrolmentEnds { get; init; }

    public required DateTimeOffset? FirstHandshake { get; init; }

    /// <summary>The right to open one more session; null where none was armed.</summary>
    public required LoginGrant? Grant { get; init; }

    /// <summary>Until then the next unknown token of the device is looked at, to take over a session from before the gateway; null: never.</summary>
    public DateTimeOffset? AdoptsUntil { get; init; }

    /// <summary>Every Matrix session ever asked for, also those that never opened: a revocation deletes them all.</summary>
    public required ImmutableArray<MatrixSession> Sessions { get; init; }

    /// <summary>When its key was seen in two places at once. Its sessions go on, their tokens are not in the key; it opens no new one.</summary>
    public DateTimeOffset? KeyCopiedAt { get; init; }

    public required DeviceRevocation? Revocation { get; init; }

    /// <summary>The store was put back from a copy, and nobody has said yet that this device was not revoked since.</summary>
    public bool AwaitsConfirmation { get; init; }

    /// <summary>The admin's own: the console in the tunnel is there for it.</summary>
    public bool IsAdmin { get; init; }

    /// <summary>Live: its name and address are taken.</summary>
    public bool IsLive => Standing == Standing.Admitted;

    /// <summary>A login or another act that needs the admin's permission may be armed for it.</summary>
    public bool MaySignIn => IsLive && KeyCopiedAt is null;

    public bool HasPeer => Standing != Standing.Refused;

    /// <summary>As its peer must stand on the interface; null where it has none.</summary>
    public DesiredPeer? Peer => HasPeer ? new DesiredPeer(PublicKey, PresharedKey, TunnelAddress) : null;

    public DeviceState State => Standing switch
    {
        Standing.Admitted when Sessions.Any(s => s.State == MatrixSessionState.Open) => DeviceState.SignedIn,
        Standing.Admitted when FirstHandshake is not null => DeviceState.Connected,
        Standing.Admitted => DeviceState.Pending,
        Standing.Quarantined => DeviceState.Quarantined,
        _ => DeviceState.Revoked,
    };

    /// <summary>The name that people and the command line use.</summary>
    public string Label => $"{Member}/{Name}";
}
