using System.Buffers;
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

    /// <summary>b64token.</summary>
    private static readonly SearchValues<char> TokenCharacters =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/=");

    public TokenStanding Of(DeviceEntry device, StringValues authorization, out SessionEntry? session)
    {
        session = null;
        if (authorization.Count == 0)
        {
            return TokenStanding.Missing;
        }

        if (authorization.Count == 1 && device.Recall(authorization[0]!) is { } known)
        {
            session = known;
            return TokenStanding.Bound;
        }

        Span<byte> hash = stackalloc byte[TokenHasher.Length];
        if (!TryHash(authorization, hash))
        {
            return TokenStanding.Foreign;
        }

        session = device.Find(hash);
        switch (session)
        {
            case { IsOpen: true }:
                device.Remember(authorization[0]!, session);
                return TokenStanding.Bound;
            case { LoggedOut: true }:
                return TokenStanding.LoggedOut;
            default:
                return TokenStanding.Foreign;
        }
    }

    /// <summary>The keyed hash that the request's token would be known by; false where it has not exactly one well-formed token.</summary>
    public bool TryHash(StringValues authorization, Span<byte> hash)
    {
        Span<byte> bytes = stackalloc byte[MaxTokenLength];
        if (!TryFind(authorization, out var token) || token.Length > MaxTokenLength || !Encoding.ASCII.TryGetBytes(token, bytes, out var length))
        {
            return false;
        }

        hasher.Hash(bytes[..length], hash);
        return true;
    }

    /// <summary>The request's token, or null where it has not exactly one well-formed token.</summary>
    public static AccessToken? Find(StringValues authorization) =>
        TryFind(authorization, out var token) && token.Length <= MaxTokenLength ? new AccessToken(token.ToString()) : null;

    /// <summary>The one well-formed bearer token (RFC 6750, section 2.1); false where there is an authorization of another kind, or two.</summary>
    private static bool TryFind(StringValues authorization, out ReadOnlySpan<char> token)
    {
        token = [];
        if (authorization.Count != 1 || !authorization[0]!.StartsWith(Bearer, StringComparison.Ordinal))
        {
            return false;
        }

        token = authorization[0].AsSpan(Bearer.Length);
        return !token.IsEmpty && !token.ContainsAnyExcept(TokenCharacters);
    }
}
