using Gateway.Login;
using Gateway.Onboarding.Store;

namespace Gateway.Proxy;

/// <summary>
/// What a revoked device is told while its peer may still reach us: that its session has ended, on which Element, Element
/// X and FluffyChat erase their data. What clients ask before they have a session is answered as ever, or they would
/// take the order for a broken server and keep the data.
/// </summary>
internal sealed class Quarantine(StateWriter writer, HomeserverWatch homeserver, TokenBinding binding, LoginEndpoint login, SignInEndpoint signIn, OAuthEndpoint oauth, GatewayOptions gateway, TimeProvider time)
{
    private static readonly byte[] EmptyObject = "{}"u8.ToArray();

    public Task AnswerAsync(HttpContext context, DeviceEntry device, Passage passage, string target) => passage switch
    {
        Passage.Versions => VersionsAsync(context),
        Passage.WellKnown => MatrixAnswer.WellKnownAsync(context, gateway.ServerName),
        Passage.Preflight => CrossOrigin.PreflightAsync(context),
        Passage.LoginFlows => login.FlowsAsync(context),
        Passage.Login => MatrixAnswer.ForbiddenAsync(context, LoginTexts.In(context.Request, LoginTexts.NotOnThisDevice)),
        Passage.AuthMetadata => oauth.MetadataAsync(context),
        Passage.OAuthRegistration => OAuthEndpoint.ErrorAsync(context, "invalid_client_metadata", "Signing in is not possible on this device"),
        Passage.SsoRedirect or Passage.OAuthAuthorization or Passage.SignIn => signIn.SayAsync(context, StatusCodes.Status403Forbidden, LoginTexts.NotOnThisDevice),

        // OAuth's order to erase: clients obey this one error (matrix-rust-sdk, client/futures.rs).
        Passage.OAuthToken => OAuthEndpoint.ErrorAsync(context, "invalid_grant", "This session has ended"),
        Passage.Logout or Passage.LogoutAll or Passage.OAuthRevocation => MatrixAnswer.JsonAsync(context, StatusCodes.Status200OK, EmptyObject),
        Passage.None or Passage.WrongMethod when !target.StartsWith("/_matrix/", StringComparison.Ordinal) => MatrixAnswer.UnrecognizedAsync(context),
        _ => OrderToEraseAsync(context, device),
    };

    private Task VersionsAsync(HttpContext context) => homeserver.Versions is { } versions
        ? MatrixAnswer.JsonAsync(context, StatusCodes.Status200OK, versions)
        : MatrixAnswer.UnavailableAsync(context);

    /// <summary>Delivered is counted per session, on its own token, and only once the answer has left.</summary>
    private async Task OrderToEraseAsync(HttpContext context, DeviceEntry device)
    {
        binding.Of(device, context.Request.Headers.Authorization, out var session);
        await MatrixAnswer.UnknownTokenAsync(context);
        await context.Response.CompleteAsync();
        if (session is { WasTold: false })
        {
            writer.Write(new EraseDelivered(session.MatrixDeviceId) { At = time.GetUtcNow(), Device = device.Id });
        }
    }
}
