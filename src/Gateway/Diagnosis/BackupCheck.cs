using Gateway.Backups;

namespace Gateway.Diagnosis;

/// <summary>Whether there is a backup of yesterday, and how the last one went.</summary>
internal sealed class BackupCheck(GatewayOptions gateway, BackupOptions backup, TimeProvider time) : ICheck
{
    /// <summary>A timer makes one a day; one that fails may be made up for within the next.</summary>
    private static readonly TimeSpan TooOld = TimeSpan.FromHours(50);

    public string Name => "backup";

    public Task<IReadOnlyList<Finding>> LookAsync(CancellationToken cancellationToken) =>
        Task.FromResult<IReadOnlyList<Finding>>([Judge(LastBackup.Read(gateway.DataDirectory)), .. Homeserver()]);

    private Finding Judge(LastBackup? last) => last switch
    {
        { FailedAt: { } failedAt, Failure: var failure } =>
            Finding.Fault(Name, $"the last one failed, {Hours(failedAt)} ago: {failure}", "sudo gateway backup --to DIR says more"),
        { At: { } at } when time.GetUtcNow() - at > TooOld =>
            Finding.Fault(Name, $"the last one is {Hours(at)} old", "is the timer on? systemctl status gateway-backup.timer"),
        { At: { } at } => Finding.Ok(Name, $"the last one is {Hours(at)} old"),
        _ => Finding.Warning(Name, "none was ever made", "a key on your own machine (age-keygen), its public part in Backup:Recipients, then: sudo gateway backup --to DIR"),
    };

    private IEnumerable<Finding> Homeserver()
    {
        if (backup.HomeserverDatabase is null)
        {
            yield return Finding.Warning("homeserver backup", "its database is in no backup of ours", "Backup:HomeserverDatabase and Backup:Files, unless something else backs it up");
        }
    }

    private string Hours(DateTimeOffset at) => FormattableString.Invariant($"{(time.GetUtcNow() - at).TotalHours:0} h");
}
