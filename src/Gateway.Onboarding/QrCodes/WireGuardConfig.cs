using System.Net;
using System.Net.Sockets;
using System.Text;
using Gateway.Onboarding.Keys;

namespace Gateway.Onboarding.QrCodes;

/// <summary>
/// The <c>wg-quick(8)</c> text that a member's WireGuard app reads from the QR. Kept short, since every byte makes the
/// modules smaller; no DNS line, because the phone's own resolver must go on working without the tunnel.
/// </summary>
public static class WireGuardConfig
{
    /// <summary>Version 12 of the QR at most: 73 columns with its quiet zone, and still readable at arm's length.</summary>
    public const int MaxBytes = 350;

    /// <summary>Android's app list costs 80 bytes more; version 14 is the widest that 80 columns can show.</summary>
    public const int MaxBytesWithApps = 450;

    /// <summary>
    /// On Android only these apps see the tunnel: Element X, Element, and the browser that the login passes through.
    /// Other platforms' apps refuse a key they do not know, so it is there for Android alone.
    /// </summary>
    private const string AndroidApps = "IncludedApplications = io.element.android.x, im.vector.app, com.android.chrome\n";

    /// <summary>Throws <see cref="ArgumentException"/> where <paramref name="endpoint"/> (<c>host:port</c>) makes the text too long to scan.</summary>
    public static string Build(
        PrivateKey devicePrivateKey,
        IPAddress tunnelAddress,
        PublicKey gatewayKey,
        PresharedKey presharedKey,
        IPAddress gatewayAddress,
        string endpoint,
        bool androidApps)
    {
        if (endpoint.Any(c => c is <= ' ' or > '~'))
        {
            throw new ArgumentException($"The endpoint '{endpoint}' is not host:port.", nameof(endpoint));
        }

        // A longer prefix than /32, or IPv6 inside, would be another length and another design.
        if (tunnelAddress.AddressFamily != AddressFamily.InterNetwork || gatewayAddress.AddressFamily != AddressFamily.InterNetwork)
        {
            throw new ArgumentException("Tunnel addresses are IPv4.", nameof(tunnelAddress));
        }

        // Line ends are spelled out, so that the text is the same whatever the source file's are. The keepalive makes
        // the handshake come when the tunnel is switched on and not when the first app speaks.
        var text =
            "[Interface]\n" +
            $"PrivateKey = {devicePrivateKey.Reveal()}\n" +
            $"Address = {tunnelAddress}/32\n" +
            "MTU = 1280\n" +
            (androidApps ? AndroidApps : "") +
            "[Peer]\n" +
            $"PublicKey = {gatewayKey}\n" +
            $"PresharedKey = {presharedKey.Reveal()}\n" +
            $"AllowedIPs = {gatewayAddress}/32\n" +
            $"Endpoint = {endpoint}\n" +
            "PersistentKeepalive = 25\n";
        return BytesOver(text) is var over and > 0
            ? throw new ArgumentException($"The endpoint '{endpoint}' is {over} characters too long for a QR that scans well.", nameof(endpoint))
            : text;
    }

    /// <summary>How many bytes <paramref name="text"/> has too many for a QR; zero or less is well.</summary>
    internal static int BytesOver(string text) =>
        Encoding.UTF8.GetByteCount(text) - (text.Contains("\nIncludedApplications = ", StringComparison.Ordinal) ? MaxBytesWithApps : MaxBytes);
}
