using System.Buffers;
using System.Text;

namespace Gateway.Proxy;

/// <summary>
/// Query parameters with which a request would speak for somebody else, or hide from us: an access token beside the header, the
/// user that an application service stands in for, a delay for an event. The homeserver splits on <c>&amp;</c> and
/// <c>;</c> and decodes the names once (twisted.web.http.parse_qs). We look for them in any spelling that some other reader could
/// take for them, behind a second question mark too: no client has a reason to come near.
/// </summary>
internal static class QueryNames
{
    private const int Longest = 512;

    private static readonly byte[][] Shut =
    [
        .. new[] { "access_token", "user_id", "org.matrix.msc3202.device_id", "org.matrix.msc4326.device_id", "org.matrix.msc4140.delay" }.Select(Encoding.ASCII.GetBytes),
    ];

    private static readonly SearchValues<byte> WordBytes = SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"u8);

    /// <summary>Whether the target's query names one of them. Allocates nothing.</summary>
    public static bool HasShut(ReadOnlySpan<char> target)
    {
        var query = target.IndexOf('?');
        if (query < 0)
        {
            return false;
        }

        var rest = target[(query + 1)..];
        Span<byte> bytes = stackalloc byte[Longest];
        foreach (var range in rest.SplitAny('&', ';', '?'))
        {
            var pair = rest[range];
            var equals = pair.IndexOf('=');
            var name = equals < 0 ? pair : pair[..equals];
            if (name.Length > Longest || IsShut(bytes[..Encoding.Latin1.GetBytes(name, bytes)]))
            {
                return true;
            }
        }

        return false;
    }

    private static bool IsShut(Span<byte> name)
    {
        for (var depth = 0; ; depth++)
        {
            if (HasShutWord(name))
            {
                return true;
            }

            if (depth == TargetSyntax.Depth || !name.Contains((byte)'%'))
            {
                return false;
            }

            TargetSyntax.Decode(ref name, strict: false);
        }
    }

    private static bool HasShutWord(ReadOnlySpan<byte> name)
    {
        while (true)
        {
            var end = name.IndexOfAnyExcept(WordBytes);
            var word = end < 0 ? name : name[..end];
            foreach (var shut in Shut)
            {
                if (Ascii.EqualsIgnoreCase(word, shut))
                {
                    return true;
                }
            }

            if (end < 0)
            {
                return false;
            }

            name = name[(end + 1)..];
        }
    }
}
