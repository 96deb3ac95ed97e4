using System.Security.Cryptography;

namespace Gateway.Onboarding.Keys;

/// <summary>
/// 32 secret bytes. Prints as a mask, has no JSON form and no value equality, and clears its bytes when disposed;
/// <see cref="Reveal"/> is the one way out, easy to find in a review.
/// </summary>
public abstract class SecretKey : IDisposable
{
    public const int Length = 32;

    private readonly byte[] _bytes;
    private bool _cleared;

    private protected SecretKey(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length != Length)
        {
            throw new ArgumentException("A WireGuard key has 32 bytes.", nameof(bytes));
        }

        _bytes = bytes.ToArray();
    }

    /// <summary>The bytes themselves, valid until <see cref="Dispose()"/>.</summary>
    public ReadOnlySpan<byte> Bytes => _cleared ? throw new ObjectDisposedException(GetType().Name) : _bytes;

    /// <summary>The key as base64, for the interface or the member's configuration. Never for a log.</summary>
    public string Reveal() => Convert.ToBase64String(Bytes);

    /// <summary>Compares in constant time.</summary>
    public bool Matches(SecretKey other) => CryptographicOperations.FixedTimeEquals(Bytes, other.Bytes);

    public sealed override string ToString() => "(secret)";

    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    protected virtual void Dispose(bool disposing)
    {
        CryptographicOperations.ZeroMemory(_bytes);
        _cleared = true;
    }

    private protected static byte[]? Decode(string? base64)
    {
        var bytes = new byte[33];
        return base64 is { Length: 44 } && Convert.TryFromBase64String(base64, bytes, out var count) && count == Length
            ? bytes[..Length]
            : null;
    }
}
