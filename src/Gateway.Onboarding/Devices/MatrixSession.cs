using System.Collections.Immutable;

namespace Gateway.Onboarding.Devices;

/// <summary>Zero is shut.</summary>
public enum MatrixSessionState
{
    /// <summary>Over: logged out, unused, failed or deleted.</summary>
    Ended = 0,

    /// <summary>The homeserver was or is about to be asked; it may exist there.</summary>
    Opening,

    /// <summary>Its token was handed out.</summary>
    Open,
}

/// <summary>What the homeserver calls a device, and when it was asked for. Kept for ever: a revocation deletes them all.</summary>
public sealed record MatrixSession
{
    public required string MatrixDeviceId { get; init; }

    public required MatrixSessionState State { get; init; }

    public required string GrantId { get; init; }

    public required DateTimeOffset AskedAt { get; init; }

    public required DateTimeOffset? OpenedAt { get; init; }

    /// <summary>A first request came with its token: the reply of the login has arrived.</summary>
    public required DateTimeOffset? FirstUsed { get; init; }

    public required DateTimeOffset? EndedAt { get; init; }

    /// <summary>It ended by a logout or by the homeserver's own word: the client may be told that its token is unknown.</summary>
    public required bool LoggedOut { get; init; }

    /// <summary>The homeserver may still have it, although for us it ended; cleared once it has confirmed the opposite.</summary>
    public required bool ToDelete { get; init; }

    /// <summary>Keyed hash of its access token; empty until it opened.</summary>
    public required ImmutableArray<byte> TokenHash { get; init; }

    public required string? Client { get; init; }

    /// <summary>When the order to erase was answered to this session's own token.</summary>
    public required DateTimeOffset? EraseDelivered { get; init; }

    /// <summary>Until then this session may replace the member's cross-signing identity, once; null: only with a grant.</summary>
    public DateTimeOffset? MayResetUntil { get; init; }

    /// <summary>
    /// Whether a client may wish for this ID: what a scope may carry (Client-Server API, "Scope", unreserved characters), and
    /// what homeservers and clients have made of their own.
    /// </summary>
    public static bool IsPlainId(string id) =>
        id.Length is > 0 and <= 64 && id.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.' or '~' or '=' or '+');
}
