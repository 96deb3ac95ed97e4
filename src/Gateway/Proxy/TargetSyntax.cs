namespace Gateway.Proxy;

/// <summary>
/// Which request targets may be looked at at all. The target is judged and forwarded as the same raw bytes, so nothing
/// in it may mean one thing here and another to the homeserver: no dot segments, no empty segments inside, no
/// backslashes, no double encoding, in any spelling (RFC 3986, sections 2.1 and 3.3).
/// </summary>
internal static class TargetSyntax
{
    public static bool IsPlain(ReadOnlySpan<char> target)
    {
        if (target.IsEmpty || target[0] != '/')
        {
            return false;
        }

        var query = target.IndexOf('?');
        var path = query < 0 ? target : target[..query];
        return IsPlainPath(path) && (query < 0 || IsPlainQuery(target[query..]));
    }

    private static bool IsPlainPath(ReadOnlySpan<char> path)
    {
        var segmentStart = 1;
        for (var i = 1; i <= path.Length; i++)
        {
            if (i < path.Length && path[i] != '/')
            {
                continue;
            }

            var segment = path[segmentStart..i];
            if ((segment.IsEmpty && i < path.Length) || !IsPlainSegment(segment))
            {
                return false;
            }

            segmentStart = i + 1;
        }

        return true;
    }

    private static bool IsPlainSegment(ReadOnlySpan<char> segment)
    {
        var dots = 0;
        var length = 0;
        for (var i = 0; i < segment.Length; i++, length++)
        {
            var c = segment[i];
            if (c == '%')
            {
                if (!TryDecode(segment[i..], out c) || char.IsControl(c) || c == '\\' || EncodesAgain(c, segment[(i + 3)..]))
                {
                    return false;
                }

                i += 2;
                if (c == '/')
                {
                    // A slash to whoever decodes it: what stands before it may be no dot segment either.
                    if (dots == length && dots is 1 or 2)
                    {
                        return false;
                    }

                    (dots, length) = (0, -1);
                    continue;
                }
            }
            else if (!IsPathCharacter(c))
            {
                return false;
            }

            dots += c == '.' ? 1 : 0;
        }

        return dots != length || dots is 0 or > 2;
    }

    private static bool IsPlainQuery(ReadOnlySpan<char> query)
    {
        for (var i = 0; i < query.Length; i++)
        {
            var c = query[i];
            if (c is <= ' ' or >= '\x7f' or '#' || (c == '%' && !TryDecode(query[i..], out _)))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary><c>%25</c> followed by <c>2e</c>, <c>2f</c> or <c>5c</c>: would decode to something else the second time.</summary>
    private static bool EncodesAgain(char decoded, ReadOnlySpan<char> rest) =>
        decoded == '%' && TryDecode(['%', .. rest[..Math.Min(2, rest.Length)]], out var again) && again is '.' or '/' or '\\';

    private static bool TryDecode(ReadOnlySpan<char> text, out char decoded)
    {
        decoded = default;
        if (text.Length < 3 || !char.IsAsciiHexDigit(text[1]) || !char.IsAsciiHexDigit(text[2]))
        {
            return false;
        }

        decoded = (char)((Digit(text[1]) << 4) | Digit(text[2]));
        return true;

        static int Digit(char c) => char.IsAsciiDigit(c) ? c - '0' : (c | 0x20) - 'a' + 10;
    }

    /// <summary><c>pchar</c> of RFC 3986 without the percent sign.</summary>
    private static bool IsPathCharacter(char c) =>
        char.IsAsciiLetterOrDigit(c) || "-._~!$&'()*+,;=:@".Contains(c, StringComparison.Ordinal);
}
