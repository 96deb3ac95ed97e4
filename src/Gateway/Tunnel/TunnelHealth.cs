namespace Gateway.Tunnel;

/// <summary>How the interface stands, for <c>gateway status</c>: <see cref="Error"/> is null while the last pass was good.</summary>
internal sealed record TunnelHealth(DateTimeOffset? LastGoodPass, string? Error);
