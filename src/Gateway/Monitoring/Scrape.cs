using OpenTelemetry;
using OpenTelemetry.Metrics;

namespace Gateway.Monitoring;

/// <summary>
/// The numbers as Prometheus reads them, through OpenTelemetry. Those of this program's meter and of no other: the framework's own name
/// addresses and paths.
/// </summary>
internal sealed class Scrape(GatewayMeter meter) : IDisposable
{
    private readonly MeterProvider _provider = Sdk.CreateMeterProviderBuilder()
        .AddMeter(meter.Name)

        // By name alone two programs in one process, as tests run them, would count each other's.
        .AddView(instrument => ReferenceEquals(instrument.Meter, meter) ? null : MetricStreamConfiguration.Drop)
        .AddPrometheusExporter(exporter =>
        {
            exporter.TargetInfoEnabled = false;
            exporter.ScopeInfoEnabled = false;
        })
        .Build();

    public void Map(IEndpointRouteBuilder routes) => routes.MapPrometheusScrapingEndpoint(MonitoringRoutes.Metrics, _provider, configureBranchedPipeline: null, optionsName: null);

    public void Dispose() => _provider.Dispose();
}
