using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Runtime.InteropServices;
using Microsoft.AspNetCore.Http.Features;

namespace Gateway.Monitoring;

/// <summary>Why the gateway itself said no.</summary>
internal enum RefusalReason
{
    /// <summary>The address is no member's device.</summary>
    Address = 0,

    /// <summary>More than a device may ask for.</summary>
    Share,

    /// <summary>Two programs could read the request in two ways, or it did not arrive whole.</summary>
    Malformed,

    /// <summary>For another name than ours, or not on the allow-list.</summary>
    Path,

    Method,

    /// <summary>From a web page that is not ours.</summary>
    Origin,

    /// <summary>A token or another user in the address.</summary>
    Query,

    /// <summary>The request bears no token.</summary>
    TokenMissing,

    /// <summary>Its logout is recorded.</summary>
    TokenEnded,

    /// <summary>Another device's, or unknown.</summary>
    TokenForeign,

    /// <summary>Everybody is locked out.</summary>
    Locked,

    /// <summary>The device is being revoked, or awaits the admin's word after a restore.</summary>
    Shut,

    /// <summary>A revoked device, which is told to erase its data.</summary>
    Revoked,

    /// <summary>The homeserver does not answer, or not as a homeserver.</summary>
    Homeserver,

    /// <summary>What cannot be written down does not happen.</summary>
    Store,

    /// <summary>A fault of our own.</summary>
    Fault,
}

/// <summary>When a request came, and as what.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct RequestMark(RequestClass Class, long Came);

/// <summary>
/// The members' requests in numbers. It runs with each request, so it allocates nothing: all labels are made once.
/// </summary>
internal sealed class GateMetrics
{
    private static readonly string[] Outcomes = ["2xx", "3xx", "4xx", "5xx", "aborted"];
    private const int Aborted = 4;

    private static readonly RequestClass[] Classes = Enum.GetValues<RequestClass>();
    private static readonly TagList[] Labels =
        [.. from one in Classes from outcome in Outcomes select new TagList([GatewayMeter.Label("class", Word(one)), GatewayMeter.Label("code", outcome)])];

    private static readonly KeyValuePair<string, object?>[] Reasons = [.. Enum.GetValues<RefusalReason>().Select(reason => GatewayMeter.Label("reason", Word(reason)))];

    private readonly TimeProvider _time;
    private readonly Histogram<double> _duration;
    private readonly Counter<long> _refused;
    private readonly long[] _open = new long[Classes.Length];

    public GateMetrics(GatewayMeter meter, TimeProvider time)
    {
        _time = time;
        _duration = meter.CreateHistogram(
            "gateway.request.duration",
            GatewayMeter.Seconds,
            "From a member's request to the end of its answer.",
            tags: null,
            new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60] });
        _refused = meter.CreateCounter<long>("gateway.refusals", unit: null, "Requests that the gateway itself refused.");
        meter.CreateObservableGauge(
            "gateway.requests.open",
            () => Classes.Select(one => new Measurement<long>(Volatile.Read(ref _open[(int)one]), GatewayMeter.Label("class", Word(one)))),
            unit: null,
            "Requests of members that are open now; those of the class sync are long polls.");

        // So that each is there from the beginning, and an alert sees the first as an increase.
        foreach (var reason in Reasons)
        {
            _refused.Add(0, reason);
        }
    }

    public RequestMark Begin(HttpContext context)
    {
        var mark = new RequestMark(RequestClasses.Of(context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget), _time.GetTimestamp());
        Interlocked.Increment(ref _open[(int)mark.Class]);
        return mark;
    }

    /// <summary><paramref name="cut"/>: of its device. Kestrel tells of an aborted request a moment later, on another thread.</summary>
    public void End(RequestMark mark, HttpContext context, CancellationToken cut) =>
        End(mark, cut.IsCancellationRequested || context.RequestAborted.IsCancellationRequested ? null : context.Response.StatusCode);

    /// <summary>No <paramref name="status"/>: the member went, or was cut off.</summary>
    internal void End(RequestMark mark, int? status)
    {
        var outcome = status is { } code ? Math.Clamp((code / 100) - 2, 0, Aborted - 1) : Aborted;
        _duration.Record(_time.GetElapsedTime(mark.Came).TotalSeconds, in Labels[((int)mark.Class * Outcomes.Length) + outcome]);

        // Last: what is not open any more has been counted.
        Interlocked.Decrement(ref _open[(int)mark.Class]);
    }

    public void Refused(RefusalReason reason) => _refused.Add(1, Reasons[(int)reason]);

    /// <summary>The same around the answer that says so.</summary>
    public Task Refused(RefusalReason reason, Task answer)
    {
        Refused(reason);
        return answer;
    }

    private static string Word<T>(T value)
        where T : struct, Enum =>
        System.Text.Json.JsonNamingPolicy.SnakeCaseLower.ConvertName(value.ToString());
}
