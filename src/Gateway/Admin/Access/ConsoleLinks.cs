using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Gateway.Onboarding.Keys;

namespace Gateway.Admin.Access;

/// <summary>The one-time link of <c>gateway console-link</c>: one at a time, in memory, for ten minutes.</summary>
internal sealed class ConsoleLinks(Entropy entropy, TimeProvider time)
{
    public static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(10);

    private readonly Lock _lock = new();
    private byte[] _hash = [];
    private DateTimeOffset _ends;

    /// <summary>A new one; the one before it is void.</summary>
    public (string Secret, DateTimeOffset Ends) Make()
    {
        var secret = Base64Url.EncodeToString(entropy.Bytes(24));
        lock (_lock)
        {
            _hash = Hash(secret);
            _ends = time.GetUtcNow() + Lifetime;
            return (secret, _ends);
        }
    }

    /// <summary>True once for each link.</summary>
    public bool Use(string? secret)
    {
        lock (_lock)
        {
            if (secret is null or { Length: > 64 } || time.GetUtcNow() >= _ends || !CryptographicOperations.FixedTimeEquals(_hash, Hash(secret)))
            {
                return false;
            }

            _hash = [];
            return true;
        }
    }

    private static byte[] Hash(string secret) => SHA256.HashData(Encoding.UTF8.GetBytes(secret));
}
