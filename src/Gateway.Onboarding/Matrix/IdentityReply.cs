namespace Gateway.Onboarding.Matrix;

/// <summary>The homeserver's answer to an identity. <see cref="AsksForProof"/>: it wants User-Interactive Authentication.</summary>
public sealed record IdentityReply(int Status, ReadOnlyMemory<byte> Json, bool AsksForProof);
