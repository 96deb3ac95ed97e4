using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;

namespace Gateway.Admin.Access;

/// <summary>Time-based one-time passwords (RFC 6238) as every authenticator app makes them: SHA-1, 30 seconds, six digits.</summary>
internal static class Totp
{
    /// <summary>RFC 4226, section 4, recommends 160 bits.</summary>
    public const int SecretLength = 20;

    private const int Digits = 6;
    private const long Period = 30;

    /// <summary>The step that this is the code of, now or one before or after: phones' clocks differ. Null where it is none.</summary>
    public static long? Step(ReadOnlySpan<byte> secret, string typed, DateTimeOffset now)
    {
        var given = new string([.. typed.Where(char.IsAsciiDigit)]);
        if (given.Length != Digits)
        {
            return null;
        }

        long? found = null;
        var current = now.ToUnixTimeSeconds() / Period;
        for (var step = current - 1; step <= current + 1; step++)
        {
            // All three are looked at, whichever fits.
            if (CryptographicOperations.FixedTimeEquals(Encoding.ASCII.GetBytes(Code(secret, step)), Encoding.ASCII.GetBytes(given)))
            {
                found = step;
            }
        }

        return found;
    }

    /// <summary>What an authenticator app reads from a QR code.</summary>
    public static string Address(ReadOnlySpan<byte> secret, string serverName) =>
        $"otpauth://totp/{Uri.EscapeDataString(serverName)}:admin?secret={Base32(secret)}&issuer={Uri.EscapeDataString(serverName)}";

    /// <summary>RFC 4648, without padding: what a person types who cannot scan.</summary>
    public static string Base32(ReadOnlySpan<byte> bytes)
    {
        const string letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
        var text = new StringBuilder();
        var (bits, held) = (0, 0);
        foreach (var value in bytes)
        {
            bits = ((bits << 8) | value) & 0xFFFF;
            for (held += 8; held >= 5; held -= 5)
            {
                text.Append(letters[(bits >> (held - 5)) & 31]);
            }
        }

        return held == 0 ? text.ToString() : text.Append(letters[(bits << (5 - held)) & 31]).ToString();
    }

    /// <summary>RFC 4226, section 5.3.</summary>
    [SuppressMessage("Security", "CA5350", Justification = "The only hash that all authenticator apps know; HMAC does not rest on its collisions.")]
    internal static string Code(ReadOnlySpan<byte> secret, long step)
    {
        Span<byte> counter = stackalloc byte[8];
        BinaryPrimitives.WriteInt64BigEndian(counter, step);
        Span<byte> hash = stackalloc byte[HMACSHA1.HashSizeInBytes];
        HMACSHA1.HashData(secret, counter, hash);
        var number = BinaryPrimitives.ReadInt32BigEndian(hash[(hash[^1] & 15)..]) & int.MaxValue;
        return (number % 1_000_000).ToString("D6", System.Globalization.CultureInfo.InvariantCulture);
    }
}
