namespace Gateway.Onboarding.Matrix;

/// <summary>
/// The homeserver did not do what it was asked. <see cref="Happened"/> says whether it may have acted all the same:
/// false only where it certainly did not (no connection, or its own refusal). The message holds no token.
/// </summary>
public sealed class HomeserverException(string message, bool happened, Exception? inner = null) : Exception(message, inner)
{
    public bool Happened { get; } = happened;

    /// <summary>The account was closed for good, and with it every session that it had.</summary>
    public bool AccountClosed { get; init; }
}
