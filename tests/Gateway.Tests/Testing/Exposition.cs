using System.Globalization;
using System.Text.RegularExpressions;

namespace Gateway.Tests.Testing;

/// <summary>One scrape, as Prometheus reads it (exposition format 0.0.4).</summary>
internal sealed partial class Exposition(string text)
{
    private readonly Dictionary<string, double> _samples = text.Split('\n').Where(line => line.Length > 0 && line[0] != '#').Select(line => line.Split(' '))
        .ToDictionary(parts => parts[0].Replace("{}", "", StringComparison.Ordinal), parts => double.Parse(parts[1].Replace("+Inf", "Infinity", StringComparison.Ordinal), CultureInfo.InvariantCulture), StringComparer.Ordinal);

    public string Text => text;

    /// <summary>Every series, labels and all: <c>gateway_devices{state="pending"}</c>.</summary>
    public IEnumerable<string> Series => _samples.Keys;

    public IReadOnlySet<string> Names => _samples.Keys.Select(series => series.Split('{')[0]).ToHashSet(StringComparer.Ordinal);

    public IReadOnlySet<string> LabelNames => Label().Matches(text).Select(match => match.Groups["name"].Value).ToHashSet(StringComparer.Ordinal);

    public double this[string series] => _samples.TryGetValue(series, out var value) ? value : throw new KeyNotFoundException($"{series} is not in:\n{text}");

    public bool Has(string series) => _samples.ContainsKey(series);

    [GeneratedRegex("[{,](?<name>[a-z_]+)=\"", RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking)]
    private static partial Regex Label();
}
