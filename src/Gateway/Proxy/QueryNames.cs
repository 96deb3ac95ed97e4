namespace Gateway.Proxy;

/// <summary>
/// Query parameters with which a request would speak for somebody else, or hide from us: an access token beside the header, the
/// user that an application service stands in for, a delay for an event. The homeserver splits on <c>&amp;</c> and
/// <c>;</c> and decodes the names (twisted.web.http.parse_qs), so we do the same.
/// </summary>
internal static class QueryNames
{
    private static readonly string[] Shut = ["access_token", "user_id", "org.matrix.msc3202.device_id", "org.matrix.msc4326.device_id", "org.matrix.msc4140.delay"];

    private const int Longest = 40;

    /// <summary>Whether the target's query names one of them, in any spelling. Allocates nothing.</summary>
    public static bool HasShut(ReadOnlySpan<char> target)
    {
        var query = target.IndexOf('?');
        if (query < 0)
        {
            return false;
        }

        var rest = target[(query + 1)..];
        Span<char> decoded = stackalloc char[Longest];
        foreach (var range in rest.SplitAny('&', ';'))
        {
            var pair = rest[range];
            var equals = pair.IndexOf('=');
            if (TryDecode(equals < 0 ? pair : pair[..equals], decoded, out var length) && IsShut(decoded[..length]))
            {
                return true;
            }
        }

        return false;
    }

    private static bool IsShut(ReadOnlySpan<char> name)
    {
        foreach (var shut in Shut)
        {
            if (name.SequenceEqual(shut))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>False for a name that is longer than any of ours.</summary>
    private static bool TryDecode(ReadOnlySpan<char> name, Span<char> decoded, out int length)
    {
        length = 0;
        for (var i = 0; i < name.Length; i++)
        {
            if (length == decoded.Length)
            {
                return false;
            }

            var c = name[i];
            if (c == '%')
            {
                // The target's syntax was checked: two digits follow.
                c = (char)((TargetSyntax.Digit(name[i + 1]) << 4) | TargetSyntax.Digit(name[i + 2]));
                i += 2;
            }

            decoded[length++] = c;
        }

        return true;
    }
}
