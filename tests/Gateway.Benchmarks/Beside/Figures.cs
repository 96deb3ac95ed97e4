using System.Globalization;

namespace Gateway.Benchmarks.Beside;

/// <summary>Several rounds of one measurement.</summary>
internal sealed class Figures
{
    private readonly List<double> _values = [];

    public double Median => _values.Order().ElementAt(_values.Count / 2);

    public void Add(double value) => _values.Add(value);

    /// <summary>Median, and between which values the rounds lay.</summary>
    public string Say(string format) => string.Create(
        CultureInfo.InvariantCulture,
        $"{Median.ToString(format, CultureInfo.InvariantCulture)} ({_values.Min().ToString(format, CultureInfo.InvariantCulture)}–{_values.Max().ToString(format, CultureInfo.InvariantCulture)})");
}
