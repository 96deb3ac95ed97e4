using System.Globalization;
using System.Net;

namespace Gateway.Diagnosis;

/// <summary>A socket of this host that takes what comes. <see cref="Interface"/>: the only one that it listens to, or null.</summary>
internal sealed record ListeningSocket(string Protocol, IPAddress Address, string? Interface, int Port)
{
    public bool IsForEveryAddress => Address.Equals(IPAddress.Any) || Address.Equals(IPAddress.IPv6Any);

    /// <summary>From the lines of <c>ss -Hlntu</c> (ss(8)): protocol, state, two queues, local address, peer.</summary>
    public static IReadOnlyList<ListeningSocket> Parse(string lines) =>
        [.. lines.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => Of(line.Split(' ', StringSplitOptions.RemoveEmptyEntries), line))];

    public override string ToString() => $"{Protocol} {Port.ToString(CultureInfo.InvariantCulture)}";

    // 198.19.0.1%wg0:443, *:8080, [::1]:25, [fe80::1]%eth0:546
    private static ListeningSocket Of(string[] columns, string line)
    {
        if (columns.Length < 5 || columns[4].LastIndexOf(':') is not (> 0 and var colon)
            || !int.TryParse(columns[4].AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var port))
        {
            throw new FormatException($"ss says what is not understood: {line}");
        }

        var place = columns[4][..colon].Split('%', 2);
        var address = place[0].Trim('[', ']');
        return new ListeningSocket(
            columns[0],
            address == "*" ? IPAddress.IPv6Any : IPAddress.Parse(address),
            place.Length == 2 ? place[1].Trim(']') : null,
            port);
    }
}
