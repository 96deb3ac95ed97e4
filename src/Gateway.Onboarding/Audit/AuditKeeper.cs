using Gateway.Onboarding.Store;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Gateway.Onboarding.Audit;

/// <summary>Looks after the log: writes what the disk refused, once it takes it again, and drops old entries, at the start and then daily.</summary>
public sealed partial class AuditKeeper(AuditLog audit, StoreFile store, StateWriter writer, AuditOptions options, TimeProvider time, ILogger<AuditKeeper> log) : BackgroundService
{
    private static readonly TimeSpan Period = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan BetweenDrops = TimeSpan.FromDays(1);

    private DateTimeOffset? _lastDrop;

    /// <summary>One look.</summary>
    public void WorkOnce()
    {
        try
        {
            if (!audit.Retry())
            {
                audit.CatchUp(store.ReadIntents(), writer.Current);
            }

            var now = time.GetUtcNow();
            if (options.RetentionDays > 0 && (_lastDrop is not { } last || (now - last).Duration() >= BetweenDrops))
            {
                var dropped = audit.Drop(TimeSpan.FromDays(options.RetentionDays));
                _lastDrop = now;
                if (dropped > 0)
                {
                    Dropped(dropped, options.RetentionDays);
                }
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or StoreException)
        {
            Failed(e.Message);
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Period, time);
        do
        {
            WorkOnce();
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "{Count} entries of the audit were dropped: they were older than {Days} days")]
    private partial void Dropped(int count, double days);

    [LoggerMessage(Level = LogLevel.Error, Message = "The audit log could not be looked after, and will be again: {Why}")]
    private partial void Failed(string why);
}
