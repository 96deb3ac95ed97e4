namespace Gateway.Tunnel;

/// <summary>
/// How the interface stands: <see cref="Error"/> is null while the last pass was good; the generation is the newest
/// that a pass has verified on the interface, −1 before the first.
/// </summary>
internal sealed record TunnelHealth(long VerifiedGeneration, DateTimeOffset? LastGoodPass, string? Error);
