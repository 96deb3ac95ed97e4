using System.Globalization;

namespace Gateway.Diagnosis;

/// <summary>What nftables lets in from outside, where <c>deploy/firewall</c> loaded its table: the tunnel's port and what the admin named.</summary>
internal sealed record OutsideTable(int TunnelPort, IReadOnlyList<string> Others)
{
    private const string TunnelRule = "udp dport ";
    private const string TunnelChain = " goto wireguard";

    /// <summary>The arguments with which nft(8) prints it, without the sets: a country has tens of thousands of prefixes.</summary>
    public static readonly IReadOnlyList<string> Listing = ["--terse", "list", "table", "inet", "gateway_outside"];

    /// <summary>From what nft(8) prints; null where it is no table that drops what it does not name.</summary>
    public static OutsideTable? Parse(string table)
    {
        var lines = table.Split('\n', StringSplitOptions.TrimEntries);
        var drops = lines.Any(line => line.StartsWith("type filter hook input ", StringComparison.Ordinal) && line.EndsWith("policy drop;", StringComparison.Ordinal));
        var tunnel = lines.FirstOrDefault(line => line.StartsWith(TunnelRule, StringComparison.Ordinal) && line.EndsWith(TunnelChain, StringComparison.Ordinal));
        if (!drops || tunnel is null || !int.TryParse(tunnel[TunnelRule.Length..^TunnelChain.Length], NumberStyles.None, CultureInfo.InvariantCulture, out var port))
        {
            return null;
        }

        var chosen = lines.SkipWhile(line => line != "chain chosen {").Skip(1).TakeWhile(line => line != "}");
        return new OutsideTable(port, [.. chosen.Select(Opened).Distinct(StringComparer.Ordinal)]);
    }

    // "tcp dport 80 accept", "ip saddr @admins4 tcp dport { 22, 2222 } accept comment …"; any other rule in its own words.
    private static string Opened(string rule)
    {
        if (rule.Split(" dport ") is not [var before, var after] || after.IndexOf(" accept", StringComparison.Ordinal) is not (> 0 and var end))
        {
            return rule;
        }

        var from = before.Contains(" saddr @admins", StringComparison.Ordinal) ? " from chosen addresses" : "";
        return $"{before.Split(' ')[^1]} {after[..end].Trim('{', '}', ' ')}{from}";
    }
}
