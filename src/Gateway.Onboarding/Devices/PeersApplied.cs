namespace Gateway.Onboarding.Devices;

/// <summary>
/// Waits until the interface was seen to have exactly the peers of a state at least as new as <paramref name="generation"/>.
/// Null once it did; else, when the caller's time is over, why it does not yet, in words for the admin.
/// </summary>
public delegate Task<string?> PeersApplied(long generation, CancellationToken cancellationToken);
