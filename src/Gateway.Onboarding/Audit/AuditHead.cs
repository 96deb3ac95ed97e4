using System.Globalization;
using System.Security.Cryptography;

namespace Gateway.Onboarding.Audit;

/// <summary>
/// The log's end at one moment, signed, as one line to be kept off the machine: <c>A1.1234.20261122T090000Z.</c>, then the
/// hash and the signature in groups of five letters and digits (base32, RFC 4648), good for paper and for a message.
/// Whoever rewrites or cuts the log later, with all keys in hand, cannot make it fit this line again.
/// </summary>
internal sealed record AuditHead(AuditPosition Position, DateTimeOffset At, ReadOnlyMemory<byte> Signature)
{
    private const string Version = "A1";
    private const string Purpose = "head";
    private const string TimeFormat = "yyyyMMdd'T'HHmmss'Z'";
    private const int Group = 5;

    public static AuditHead Sign(AuditKeys keys, AuditPosition position, DateTimeOffset at) => new(position, at, keys.Sign(Purpose, position, at));

    public bool IsSignedWith(AuditKeys keys) => keys.Verify(Purpose, Position, At, Signature.Span);

    public override string ToString()
    {
        var letters = Base32.Encode([.. Position.Hash.Span, .. Signature.Span]);
        var groups = string.Join('-', letters.Chunk(Group).Select(group => new string(group)));
        return string.Create(CultureInfo.InvariantCulture, $"{Version}.{Position.Number}.{At.ToUniversalTime().ToString(TimeFormat, CultureInfo.InvariantCulture)}.{groups}");
    }

    /// <summary>Reads a line as people copy it: in either case, broken where it did not fit. Null where it is none.</summary>
    public static AuditHead? TryParse(string line)
    {
        var text = string.Concat(line.Where(c => !char.IsWhiteSpace(c) && c != '-')).ToUpperInvariant();
        if (text.Split('.') is not [Version, var count, var time, var letters]
            || !long.TryParse(count, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            || !DateTimeOffset.TryParseExact(time, TimeFormat, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var at)
            || Base32.TryDecode(letters) is not { Length: SHA256.HashSizeInBytes + AuditKeys.SignatureLength } bytes)
        {
            return null;
        }

        return new(new AuditPosition(number, bytes.AsMemory(0, SHA256.HashSizeInBytes)), at, bytes.AsMemory(SHA256.HashSizeInBytes));
    }

    /// <summary>Base32 without padding. The digits 0, 1 and 8 are no part of it: they are O, I and B, misread.</summary>
    private static class Base32
    {
        private const string Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

        public static string Encode(ReadOnlySpan<byte> bytes)
        {
            var letters = new List<char>((bytes.Length * 8 + 4) / 5);
            var (buffer, bits) = (0, 0);
            foreach (var next in bytes)
            {
                (buffer, bits) = ((buffer << 8) | next, bits + 8);
                for (; bits >= 5; bits -= 5)
                {
                    letters.Add(Alphabet[(buffer >> (bits - 5)) & 31]);
                }

                buffer &= (1 << bits) - 1;
            }

            if (bits > 0)
            {
                letters.Add(Alphabet[(buffer << (5 - bits)) & 31]);
            }

            return new([.. letters]);
        }

        public static byte[]? TryDecode(string letters)
        {
            var bytes = new List<byte>(letters.Length * 5 / 8);
            var (buffer, bits) = (0, 0);
            foreach (var letter in letters.Replace('0', 'O').Replace('1', 'I').Replace('8', 'B'))
            {
                var value = Alphabet.IndexOf(letter, StringComparison.Ordinal);
                if (value < 0)
                {
                    return null;
                }

                (buffer, bits) = ((buffer << 5) | value, bits + 5);
                if (bits >= 8)
                {
                    bits -= 8;
                    bytes.Add((byte)(buffer >> bits));
                    buffer &= (1 << bits) - 1;
                }
            }

            return buffer == 0 ? [.. bytes] : null;
        }
    }
}
