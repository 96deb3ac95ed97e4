using Gateway.Diagnosis;
using Gateway.Drills;
using Microsoft.Extensions.Time.Testing;

namespace Gateway.Tests.Diagnosis;

public sealed class DrillCheckTests : IDisposable
{
    private static readonly DateTimeOffset Now = new(2026, 11, 22, 9, 0, 0, TimeSpan.Zero);

    private readonly DirectoryInfo _data = Directory.CreateTempSubdirectory("gateway-drill-check-");

    public void Dispose() => _data.Delete(recursive: true);

    [Theory]
    [InlineData(null, null, "Warning", "never played")]
    [InlineData(3, null, "Ok", "played 3 h ago")]
    [InlineData(89 * 24, null, "Ok", "89 days ago")]
    [InlineData(91 * 24, null, "Warning", "91 days ago")]
    [InlineData(30, 6, "Fault", "the last one failed, 6 h ago: token: it opens")]
    [InlineData(null, 6, "Fault", "the last one failed, 6 h ago: token: it opens")]
    public async Task The_last_drill_is_judged(int? hours, int? failedHours, string verdict, string detail)
    {
        if (hours is not null || failedHours is not null)
        {
            new LastDrill(Now - Hours(hours), Now - Hours(failedHours), failedHours is null ? null : "token: it opens").Write(_data.FullName);
        }

        var finding = Assert.Single(await new DrillCheck(new GatewayOptions { DataDirectory = _data.FullName }, new FakeTimeProvider(Now)).LookAsync(default));

        Assert.Equal(("drill", verdict), (finding.Name, finding.Verdict.ToString()));
        Assert.Contains(detail, finding.Detail, StringComparison.Ordinal);
        Assert.Equal(finding.Verdict == Verdict.Ok, finding.WayOut is null);
    }

    [Fact]
    public async Task What_cannot_be_read_is_as_if_it_had_never_been()
    {
        await File.WriteAllTextAsync(Path.Combine(_data.FullName, "drill.json"), "{");

        Assert.Null(LastDrill.Read(_data.FullName));
    }

    private static TimeSpan? Hours(int? hours) => hours is { } number ? TimeSpan.FromHours(number) : null;
}
