using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Gateway.Onboarding.QrCodes;
using Microsoft.Extensions.Options;

namespace Gateway.Tunnel;

/// <summary>Names every fault of the <c>Tunnel</c> section in one go, each with its key and the way out.</summary>
internal sealed class TunnelOptionsValidator : IValidateOptions<TunnelOptions>
{
    /// <summary>The configuration text has to stay within 350 bytes for its QR code to scan at arm's length; all else in it takes up to 303.</summary>
    private const int LongestEndpoint = WireGuardConfig.MaxBytes - 303;

    /// <summary>What no interface of ours may cover: "this network", loopback, link-local, multicast, reserved.</summary>
    private static readonly IPNetwork[] Unusable =
    [
        IPNetwork.Parse("0.0.0.0/8"), IPNetwork.Parse("127.0.0.0/8"), IPNetwork.Parse("169.254.0.0/16"),
        IPNetwork.Parse("224.0.0.0/4"), IPNetwork.Parse("240.0.0.0/4"),
    ];

    public ValidateOptionsResult Validate(string? name, TunnelOptions options)
    {
        string?[] faults =
        [
            InterfaceFault(options.Interface),
            NetworkFault(options.Network),
            options.ListenPort is >= 1 and <= 65535
                ? null
                : $"Tunnel:ListenPort is {options.ListenPort}: give the interface's UDP port, 1 to 65535",
            EndpointFault(options.Endpoint),
            Enum.GetNames<UserspaceMode>().Contains(options.Userspace, StringComparer.OrdinalIgnoreCase)
                ? null
                : $"Tunnel:Userspace is '{options.Userspace}': say auto, never or always",
        ];
        var found = faults.OfType<string>().ToList();
        return found.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(found);
    }

    /// <summary>The kernel allows 15 characters; <c>wg-quick(8)</c> these. "." and ".." would be directories under /sys.</summary>
    private static string? InterfaceFault(string name) =>
        name.Length is >= 1 and <= 15 && name is not ("." or "..") && name[0] != '-'
            && name.All(c => char.IsAsciiLetterOrDigit(c) || "_=+.-".Contains(c, StringComparison.Ordinal))
            ? null
            : $"Tunnel:Interface is '{name}': a name of 1 to 15 letters, digits and _=+.- such as wg0, not starting with -";

    private static string? NetworkFault(string text)
    {
        const string example = "such as 198.19.0.0/18";
        if (text.Split('/') is not [var address, var length]
            || !IPAddress.TryParse(address, out var first) || first.AddressFamily != AddressFamily.InterNetwork
            || first.ToString() != address
            || !int.TryParse(length, NumberStyles.None, CultureInfo.InvariantCulture, out var bits) || bits > 32)
        {
            return $"Tunnel:Network is '{text}': give an IPv4 network {example}";
        }

        if (bits is < 16 or > 30)
        {
            return $"Tunnel:Network is '{text}': its prefix must be from /16 to /30, so that devices find room beside the gateway, {example}";
        }

        if (!IPNetwork.TryParse(text, out var network) || !network.BaseAddress.Equals(first))
        {
            return $"Tunnel:Network is '{text}', which is an address inside a network: give the network itself, {example}";
        }

        return Unusable.Any(other => other.Contains(network.BaseAddress))
            ? $"Tunnel:Network is '{text}': loopback, link-local, multicast and reserved networks cannot be used; take one {example}"
            : null;
    }

    private static string? EndpointFault(string text)
    {
        const string wanted = "give the host and UDP port that phones reach, such as vpn.example.org:47123";
        if (text.Length == 0)
        {
            return $"Tunnel:Endpoint is missing: {wanted}";
        }

        var colon = text.LastIndexOf(':');
        if (colon < 0
            || !int.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var port)
            || port is < 1 or > 65535)
        {
            return $"Tunnel:Endpoint is '{text}', without a port from 1 to 65535: {wanted}";
        }

        var host = text[..colon];
        if (text.Length > LongestEndpoint)
        {
            return $"Tunnel:Endpoint has {text.Length} characters, more than the {LongestEndpoint} that fit the QR code: use a shorter name, or the address";
        }

        return IsHost(host) ? null : $"Tunnel:Endpoint is '{text}', whose host is no name and no address: {wanted}";
    }

    private static bool IsHost(string host) =>
        host is ['[', .. var inner, ']']
            ? IPAddress.TryParse(inner, out var address) && address.AddressFamily == AddressFamily.InterNetworkV6 && !inner.Contains('%', StringComparison.Ordinal)
            : host.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-')
                && Uri.CheckHostName(host) is UriHostNameType.Dns or UriHostNameType.IPv4;
}
