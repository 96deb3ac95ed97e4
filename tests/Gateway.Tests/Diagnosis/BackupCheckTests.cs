using Gateway.Backups;
using Gateway.Diagnosis;
using Microsoft.Extensions.Time.Testing;

namespace Gateway.Tests.Diagnosis;

public sealed class BackupCheckTests : IDisposable
{
    private static readonly DateTimeOffset Now = new(2026, 11, 22, 9, 0, 0, TimeSpan.Zero);

    private readonly DirectoryInfo _data = Directory.CreateTempSubdirectory("gateway-backup-check-");

    public void Dispose() => _data.Delete(recursive: true);

    [Theory]
    [InlineData(null, null, "Warning", "none was ever made")]
    [InlineData(3, null, "Ok", "3 h old")]
    [InlineData(49, null, "Ok", "49 h old")]
    [InlineData(51, null, "Fault", "51 h old")]
    [InlineData(30, 6, "Fault", "the last one failed, 6 h ago: no space left")]
    [InlineData(null, 6, "Fault", "the last one failed, 6 h ago: no space left")]
    public async Task The_last_backup_is_judged(int? hours, int? failedHours, string verdict, string detail)
    {
        if (hours is not null || failedHours is not null)
        {
            new LastBackup(Now - Hours(hours), "/srv/x.tar.age", 5, Now - Hours(failedHours), failedHours is null ? null : "no space left").Write(_data.FullName);
        }

        var finding = Assert.Single(await LookAsync(new BackupOptions { HomeserverDatabase = "/var/lib/x.db" }));

        Assert.Equal(("backup", verdict), (finding.Name, finding.Verdict.ToString()));
        Assert.Contains(detail, finding.Detail, StringComparison.Ordinal);
        Assert.Equal(finding.Verdict == Verdict.Ok, finding.WayOut is null);
    }

    [Fact]
    public async Task A_homeserver_that_is_in_no_backup_is_told()
    {
        var findings = await LookAsync(new BackupOptions());

        Assert.Equal(("homeserver backup", Verdict.Warning), (findings[1].Name, findings[1].Verdict));
    }

    private static TimeSpan? Hours(int? hours) => hours is { } number ? TimeSpan.FromHours(number) : null;

    private Task<IReadOnlyList<Finding>> LookAsync(BackupOptions options) =>
        new BackupCheck(new GatewayOptions { DataDirectory = _data.FullName }, options, new FakeTimeProvider(Now)).LookAsync(default);
}
