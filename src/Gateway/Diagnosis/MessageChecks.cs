using System.Globalization;
using Gateway.Onboarding.Enrolment;
using Gateway.Onboarding.Matrix;
using Gateway.Proxy;

namespace Gateway.Diagnosis;

/// <summary>Whether new rooms are encrypted and old messages go. No homeserver says so; a room is made to see it, and deleted again.</summary>
internal sealed class MessageChecks(HomeserverTrials trials, HomeserverAdmin admin, AdminAccount account, HomeserverOptions options, TimeProvider time) : ICheck
{
    private const string WayOut = "gateway homeserver-config writes the settings: give them to Synapse after its own, and restart it";

    /// <summary>Each costs one or two questions; a group has dozens.</summary>
    private const int MostRooms = 200;

    /// <summary>The purge job runs twice a day, and may have missed one.</summary>
    private static readonly TimeSpan TwoPurges = TimeSpan.FromHours(24);

    public string Name => "messages";

    private TimeSpan Kept => TimeSpan.FromDays(options.RetentionDays);

    public async Task<IReadOnlyList<Finding>> LookAsync(CancellationToken cancellationToken)
    {
        if (account.Fault is { } fault)
        {
            return [Finding.Unknown(Name, $"the gateway has no account on the homeserver yet, to look with: {fault}")];
        }

        // An hour on each side: the homeserver's clock is another, or may be.
        var now = time.GetUtcNow();
        var outcome = await trials.NewRoomAsync(young: now - Kept + TimeSpan.FromHours(1), old: now - Kept - TimeSpan.FromHours(1), cancellationToken);
        return [Encryption(outcome), Retention(outcome), await PurgeAsync(now, cancellationToken)];
    }

    internal static Finding Encryption(TrialOutcome outcome) =>
        outcome.IsEncrypted
            ? Finding.Ok("encryption", "a new room is encrypted without anybody's doing")
            : Finding.Fault("encryption", "a new room is not encrypted unless its maker says so: the server reads what is written there", WayOut);

    internal Finding Retention(TrialOutcome outcome) => outcome switch
    {
        { ShowsOld: true } => Finding.Fault("retention", $"messages are shown after more than {Days}", WayOut),
        { ShowsYoung: false } => Finding.Warning("retention", $"messages are hidden before {Days} are over", $"Homeserver:RetentionDays is {Days}; {WayOut}"),
        _ => Finding.Ok("retention", $"after {Days} a message is no longer shown"),
    };

    private string Days => string.Create(CultureInfo.InvariantCulture, $"{options.RetentionDays} {(options.RetentionDays == 1 ? "day" : "days")}");

    private async Task<Finding> PurgeAsync(DateTimeOffset now, CancellationToken cancellationToken)
    {
        var (rooms, total) = await admin.RoomsAsync(MostRooms, cancellationToken);
        var unpurged = 0;
        foreach (var room in rooms)
        {
            unpurged += await IsUnpurgedAsync(room, now - Kept - TwoPurges, cancellationToken) ? 1 : 0;
        }

        var seen = rooms.Count < total ? $"{rooms.Count} of {total} rooms" : $"{total} rooms";
        return unpurged == 0
            ? Finding.Ok("purge", $"nothing is older than {Days} and a day, in {seen}; the newest old message of a room stays")
            : Finding.Fault(
                "purge",
                string.Create(CultureInfo.InvariantCulture, $"{unpurged} of {seen} still have what is older than {Days} and a day: the purge does not run"),
                $"retention.purge_jobs in Synapse's settings, and its log, for [purge]; {WayOut}");
    }

    /// <summary>
    /// Synapse cuts before the last thing that is too old, which stays. So what is left from before may be one thing, or two that came
    /// at the same depth; three moments were not purged.
    /// </summary>
    private async Task<bool> IsUnpurgedAsync(string room, DateTimeOffset limit, CancellationToken cancellationToken)
    {
        var from = DateTimeOffset.UnixEpoch;
        for (var moments = 0; moments < 3; moments++)
        {
            if (await admin.FirstSinceAsync(room, from, cancellationToken) is not { } first || first >= limit)
            {
                return false;
            }

            from = first.AddMilliseconds(1);
        }

        return true;
    }
}
