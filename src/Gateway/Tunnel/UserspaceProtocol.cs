using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;
using System.Text;
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

    public static string Set(InterfaceSettings settings) =>
        $"set=1\nprivate_key={Hex(settings.PrivateKey.Bytes)}\nlisten_port={settings.ListenPort}\n\n";

    public static string Set(params IEnumerable<DesiredPeer> peers) => $"set=1\n{string.Concat(peers.Select(Lines))}\n";

    public static string Remove(PublicKey peer) => $"set=1\npublic_key={Hex(peer.ToBytes())}\nremove=true\n\n";

    /// <summary>The interface behind an answer's lines, without its closing <c>errno=0</c>.</summary>
    public static InterfaceDump Parse(ReadOnlySpan<byte> answer)
    {
        var reader = new DumpReader();
        foreach (var range in answer.Split((byte)'\n'))
        {
            var line = answer[range];
            if (line.IsEmpty)
            {
                continue;
            }

            var equals = line.IndexOf((byte)'=');
            if (equals <= 0)
            {
                throw Malformed("a line without =");
            }

            reader.Take(line[..equals], line[(equals + 1)..]);
        }

        return reader.End();
    }

    private static string Lines(DesiredPeer peer) =>
        $"public_key={Hex(peer.PublicKey.ToBytes())}\npreshared_key={Hex(peer.PresharedKey.Bytes)}\nreplace_allowed_ips=true\nallowed_ip={peer.TunnelAddress}/32\n";

    /// <summary>Puts a dump together, line by line; there may be tens of thousands each second.</summary>
    [SuppressMessage("Design", "CA1001", Justification = "The key goes on with the dump.")]
    private ref struct DumpReader()
    {
        private readonly List<Peer> _peers = [];
        private readonly List<IPNetwork> _allowed = [];
        private PrivateKey? _privateKey;
        private int _listenPort;
        private PublicKey? _key;
        private PresharedKey? _presharedKey;
        private IPEndPoint? _endpoint;
        private long _seconds;
        private long _nanoseconds;
        private long _received;
        private long _sent;

        public void Take(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
        {
            if (key.SequenceEqual("public_key"u8))
            {
                Close();
                _key = PublicKey.FromBytes(Bytes(key, value, stackalloc byte[SecretKey.Length]));
            }
            else if (_key is null)
            {
                TakeOwn(key, value);
            }
            else
            {
                TakePeers(key, value);
            }
        }

        public InterfaceDump End()
        {
            Close();
            return new InterfaceDump(_privateKey, _listenPort, _peers);
        }

        private void TakeOwn(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
        {
            if (key.SequenceEqual("private_key"u8))
            {
                _privateKey = new(Bytes(key, value, stackalloc byte[SecretKey.Length]));
            }
            else if (key.SequenceEqual("listen_port"u8))
            {
                _listenPort = (int)Number(key, value, IPEndPoint.MaxPort);
            }
            else if (!key.SequenceEqual("fwmark"u8))
            {
                throw Malformed(key);
            }
        }

        private void TakePeers(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
        {
            if (key.SequenceEqual("preshared_key"u8))
            {
                // All zeros is how the protocol says "none".
                _presharedKey = value.ContainsAnyExcept((byte)'0') || value.Length != 2 * SecretKey.Length ? new(Bytes(key, value, stackalloc byte[SecretKey.Length])) : null;
            }
            else if (key.SequenceEqual("endpoint"u8))
            {
                _endpoint = IPEndPoint.TryParse(Encoding.ASCII.GetString(value), out var endpoint) ? endpoint : throw Malformed(key);
            }
            else if (key.SequenceEqual("allowed_ip"u8))
            {
                _allowed.Add(AllowedIP(key, value));
            }
            else if (key.SequenceEqual("last_handshake_time_sec"u8))
            {
                _seconds = Number(key, value, LastSecond);
            }
            else if (key.SequenceEqual("last_handshake_time_nsec"u8))
            {
                _nanoseconds = Number(key, value, 999_999_999);
            }
            else if (key.SequenceEqual("rx_bytes"u8))
            {
                _received = Number(key, value, long.MaxValue);
            }
            else if (key.SequenceEqual("tx_bytes"u8))
            {
                _sent = Number(key, value, long.MaxValue);
            }
            else if (!(key.SequenceEqual("protocol_version"u8) || key.SequenceEqual("persistent_keepalive_interval"u8)))
            {
                throw Malformed(key);
            }
        }

        private static IPNetwork AllowedIP(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
        {
            // The longest there is: an IPv6 address that ends as IPv4 does, with its prefix.
            Span<char> text = stackalloc char[64];
            return value.Length <= text.Length && IPNetwork.TryParse(text[..Encoding.ASCII.GetChars(value, text)], out var network) ? network : throw Malformed(key);
        }

        private void Close()
        {
            if (_key is { } key)
            {
                var handshake = _seconds == 0 ? (DateTimeOffset?)null : DateTimeOffset.FromUnixTimeSeconds(_seconds).AddTicks(_nanoseconds / 100);
                _peers.Add(new Peer(key, _presharedKey, _endpoint, [.. _allowed], handshake, _received, _sent));
            }

            (_key, _presharedKey, _endpoint, _seconds, _nanoseconds, _received, _sent) = (null, null, null, 0, 0, 0, 0);
            _allowed.Clear();
        }
    }

    private static ReadOnlySpan<byte> Bytes(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, Span<byte> bytes) =>
        Convert.FromHexString(value, bytes, out var read, out var written) == System.Buffers.OperationStatus.Done
            && read == value.Length && written == SecretKey.Length
                ? bytes
                : throw Malformed(key);

    private static long Number(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, long most) =>
        long.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number <= most
            ? number
            : throw Malformed(key);

    private static string Hex(ReadOnlySpan<byte> bytes) => Convert.ToHexStringLower(bytes);

    private static TunnelException Malformed(ReadOnlySpan<byte> key) => Malformed(Encoding.ASCII.GetString(key));

    private static TunnelException Malformed(string what) => new($"wireguard-go answered something unknown: {what}.");
}
