using Gateway.Login;
using Gateway.Monitoring;
using Gateway.Onboarding;
using Gateway.Onboarding.Devices;
using Gateway.Onboarding.LoginGrants;
using Gateway.Onboarding.Matrix;
using Gateway.Onboarding.Store;
using Gateway.Welcome;
using Microsoft.AspNetCore.Http.Features;

namespace Gateway.Proxy;

/// <summary>
/// Path 3 of the design, the whole of what stands on the members' listener:
/// 1. source address → device, and its share; 2. its door, then its state; 3. the request's framing, the path policy on the
/// raw target, the page it comes from; 4. does the token belong to this device?; 5. forward. What is refused gets a Matrix error that clients understand and that erases
/// nothing, but for a revoked device.
/// </summary>
internal sealed partial class MemberGate(
    DeviceResolver devices,
    TokenBinding binding,
    TokenLeaks leaks,
    CrossOrigin origins,
    PusherList pushers,
    Quarantine quarantine,
    LoginEndpoint login,
    SignInEndpoint signIn,
    OAuthEndpoint oauth,
    GuardedEndpoint guarded,
    LogoutEndpoint logout,
    WelcomeEndpoint welcome,
    SessionAdoption adoption,
    HomeserverForwarder forwarder,
    StateWriter writer,
    GateMetrics metrics,
    GatewayOptions gateway,
    TimeProvider time,
    ILogger<MemberGate> log)
{
    public async Task AnswerAsync(HttpContext context)
    {
        // 1.
        var address = context.Connection.RemoteIpAddress;
        if (devices.Find(address) is not { } found)
        {
            await StrangerAsync(context);
            return;
        }

        var share = found.Door.Share;
        if (share.Enter() is { } wait)
        {
            await metrics.Refused(RefusalReason.Share, MatrixAnswer.LimitExceededAsync(context, "Too many requests", wait));
            return;
        }

        var mark = metrics.Begin(context);

        // 2. The order matters: see Door.
        var cut = found.Door.Cut;
        try
        {
            await using var ends = cut.UnsafeRegister(static request => ((HttpContext)request!).Abort(), context);
            await (devices.Find(address) is { } device && device.Id == found.Id
                ? JudgeAsync(context, device, cut)
                : StrangerAsync(context));
        }
        catch (Exception fault) when (!context.Response.HasStarted && (fault is StoreException or BadHttpRequestException || !context.RequestAborted.IsCancellationRequested))
        {
            await AnswerFaultAsync(context, fault);
        }
        finally
        {
            share.Leave();
            metrics.End(mark, context, cut);
        }
    }

    private Task StrangerAsync(HttpContext context) => metrics.Refused(RefusalReason.Address, MatrixAnswer.ForbiddenAsync(context, "This address is no member's device"));

    private Task AnswerFaultAsync(HttpContext context, Exception fault)
    {
        switch (fault)
        {
            case StoreException:
                // What cannot be written down does not happen; the disk is the admin's to mend (gateway status).
                return metrics.Refused(RefusalReason.Store, MatrixAnswer.UnavailableAsync(context));
            case BadHttpRequestException bad:
                // Found while one of us read the body.
                return metrics.Refused(RefusalReason.Malformed, MatrixAnswer.BadBodyAsync(context, bad.StatusCode));
            default:
                Failed(fault);
                return metrics.Refused(RefusalReason.Fault, MatrixAnswer.FaultAsync(context));
        }
    }

    private Task JudgeAsync(HttpContext context, DeviceEntry device, CancellationToken cut)
    {
        // 3.
        if (Framing.IsDoubtful(context))
        {
            context.Response.Headers.Connection = "close";
            return metrics.Refused(RefusalReason.Malformed, MatrixAnswer.UnrecognizedAsync(context, StatusCodes.Status400BadRequest));
        }

        var target = context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
        var passage = IsOurs(context.Request.Host) ? AccessPolicy.Of(context.Request.Method, target) : Passage.None;

        // A page without a referrer, as ours is, names no origin with its form; the page's own checks take its place.
        if (passage != Passage.SignIn && !origins.Admits(context, device))
        {
            return metrics.Refused(RefusalReason.Origin, MatrixAnswer.ForbiddenAsync(context, "This web page may not call this server"));
        }

        return IsIn(device) && passage is Passage.Forward or Passage.Upload or Passage.Versions or Passage.Capabilities
            ? CheckTokenAsync(context, device, passage, target, cut)
            : ElsewhereAsync(context, device, passage, target, cut);
    }

    /// <summary>Everything but forwarding and what is refused at sight may wait for the disk.</summary>
    private Task ElsewhereAsync(HttpContext context, DeviceEntry device, Passage passage, string target, CancellationToken cut) =>
        SocketThreads.LeaveAsync(() => JudgeStateAsync(context, device, passage, target, cut));

    private Task JudgeStateAsync(HttpContext context, DeviceEntry device, Passage passage, string target, CancellationToken cut)
    {
        if (passage == Passage.Welcome)
        {
            return welcome.AnswerAsync(context, device, IsIn(device));
        }

        // A lock comes first: while it lasts nobody is told to erase anything, not even a lost phone.
        return devices.IsLocked ? metrics.Refused(RefusalReason.Locked, MatrixAnswer.UnavailableAsync(context))
            : device.Standing == Standing.Quarantined ? metrics.Refused(RefusalReason.Revoked, quarantine.AnswerAsync(context, device, passage, target))
            : device.Door.IsShut || device.AwaitsConfirmation ? metrics.Refused(RefusalReason.Shut, MatrixAnswer.UnavailableAsync(context))
            : PassAsync(context, device, passage, target, cut);
    }

    private Task PassAsync(HttpContext context, DeviceEntry device, Passage passage, string target, CancellationToken cut) => passage switch
    {
        Passage.None => metrics.Refused(RefusalReason.Path, MatrixAnswer.UnrecognizedAsync(context)),
        Passage.WrongMethod => metrics.Refused(RefusalReason.Method, MatrixAnswer.UnrecognizedAsync(context, StatusCodes.Status405MethodNotAllowed)),
        Passage.Preflight => CrossOrigin.PreflightAsync(context),
        Passage.WellKnown => MatrixAnswer.WellKnownAsync(context, gateway.ServerName),
        Passage.LoginFlows => login.FlowsAsync(context),
        Passage.Login => login.LoginAsync(context, device),
        Passage.SsoRedirect => signIn.RedirectAsync(context, device),
        Passage.SignIn => signIn.PageAsync(context, device),
        Passage.AuthMetadata => oauth.MetadataAsync(context),
        Passage.OAuthRegistration => oauth.RegisterAsync(context, device),
        Passage.OAuthAuthorization => oauth.AuthorizeAsync(context, device),
        Passage.OAuthToken => oauth.TokenAsync(context, device),
        Passage.OAuthRevocation => oauth.RevokeAsync(context, device),
        Passage.Refresh => RefreshAnswer.SendAsync(context),
        _ => CheckTokenAsync(context, device, passage, target, cut),
    };

    private Task CheckTokenAsync(HttpContext context, DeviceEntry device, Passage passage, string target, CancellationToken cut)
    {
        // 4.
        if (QueryNames.HasShut(target))
        {
            return metrics.Refused(RefusalReason.Query, MatrixAnswer.ForbiddenAsync(context, "Tokens and other users do not go into the address"));
        }

        return binding.Of(device, context.Request.Headers.Authorization, out var session) switch
        {
            TokenStanding.Bound when session!.WasUsed => ServeAsync(context, new Passenger(device, session, passage), target, cut),
            TokenStanding.Bound => ServeFirstAsync(context, new Passenger(device, session, passage), target, cut),
            TokenStanding.Missing when passage == Passage.Versions => ServeAsync(context, new Passenger(device, session, passage), target, cut),
            TokenStanding.Missing => metrics.Refused(RefusalReason.TokenMissing, MatrixAnswer.MissingTokenAsync(context)),
            TokenStanding.LoggedOut => metrics.Refused(RefusalReason.TokenEnded, MatrixAnswer.UnknownTokenAsync(context)),
            _ => DoubtTokenAsync(context, device, passage, target, cut),
        };
    }

    /// <summary>The first request with this token is written down.</summary>
    private Task ServeFirstAsync(HttpContext context, Passenger passenger, string target, CancellationToken cut) => SocketThreads.LeaveAsync(() =>
    {
        writer.Write(new SessionUsed(passenger.Session!.MatrixDeviceId) { At = time.GetUtcNow(), Device = passenger.Device.Id });
        return ServeAsync(context, passenger, target, cut);
    });

    private Task DoubtTokenAsync(HttpContext context, DeviceEntry device, Passage passage, string target, CancellationToken cut) => SocketThreads.LeaveAsync(async () =>
    {
        if (await AdoptAsync(context, device, cut) is { } adopted)
        {
            await CheckTokenAsync(context, adopted, passage, target, cut);
            return;
        }

        leaks.Tell(device, context.Request.Headers.Authorization);
        await metrics.Refused(RefusalReason.TokenForeign, MatrixAnswer.ForbiddenAsync(context, "This token does not belong to this device"));
    });

    /// <summary>The device with one session more, where the admin has opened it to one from before the gateway and this is its token.</summary>
    private async Task<DeviceEntry?> AdoptAsync(HttpContext context, DeviceEntry device, CancellationToken cut)
    {
        if (device.AdoptsUntil is null || TokenBinding.Find(context.Request.Headers.Authorization) is not { } token)
        {
            return null;
        }

        try
        {
            return await adoption.TryAsync(device.Id, token, cut) && devices.Find(context.Connection.RemoteIpAddress) is { } now && now.Id == device.Id ? now : null;
        }
        catch (Exception e) when (e is HomeserverException or OperationCanceledException)
        {
            return null;
        }
    }

    private Task ServeAsync(HttpContext context, Passenger passenger, string target, CancellationToken cut) => passenger.Passage switch
    {
        // 5.
        Passage.CrossSigningKeys or Passage.EndSession or Passage.EndSessions =>
            guarded.AnswerAsync(context, passenger.Device, passenger.Session!, passenger.Passage, target),
        Passage.Logout or Passage.LogoutAll => logout.AnswerAsync(context, passenger),
        Passage.PusherSet => SetPusherAsync(context, passenger, cut),
        _ => forwarder.ForwardAsync(context, passenger, cut),
    };

    private async Task SetPusherAsync(HttpContext context, Passenger passenger, CancellationToken cut) =>
        await (await pushers.FaultAsync(context) is { } fault
            ? MatrixAnswer.ForbiddenAsync(context, fault)
            : forwarder.ForwardAsync(context, passenger, cut));

    private bool IsIn(DeviceEntry device) =>
        !devices.IsLocked && device.Standing == Standing.Admitted && !device.Door.IsShut && !device.AwaitsConfirmation;

    /// <summary>The request is for our name, whatever else this address may be called.</summary>
    private bool IsOurs(HostString host)
    {
        var name = host.Value.AsSpan();
        return name.StartsWith(gateway.ServerName, StringComparison.OrdinalIgnoreCase)
            && (name.Length == gateway.ServerName.Length || name[gateway.ServerName.Length] == ':');
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "A request met a fault of the gateway's own")]
    private partial void Failed(Exception fault);
}
