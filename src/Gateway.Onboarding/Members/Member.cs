namespace Gateway.Onboarding.Members;

/// <summary>Where a member's account on the homeserver stands. Zero is shut.</summary>
public enum MemberState
{
    /// <summary>The member left; the account is closed, or about to be.</summary>
    Left = 0,

    /// <summary>We are about to make the account, or did and have not heard back.</summary>
    AccountAsked,

    /// <summary>The account exists.</summary>
    Active,
}

/// <summary>A person of the group: one account on the homeserver, any number of devices.</summary>
public sealed record Member
{
    public required Localpart Localpart { get; init; }

    public required string? DisplayName { get; init; }

    public required MemberState State { get; init; }

    public required DateTimeOffset Since { get; init; }

    /// <summary>The account was there before us, and the admin said so (<c>--adopt</c>).</summary>
    public required bool Adopted { get; init; }

    /// <summary>Set once the member left: what happens with their messages, and whether the homeserver has confirmed.</summary>
    public required Leaving? Leaving { get; init; }

    /// <summary>Whether the homeserver shall keep the account shut; null where that was never asked.</summary>
    public AccountLock? Lock { get; init; }

    /// <summary>Since when a phone is lost that may still hold the member's identity and recovery key; null where both are theirs alone.</summary>
    public DateTimeOffset? ResetDueSince { get; init; }
}

/// <summary>What the homeserver was last asked to do with the account; <see cref="Confirmed"/>: it has.</summary>
public sealed record AccountLock(bool Locked, DateTimeOffset AskedAt, bool Confirmed);

/// <summary>How a member's account ends. <see cref="ClosedAt"/> is null until the homeserver has confirmed it.</summary>
public sealed record Leaving(DateTimeOffset RequestedAt, bool Erase, DateTimeOffset? ClosedAt);
