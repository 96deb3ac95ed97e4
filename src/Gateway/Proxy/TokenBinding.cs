using System.Text;
using Gateway.Onboarding.Keys;
using Microsoft.Extensions.Primitives;

namespace Gateway.Proxy;

/// <summary>How the token of a request stands to the device that sent it. Zero is shut.</summary>
internal enum TokenStanding
{
    /// <summary>Not a token of this device: another's, unknown, or given twice.</summary>
    Foreign = 0,

    /// <summary>The request bears none.</summary>
    Missing,

    /// <summary>It was this device's, and its logout is recorded.</summary>
    LoggedOut,

    /// <summary>It belongs to an open session of this device.</summary>
    Bound,
}

/// <summary>Every access token is bound to the device it was handed to: one that leaks is useless in another tunnel.</summary>
internal sealed class TokenBinding(TokenHasher hasher)
{
    /// <summary>Longer than any token of a homeserver we know (Synapse: under 100).</summary>
    private const int MaxTokenLength = 512;

    private const string Bearer = "Bearer ";
    private const string QueryName = "access_token=";

    public TokenStanding Of(DeviceEntry device, StringValues authorization, string target, out SessionEntry? session)
    {
        session = null;
        if (!TryFind(authorization, target, out var token))
        {
            return TokenStanding.Foreign;
        }

        if (token.IsEmpty)
        {
            return TokenStanding.Missing;
        }

        Span<byte> bytes = stackalloc byte[MaxTokenLength];
        if (token.Length > MaxTokenLength || !Encoding.ASCII.TryGetBytes(token, bytes, out var length))
        {
            return TokenStanding.Foreign;
        }

        Span<byte> hash = stackalloc byte[TokenHasher.Length];
        hasher.Hash(bytes[..length], hash);
        session = device.Find(hash);
        return session switch
        {
            { IsOpen: true } => TokenStanding.Bound,
            { LoggedOut: true } => TokenStanding.LoggedOut,
            _ => TokenStanding.Foreign,
        };
    }

    /// <summary>The one token of the request; false where there are two, or an authorization of another kind.</summary>
    private static bool TryFind(StringValues authorization, string target, out ReadOnlySpan<char> token)
    {
        token = [];
        var query = target.IndexOf('?', StringComparison.Ordinal);
        var found = 0;
        if (query >= 0)
        {
            var rest = target.AsSpan(query + 1);
            foreach (var range in rest.SplitAny('&', ';'))
            {
                if (rest[range].StartsWith(QueryName, StringComparison.Ordinal))
                {
                    token = rest[range][QueryName.Length..];
                    found++;
                }
                else if (Uri.UnescapeDataString(rest[range]).StartsWith(QueryName, StringComparison.Ordinal))
                {
                    // The same name to the homeserver, which decodes it, and takes the first of two.
                    return false;
                }
            }
        }

        if (authorization.Count > 0)
        {
            if (authorization.Count > 1 || !authorization[0]!.StartsWith(Bearer, StringComparison.Ordinal))
            {
                return false;
            }

            token = authorization[0].AsSpan(Bearer.Length);
            found++;
        }

        return found <= 1;
    }
}
