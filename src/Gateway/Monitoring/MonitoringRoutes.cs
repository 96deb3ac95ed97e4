using Gateway.Admin.Access;

namespace Gateway.Monitoring;

/// <summary>Metrics and health: on the admin's socket, and on loopback where <c>Metrics:Port</c> says so; never where members are.</summary>
internal static class MonitoringRoutes
{
    public const string Metrics = "/metrics";
    public const string Live = "/health/live";
    public const string Ready = "/health/ready";

    public static void AddMonitoring(this IServiceCollection services)
    {
        services.AddSingleton<WorkMetrics>().AddSingleton<StateMetrics>().AddSingleton<BackupAge>().AddSingleton<Scrape>();
        services.AddProbes();
    }

    public static void MapMonitoring(this IEndpointRouteBuilder app)
    {
        var routes = app.MapGroup("").WithMetadata(PlanesOfRoutes.Monitoring).ExcludeFromDescription().AllowAnonymous();
        routes.MapHealthChecks(Live, Probes.Live);
        routes.MapHealthChecks(Ready, Probes.Ready);
        app.ServiceProvider.GetRequiredService<Scrape>().Map(routes);

        // They put themselves where they hear what they count, before anything happens.
        app.ServiceProvider.GetRequiredService<WorkMetrics>();
        app.ServiceProvider.GetRequiredService<StateMetrics>();
    }

    /// <summary>A name of somebody else's that leads to loopback would let a web page in the browser of this machine read along.</summary>
    public static Task AnswerAsync(HttpContext context, RequestDelegate next)
    {
        if (context.Request.Host.Host is "localhost" or "127.0.0.1")
        {
            return next(context);
        }

        context.Response.StatusCode = StatusCodes.Status421MisdirectedRequest;
        return Task.CompletedTask;
    }
}
