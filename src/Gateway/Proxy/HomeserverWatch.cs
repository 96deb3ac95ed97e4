using Gateway.Onboarding.Matrix;

namespace Gateway.Proxy;

/// <summary>
/// What the homeserver last said of its versions, and whether it answers. A quarantined device is answered from here: it
/// never reaches the homeserver again.
/// </summary>
internal sealed partial class HomeserverWatch(Homeserver homeserver, TimeProvider time, ILogger<HomeserverWatch> log) : BackgroundService
{
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(10);

    private volatile Observation _last = new(null, "not asked yet");

    /// <summary>The body of <c>GET /_matrix/client/versions</c>, or null before the homeserver first answered.</summary>
    public byte[]? Versions => _last.Versions;

    /// <summary>Null while it answers; else why not, in words for the admin.</summary>
    public string? Fault => _last.Fault;

    public async Task LookOnceAsync(CancellationToken cancellationToken)
    {
        try
        {
            var versions = await homeserver.VersionsAsync(cancellationToken);
            if (_last.Fault is not null)
            {
                Answers();
            }

            _last = new Observation(versions, null);
        }
        catch (HomeserverException e)
        {
            if (_last.Fault != e.Message)
            {
                Silent(e.Message);
            }

            _last = new Observation(_last.Versions, e.Message);
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Period, time);
        do
        {
            await LookOnceAsync(stoppingToken);
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "The homeserver answers")]
    private partial void Answers();

    [LoggerMessage(Level = LogLevel.Warning, Message = "No homeserver: {Why}")]
    private partial void Silent(string why);

    private sealed record Observation(byte[]? Versions, string? Fault);
}
