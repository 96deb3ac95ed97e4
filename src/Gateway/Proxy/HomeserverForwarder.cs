using Gateway.Monitoring;
using Gateway.Onboarding.LoginGrants;
using Microsoft.AspNetCore.Http.Features;
using Yarp.ReverseProxy.Forwarder;

namespace Gateway.Proxy;

/// <summary>
/// The last part of path 3: forwards an admitted request with YARP, streaming both ways, until it ends by itself or its
/// device's door is cut.
/// </summary>
internal sealed partial class HomeserverForwarder : IDisposable
{
    /// <summary>Synapse's default max_upload_size, 50 MiB.</summary>
    private const long MaxUpload = 50L * 1024 * 1024;

    /// <summary>Bulk uploads of a key backup are the largest JSON that clients send.</summary>
    private const long MaxBody = 10L * 1024 * 1024;

    private const int MaxCapabilities = 256 * 1024;

    /// <summary>Without a byte in either direction for this long a request is dead; clients ask for long polls of 30 s.</summary>
    private static readonly ForwarderRequestConfig Config = new()
    {
        Version = System.Net.HttpVersion.Version11,
        VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        ActivityTimeout = TimeSpan.FromMinutes(5),
    };

    private readonly IHttpForwarder _forwarder;
    private readonly SessionKeeper _sessions;
    private readonly GateMetrics _metrics;
    private readonly ILogger<HomeserverForwarder> _log;
    private readonly HttpMessageInvoker _invoker;

    public HomeserverForwarder(
        IHttpForwarder forwarder,
        HomeserverOptions options,
        GatewayOptions gateway,
        SessionKeeper sessions,
        GateMetrics metrics,
        ILogger<HomeserverForwarder> log)
    {
        _forwarder = forwarder;
        _sessions = sessions;
        _metrics = metrics;
        _log = log;
        _invoker = new HttpMessageInvoker(HomeserverConnection.Handler(options));
        Origin = options.Origin;
        Host = gateway.ServerName;
    }

    /// <summary>Scheme, host and port of the homeserver.</summary>
    public string Origin { get; }

    /// <summary>By which name the homeserver knows itself.</summary>
    public string Host { get; }

    /// <summary>Forwards; <paramref name="cut"/> was taken from the door before the device was judged.</summary>
    public async Task ForwardAsync(HttpContext context, Passenger passenger, CancellationToken cut)
    {
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size)
        {
            size.MaxRequestBodySize = passenger.Passage == Passage.Upload ? MaxUpload : MaxBody;
        }

        var error = await _forwarder.SendAsync(context, Origin, _invoker, Config, new HomeserverTransformer(this, passenger), cut);
        if (cut.IsCancellationRequested)
        {
            context.Abort();
        }
        else if (error != ForwarderError.None && !context.RequestAborted.IsCancellationRequested && !context.Response.HasStarted)
        {
            var why = context.GetForwarderErrorFeature()?.Exception;
            context.Response.Clear();
            if (Refusal(why) is { } refusal)
            {
                await _metrics.Refused(RefusalReason.Malformed, MatrixAnswer.BadBodyAsync(context, refusal.StatusCode));
                return;
            }

            Failed(error, why?.Message);
            _metrics.Refused(RefusalReason.Homeserver);
            await MatrixAnswer.UnavailableAsync(context);
        }
    }

    /// <summary>What our own server found wrong with the request's body while it was on its way: no fault of the homeserver.</summary>
    private static BadHttpRequestException? Refusal(Exception? why) => why switch
    {
        null => null,
        BadHttpRequestException bad => bad,
        AggregateException many => many.InnerExceptions.Select(Refusal).FirstOrDefault(one => one is not null),
        _ => Refusal(why.InnerException),
    };

    public void Dispose() => _invoker.Dispose();

    /// <summary>False where the reply was replaced by our own.</summary>
    public async ValueTask<bool> AdmitAsync(HttpContext context, Passenger passenger, HttpResponseMessage reply)
    {
        switch (await HomeserverReplies.ReadAsync(reply, context.RequestAborted))
        {
            case HomeserverReply.RefusesToken:
                // The client would erase its data on this. Not before the session list says that the session is gone.
                if (passenger.Session is { } session)
                {
                    _sessions.Doubt(passenger.Device.Id, session.MatrixDeviceId);
                }

                await _metrics.Refused(RefusalReason.Homeserver, MatrixAnswer.UnavailableAsync(context));
                return false;
            case HomeserverReply.Foreign:
                await _metrics.Refused(RefusalReason.Homeserver, MatrixAnswer.ForeignReplyAsync(context, (int)reply.StatusCode));
                return false;
        }

        if (reply.IsSuccessStatusCode && passenger.Passage == Passage.Capabilities)
        {
            await reply.Content.LoadIntoBufferAsync(MaxCapabilities, context.RequestAborted);
            await (CapabilitiesReply.Without(await reply.Content.ReadAsByteArrayAsync(context.RequestAborted)) is { } json
                ? MatrixAnswer.JsonAsync(context, StatusCodes.Status200OK, json)
                : MatrixAnswer.UnavailableAsync(context));
            return false;
        }

        return true;
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "A request could not be forwarded: {Error} {Why}")]
    private partial void Failed(ForwarderError error, string? why);
}

/// <summary>Who is being forwarded and as what.</summary>
internal sealed record Passenger(DeviceEntry Device, SessionEntry? Session, Passage Passage);
