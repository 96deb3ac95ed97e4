using System.Text;
using Gateway.Login;
using Gateway.Onboarding.Devices;
using Gateway.Onboarding.Store;
using Microsoft.AspNetCore.Http.Features;

namespace Gateway.Proxy;

/// <summary>
/// Path 3 of the design, the whole of what stands on the members' listener:
/// 1. source address → device; 2. its door, then its state; 3. the path policy, on the raw target; 4. does the token
/// belong to this device?; 5. forward. What is refused gets a Matrix error that clients understand and that erases
/// nothing, but for a revoked device.
/// </summary>
internal sealed class MemberGate(
    DeviceResolver devices,
    TokenBinding binding,
    Quarantine quarantine,
    LoginEndpoint login,
    SignInEndpoint signIn,
    OAuthEndpoint oauth,
    HomeserverForwarder forwarder,
    StateWriter writer,
    GatewayOptions gateway,
    TimeProvider time)
{
    private readonly byte[] _wellKnown = Encoding.UTF8.GetBytes($$$"""{"m.homeserver":{"base_url":"https://{{{gateway.ServerName}}}"}}""");

    public async Task AnswerAsync(HttpContext context)
    {
        try
        {
            await JudgeAsync(context);
        }
        catch (StoreException) when (!context.Response.HasStarted)
        {
            // What cannot be written down does not happen; the disk is the admin's to mend (gateway status).
            await MatrixAnswer.UnavailableAsync(context);
        }
    }

    private async Task JudgeAsync(HttpContext context)
    {
        // 1.
        var address = context.Connection.RemoteIpAddress;
        if (devices.Find(address) is not { } found)
        {
            await MatrixAnswer.ForbiddenAsync(context, "This address is no member's device");
            return;
        }

        // 2. The order matters: see Door.
        var cut = found.Door.Cut;
        if (devices.Find(address) is not { } device || device.Id != found.Id)
        {
            await MatrixAnswer.ForbiddenAsync(context, "This address is no member's device");
            return;
        }

        // 3.
        var target = context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
        var passage = IsOurs(context) ? AccessPolicy.Of(context.Request.Method, target) : Passage.None;
        if (device.Standing == Standing.Quarantined)
        {
            await quarantine.AnswerAsync(context, device, passage, target);
        }
        else if (devices.IsLocked || device.Door.IsShut)
        {
            await MatrixAnswer.UnavailableAsync(context);
        }
        else
        {
            await PassAsync(context, device, passage, target, cut);
        }
    }

    private Task PassAsync(HttpContext context, DeviceEntry device, Passage passage, string target, CancellationToken cut) => passage switch
    {
        Passage.None => MatrixAnswer.UnrecognizedAsync(context),
        Passage.WellKnown => MatrixAnswer.JsonAsync(context, StatusCodes.Status200OK, _wellKnown),
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
        SessionEntry? session = null;
        switch (HidesToken(context.Request) ? TokenStanding.Foreign : binding.Of(device, context.Request.Headers.Authorization, target, out session))
        {
            case TokenStanding.Bound:
                if (!session!.WasUsed)
                {
                    writer.Write(new SessionUsed(session.MatrixDeviceId) { At = time.GetUtcNow(), Device = device.Id });
                }

                break;
            case TokenStanding.Missing when passage == Passage.Versions:
                break;
            case TokenStanding.Missing:
                return MatrixAnswer.MissingTokenAsync(context);
            case TokenStanding.LoggedOut:
                return MatrixAnswer.UnknownTokenAsync(context);
            default:
                return MatrixAnswer.ForbiddenAsync(context, "This token does not belong to this device");
        }

        // 5.
        return forwarder.ForwardAsync(context, new Passenger(device, session, passage), cut);
    }

    /// <summary>Synapse looks for a token among the fields of a form too, and Matrix has no use for forms.</summary>
    private static bool HidesToken(HttpRequest request) =>
        request.Headers.Authorization.Count == 0 && request.Headers.ContentType.ToString().Contains("form", StringComparison.OrdinalIgnoreCase);

    /// <summary>The request is for our name, whatever else this address may be called, and wishes for no other protocol.</summary>
    private bool IsOurs(HttpContext context) =>
        context.Features.Get<IHttpUpgradeFeature>() is not { IsUpgradableRequest: true }
        && string.Equals(context.Request.Host.Host, gateway.ServerName, StringComparison.OrdinalIgnoreCase);
}
