using System.Globalization;
using System.Net;
using Gateway.Onboarding.Devices;
using Gateway.Onboarding.Keys;

namespace Gateway.Tunnel;

/// <summary>
/// The texts of WireGuard's cross-platform userspace protocol (wireguard.com/xplatform): what we ask, and a strict
/// reader of the answer to <c>get=1</c>. What the reader does not know it refuses, naming the key, never the value.
/// </summary>
internal static class UserspaceProtocol
{
    public const string Get = "get=1\n\n";

    /// <summary>The last second that a <see cref="DateTimeOffset"/> can hold.</summary>
    private const long LastSecond = 253_402_300_799;

    /// <summary>An all-zero preshared key is how the protocol says "none".</summary>
    private static readonly PresharedKey NoPresharedKey = new(new byte[SecretKey.Length]);

    public static string Set(InterfaceSettings settings) =>
        $"set=1\nprivate_key={Hex(settings.PrivateKey.Bytes)}\nlisten_port={settings.ListenPort}\n\n";

    public static string Set(DesiredPeer peer) =>
        $"set=1\npublic_key={Hex(peer.PublicKey.ToBytes())}\npreshared_key={Hex(peer.PresharedKey.Bytes)}\nreplace_allowed_ips=true\nallowed_ip={peer.TunnelAddress}/32\n\n";

    public static string Remove(PublicKey peer) => $"set=1\npublic_key={Hex(peer.ToBytes())}\nremove=true\n\n";

    /// <summary>The interface behind an answer's lines, without its closing <c>errno=0</c>.</summary>
    public static InterfaceDump Parse(IEnumerable<string> lines)
    {
        var peers = new List<Peer>();
        var dump = new InterfaceDump(PrivateKey: null, ListenPort: 0, peers);
        foreach (var (key, value) in lines.Select(Split))
        {
            switch (key)
            {
                case "public_key":
                    peers.Add(new(PublicKey.FromBytes(Key(key, value)), null, null, [], null, 0, 0));
                    break;
                case "private_key" when peers.Count == 0:
                    dump = dump with { PrivateKey = new(Key(key, value)) };
                    break;
                case "listen_port" when peers.Count == 0:
                    dump = dump with { ListenPort = (int)Number(key, value, IPEndPoint.MaxPort) };
                    break;
                case "fwmark" when peers.Count == 0:
                    break;
                default:
                    peers[^1] = peers.Count > 0 ? Apply(peers[^1], key, value) : throw Malformed(key);
                    break;
            }
        }

        return dump;
    }

    private static Peer Apply(Peer peer, string key, string value) => key switch
    {
        "preshared_key" => peer with { PresharedKey = Preshared(Key(key, value)) },
        "endpoint" => peer with { Endpoint = IPEndPoint.TryParse(value, out var endpoint) ? endpoint : throw Malformed(key) },
        "allowed_ip" => peer with { AllowedIPs = [.. peer.AllowedIPs, IPNetwork.TryParse(value, out var network) ? network : throw Malformed(key)] },
        "last_handshake_time_sec" => peer with { LastHandshake = Moment(Number(key, value, LastSecond)) },
        "last_handshake_time_nsec" => peer with { LastHandshake = peer.LastHandshake?.AddTicks(Number(key, value, 999_999_999) / 100) },
        "rx_bytes" => peer with { ReceivedBytes = Number(key, value, long.MaxValue) },
        "tx_bytes" => peer with { SentBytes = Number(key, value, long.MaxValue) },
        "protocol_version" or "persistent_keepalive_interval" => peer,
        _ => throw Malformed(key),
    };

    private static (string Key, string Value) Split(string line)
    {
        var equals = line.IndexOf('=', StringComparison.Ordinal);
        return equals > 0 ? (line[..equals], line[(equals + 1)..]) : throw Malformed("a line without =");
    }

    private static PresharedKey? Preshared(byte[] bytes)
    {
        var key = new PresharedKey(bytes);
        return key.Matches(NoPresharedKey) ? null : key;
    }

    private static DateTimeOffset? Moment(long seconds) => seconds == 0 ? null : DateTimeOffset.FromUnixTimeSeconds(seconds);

    private static byte[] Key(string key, string value)
    {
        var bytes = new byte[SecretKey.Length];
        return Convert.FromHexString(value, bytes, out var read, out var written) == System.Buffers.OperationStatus.Done
            && read == value.Length && written == SecretKey.Length
                ? bytes
                : throw Malformed(key);
    }

    private static long Number(string key, string value, long most) =>
        long.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number <= most
            ? number
            : throw Malformed(key);

    private static string Hex(ReadOnlySpan<byte> bytes) => Convert.ToHexStringLower(bytes);

    private static TunnelException Malformed(string what) => new($"wireguard-go answered something unknown: {what}.");
}
