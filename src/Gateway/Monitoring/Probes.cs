using Gateway.Listening;
using Gateway.Onboarding.Store;
using Gateway.Proxy;
using Gateway.Tunnel;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Diagnostics.HealthChecks;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Gateway.Monitoring;

/// <summary>
/// Whether members can be served now, for programs that ask every few seconds: everything is known already. They are told which part is not
/// well and never why: what is wrong, in words, is for the admin (<c>gateway status</c>).
/// </summary>
internal static class Probes
{
    public static void AddProbes(this IServiceCollection services)
    {
        services.AddHealthChecks()
            .Add(Probe("store", provider => provider.GetRequiredService<StoreFile>().SnapshotFault is null && !provider.GetRequiredService<StateWriter>().LastFailed))
            .Add(Probe("listener", provider => provider.GetServices<IConnectionListenerFactory>().OfType<InterfaceListenerFactory>().All(listeners => listeners.AllAreBound)))
            .Add(Probe("interface", provider => provider.GetRequiredService<PeerReconciler>().Health.Error is null))
            .Add(Probe("homeserver", provider => provider.GetRequiredService<HomeserverWatch>().Fault is null));

        // It would write a line for each time that somebody asks.
        services.AddLogging(logging => logging.AddFilter("Microsoft.Extensions.Diagnostics.HealthChecks", LogLevel.None));
    }

    /// <summary>200 where all parts are well, else 503; the parts that are not, one a line.</summary>
    public static HealthCheckOptions Ready { get; } = new() { ResponseWriter = (context, report) => SayAsync(context, "ready", report) };

    /// <summary>200 as long as the process answers; whether it can serve is another question.</summary>
    public static HealthCheckOptions Live { get; } = new() { Predicate = _ => false, ResponseWriter = (context, report) => SayAsync(context, "live", report) };

    private static Task SayAsync(HttpContext context, string well, HealthReport report)
    {
        context.Response.ContentType = "text/plain; charset=utf-8";
        var wrong = report.Entries.Where(entry => entry.Value.Status != HealthStatus.Healthy).Select(entry => $"{entry.Key}\n").ToList();
        return context.Response.WriteAsync(wrong.Count == 0 ? $"{well}\n" : string.Concat(wrong), context.RequestAborted);
    }

    private static HealthCheckRegistration Probe(string name, Func<IServiceProvider, bool> isWell) =>
        new(name, provider => new Part(() => isWell(provider)), failureStatus: null, tags: null);

    private sealed class Part(Func<bool> isWell) : IHealthCheck
    {
        public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
            Task.FromResult(isWell() ? HealthCheckResult.Healthy() : HealthCheckResult.Unhealthy());
    }
}
