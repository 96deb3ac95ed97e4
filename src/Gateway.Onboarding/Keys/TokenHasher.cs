using System.Security.Cryptography;

namespace Gateway.Onboarding.Keys;

/// <summary>
/// Keyed hashes (HMAC-SHA-256) of access tokens and login codes: what is stored of them opens no door, and without
/// the key it cannot even be tried against a guess.
/// </summary>
public sealed class TokenHasher(SecretKey key)
{
    public const int Length = HMACSHA256.HashSizeInBytes;

    public byte[] Hash(ReadOnlySpan<byte> token) => HMACSHA256.HashData(key.Bytes, token);

    /// <summary>The same into a buffer of <see cref="Length"/> bytes, without an allocation: for the request path.</summary>
    public void Hash(ReadOnlySpan<byte> token, Span<byte> destination) => HMACSHA256.HashData(key.Bytes, token, destination);
}

/// <summary>The key of <see cref="TokenHasher"/>.</summary>
public sealed class HashKey(ReadOnlySpan<byte> bytes) : SecretKey(bytes);

/// <summary>The key that opens the store. It lies outside the database.</summary>
public sealed class MasterKey(ReadOnlySpan<byte> bytes) : SecretKey(bytes);
