using System.Buffers;
using System.Text.Unicode;

namespace Gateway.Proxy;

/// <summary>
/// Which request targets may be looked at at all. The target is judged and forwarded as the same raw bytes, so nothing in
/// it may mean one thing here and another to the homeserver (RFC 3986, sections 2.1 and 3.3). The homeserver matches its
/// own paths on the raw text and decodes only what stands in for a parameter (synapse/http/server.py): so a segment may
/// hold any encoded character, a slash too, as long as no way of reading it makes a dot segment of it.
/// </summary>
internal static class TargetSyntax
{
    /// <summary>How often somebody could decode what was encoded several times.</summary>
    public const int Depth = 3;

    /// <summary><c>pchar</c> of RFC 3986 without the percent sign.</summary>
    private const string Plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~!$&'()*+,;=:@";

    private static readonly SearchValues<char> PathCharacters = SearchValues.Create(Plain);

    private static readonly SearchValues<char> EncodedPathCharacters = SearchValues.Create(Plain + "%");

    public static bool IsPlain(ReadOnlySpan<char> target)
    {
        if (target.IsEmpty || target[0] != '/')
        {
            return false;
        }

        var query = target.IndexOf('?');
        return IsPlainPath(query < 0 ? target[1..] : target[1..query]) && (query < 0 || IsPlainQuery(target[query..]));
    }

    private static bool IsPlainPath(ReadOnlySpan<char> path)
    {
        while (true)
        {
            var slash = path.IndexOf('/');
            var segment = slash < 0 ? path : path[..slash];
            if ((segment.IsEmpty && slash >= 0) || !IsPlainSegment(segment))
            {
                return false;
            }

            if (slash < 0)
            {
                return true;
            }

            path = path[(slash + 1)..];
        }
    }

    private static bool IsPlainSegment(ReadOnlySpan<char> segment)
    {
        var odd = segment.IndexOfAnyExcept(PathCharacters);
        if (odd < 0)
        {
            var semicolon = segment.IndexOf(';');
            return (semicolon < 0 ? segment : segment[..semicolon]) is not ("." or "..");
        }

        return segment[odd] == '%' && !segment[odd..].ContainsAnyExcept(EncodedPathCharacters) && IsPlainEncoded(segment);
    }

    private static bool IsPlainEncoded(ReadOnlySpan<char> segment)
    {
        Span<byte> bytes = segment.Length <= 512 ? stackalloc byte[segment.Length] : new byte[segment.Length];
        for (var i = 0; i < segment.Length; i++)
        {
            bytes[i] = (byte)segment[i];
        }

        return Decode(ref bytes, strict: true) && Utf8.IsValid(bytes) && IsPlainHoweverOftenDecoded(bytes);
    }

    private static bool IsPlainHoweverOftenDecoded(Span<byte> bytes)
    {
        for (var depth = 1; ; depth++)
        {
            foreach (var b in bytes)
            {
                if (b is < (byte)' ' or 0x7f)
                {
                    return false;
                }
            }

            if (HasDotSegment(bytes))
            {
                return false;
            }

            if (depth == Depth || !bytes.Contains((byte)'%'))
            {
                return true;
            }

            Decode(ref bytes, strict: false);
        }
    }

    /// <summary>
    /// Whether anything between slashes, of either kind, is <c>.</c> or <c>..</c>, also with path parameters after a
    /// semicolon, which some servers cut off before they look.
    /// </summary>
    private static bool HasDotSegment(ReadOnlySpan<byte> bytes)
    {
        while (true)
        {
            var end = bytes.IndexOfAny((byte)'/', (byte)'\\');
            var part = end < 0 ? bytes : bytes[..end];
            var semicolon = part.IndexOf((byte)';');
            if ((semicolon < 0 ? part : part[..semicolon]) is [(byte)'.'] or [(byte)'.', (byte)'.'])
            {
                return true;
            }

            if (end < 0)
            {
                return false;
            }

            bytes = bytes[(end + 1)..];
        }
    }

    /// <summary>In place; the span gets shorter. False where strict and a percent sign is not followed by two hexadecimal digits.</summary>
    public static bool Decode(ref Span<byte> bytes, bool strict)
    {
        var to = 0;
        for (var from = 0; from < bytes.Length; from++, to++)
        {
            bytes[to] = bytes[from];
            if (bytes[from] != '%')
            {
                continue;
            }

            if (from + 2 < bytes.Length && char.IsAsciiHexDigit((char)bytes[from + 1]) && char.IsAsciiHexDigit((char)bytes[from + 2]))
            {
                bytes[to] = (byte)((Digit((char)bytes[from + 1]) << 4) | Digit((char)bytes[from + 2]));
                from += 2;
            }
            else if (strict)
            {
                return false;
            }
        }

        bytes = bytes[..to];
        return true;
    }

    private static bool IsPlainQuery(ReadOnlySpan<char> query)
    {
        for (var i = 0; i < query.Length; i++)
        {
            var c = query[i];
            if (c is <= ' ' or >= '\x7f' or '#'
                || (c == '%' && !(i + 2 < query.Length && char.IsAsciiHexDigit(query[i + 1]) && char.IsAsciiHexDigit(query[i + 2]))))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>The value of a hexadecimal digit.</summary>
    private static int Digit(char c) => char.IsAsciiDigit(c) ? c - '0' : (c | 0x20) - 'a' + 10;
}
