namespace Gateway.Onboarding.Devices;

/// <summary>
/// Waits until the interface was seen to have exactly the peers of a state at least as new as <paramref name="generation"/>.
/// Null once it did; else, when the caller's time is over, why it does not yet, in words for the admin.
/// </summary>
public delegate Task<string?> PeersApplied(long generation, CancellationToken cancellationToken);

/// <summary>
/// The same, once the interface has confirmed each change up to this <paramref name="generation"/>: what a new phone waits for. It
/// costs what was changed, not a look at all peers.
/// </summary>
public delegate Task<string?> PeersTaken(long generation, CancellationToken cancellationToken);
