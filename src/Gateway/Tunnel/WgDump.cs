using System.Globalization;
using System.Net;
using Gateway.Onboarding.Keys;

namespace Gateway.Tunnel;

/// <summary>
/// Reads <c>wg show IF dump</c> (<c>wg(8)</c>): a line for the interface, then one for each peer, fields separated by
/// tabs. Strict: what it does not know it refuses, without quoting it, because the text holds keys.
/// </summary>
internal static class WgDump
{
    private const string None = "(none)";

    /// <summary>The last second that a <see cref="DateTimeOffset"/> can hold.</summary>
    private const long LastSecond = 253_402_300_799;

    public static InterfaceDump Parse(string text)
    {
        var lines = text.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        if (lines.Length == 0 || lines[0].Split('\t') is not [var privateKey, _, var listenPort, _])
        {
            throw Malformed("its first line");
        }

        var peers = new List<Peer>(lines.Length - 1);
        foreach (var line in lines.Skip(1))
        {
            peers.Add(ParsePeer(line.Split('\t')));
        }

        return new(
            privateKey == None ? null : PrivateKey.TryParse(privateKey) ?? throw Malformed("the private key"),
            (int)Number(listenPort, "the listen port", IPEndPoint.MaxPort),
            peers);
    }

    private static Peer ParsePeer(string[] fields)
    {
        if (fields is not [var publicKey, var presharedKey, var endpoint, var allowedIPs, var handshake, var received, var sent, _])
        {
            throw Malformed("a peer's line");
        }

        var seconds = Number(handshake, "a handshake", LastSecond);
        return new(
            PublicKey.TryParse(publicKey, provider: null, out var key) ? key : throw Malformed("a public key"),
            presharedKey == None ? null : PresharedKey.TryParse(presharedKey) ?? throw Malformed("a preshared key"),
            endpoint == None ? null : IPEndPoint.TryParse(endpoint, out var address) ? address : throw Malformed("an endpoint"),
            allowedIPs == None ? [] : [.. allowedIPs.Split(',').Select(AllowedIP)],
            seconds == 0 ? null : DateTimeOffset.FromUnixTimeSeconds(seconds),
            Number(received, "a byte count"),
            Number(sent, "a byte count"));
    }

    private static IPNetwork AllowedIP(string text) =>
        IPNetwork.TryParse(text, out var network) ? network : throw Malformed("an allowed IP");

    private static long Number(string text, string what, long most = long.MaxValue) =>
        long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number <= most
            ? number
            : throw Malformed(what);

    private static TunnelException Malformed(string what) => new($"`wg show` answered something unknown: {what}.");
}
