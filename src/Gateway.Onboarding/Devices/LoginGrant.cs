using System.Collections.Immutable;

namespace Gateway.Onboarding.Devices;

/// <summary>Zero is shut.</summary>
public enum GrantState
{
    Cancelled = 0,
    Expired,
    Spent,
    Armed,
}

/// <summary>The right to open one Matrix session from one device: one-time, expiring, revocable.</summary>
public sealed record LoginGrant
{
    public required string Id { get; init; }

    public required GrantState State { get; init; }

    /// <summary>A keyed hash: the code itself is shown once and stored nowhere.</summary>
    public required ImmutableArray<byte> CodeHash { get; init; }

    public required DateTimeOffset ArmedAt { get; init; }

    public required string ArmedBy { get; init; }

    /// <summary>How long it is good for once the device has made its first handshake.</summary>
    public required TimeSpan Lifetime { get; init; }

    /// <summary>Null until the device's first handshake, from which its time counts.</summary>
    public required DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>It was given back once because the session it opened was never used.</summary>
    public required bool GivenBack { get; init; }

    /// <summary>It was armed for the device that replaces a lost one: the session that it opens may replace the member's identity.</summary>
    public bool ArmsReset { get; init; }

    public bool IsArmed(DateTimeOffset now) => State == GrantState.Armed && (ExpiresAt is not { } end || now < end);
}
