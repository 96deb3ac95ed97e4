using Gateway.Admin.Access;
using Gateway.Diagnosis;
using Gateway.Login;
using Gateway.Onboarding;
using Gateway.Onboarding.Devices;
using Gateway.Onboarding.Enrolment;
using Gateway.Onboarding.Keys;
using Gateway.Onboarding.LoginGrants;
using Gateway.Onboarding.Members;
using Gateway.Onboarding.Revocation;
using Gateway.Onboarding.Store;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Gateway.Admin;

/// <summary>
/// The admin's socket: JSON over HTTP, described by /v1/openapi.json. Who may connect is decided by the socket's owner
/// and mode (0660, group gateway); nothing here is reachable from the tunnel.
/// </summary>
internal static class AdminApi
{
    /// <summary>The socket's users are those whom the operating system lets connect.</summary>
    internal const string By = "admin";

    /// <summary>How long a revocation's answer waits for the interface and the homeserver; the device is blocked before.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    public static void MapAdmin(this IEndpointRouteBuilder app)
    {
        var routes = app.MapGroup("").WithMetadata(PlanesOfRoutes.Socket).RequireAuthorization(AccessPolicies.Socket);
        routes.MapOpenApi("/v1/openapi.json");
        routes.MapPost(AdminRoutes.Enrolments, EnrolAsync);
        routes.MapPost(AdminRoutes.DrillEnrolments, EnrolDrillAsync);
        routes.MapPost(AdminRoutes.EnrolmentCancellations, CancelEnrolment);
        routes.MapGet(AdminRoutes.Devices, ListDevices);
        routes.MapGet(AdminRoutes.Members, ListMembers);
        routes.MapPost(AdminRoutes.Revocations, RevokeAsync);
        routes.MapPost(AdminRoutes.LoginGrants, ArmLogin);
        routes.MapPost(AdminRoutes.SessionAdoptions, AdoptSession);
        routes.MapPost(AdminRoutes.Renames, RenameApi.RenameAsync);
        routes.MapGet(AdminRoutes.SignIns, ListSignIns);
        routes.MapPost(AdminRoutes.SignIns, DecideSignIn);
        routes.MapGet(AdminRoutes.Lock, (StateWriter writer) => TypedResults.Ok(LockApi.Of(writer.Current)));
        routes.MapPut(AdminRoutes.Lock, (StateWriter writer, TimeProvider time) => TypedResults.Ok(LockApi.Lock(writer, time.GetUtcNow(), By)));
        routes.MapDelete(AdminRoutes.Lock, Unlock);
        routes.MapPost(AdminRoutes.ConsoleLinks, ConsoleApi.Make);
        routes.MapPost(AdminRoutes.AdminDevices, ConsoleApi.Mark);
        routes.MapGet(AdminRoutes.Status, (StatusReport status) => status.Read());
        routes.MapDoctor();
        routes.MapAudit();
        routes.MapGet(AdminRoutes.HomeserverConfig, HomeserverConfig);
    }

    private static async Task<Results<Created<EnrolmentView>, ProblemHttpResult>> EnrolAsync(EnrolmentRequest request, Enrolments enrolments, CancellationToken cancellationToken) =>
        Enrolled(await enrolments.EnrolAsync(request, By, cancellationToken));

    private static async Task<Results<Created<EnrolmentView>, ProblemHttpResult>> EnrolDrillAsync(Enrolments enrolments, CancellationToken cancellationToken) =>
        Enrolled(await enrolments.EnrolDrillAsync(By, cancellationToken));

    private static Results<Created<EnrolmentView>, ProblemHttpResult> Enrolled((EnrolmentView? View, Refusal? Refusal) result) => result switch
    {
        ({ } view, _) => TypedResults.Created($"{AdminRoutes.Devices}?device={view.Device.Id}", view),
        (_, var refusal) => Problem(refusal!),
    };

    private static Results<Ok<CancellationView>, ProblemHttpResult> CancelEnrolment(CancellationRequest request, Enroller enroller) =>
        enroller.Cancel(request.Device, By) is { } refusal ? Problem(refusal) : TypedResults.Ok(new CancellationView(request.Device));

    private static Results<Ok<IReadOnlyList<DeviceView>>, ProblemHttpResult> ListDevices(string? member, string? device, StateWriter writer, DeviceViews views)
    {
        var state = writer.Current;
        if (device is not null)
        {
            return state.Find(device) is { Count: > 0 } found
                ? TypedResults.Ok<IReadOnlyList<DeviceView>>([.. found.Select(views.Of)])
                : Problem(new Refusal(RefusalKind.NotFound, $"there is no device '{device}'", "see 'gateway devices'"));
        }

        if (member is not null && !(Localpart.TryParse(member, null, out var localpart) && state.Members.ContainsKey(localpart)))
        {
            return Problem(new Refusal(RefusalKind.NotFound, $"there is no member '{member}'", "see 'gateway members'"));
        }

        return TypedResults.Ok<IReadOnlyList<DeviceView>>(
            [.. state.Devices.Values.Where(one => member is null ? one.Member != Localpart.Drill || one.State != DeviceState.Revoked : one.Member.ToString() == member).OrderBy(one => one.EnrolledAt).Select(views.Of)]);
    }

    /// <summary>Nobody, who plays in drills, is there only while a drill is: whoever enrols everyone from the list shall not meet them.</summary>
    private static Ok<IReadOnlyList<MemberView>> ListMembers(StateWriter writer, DeviceViews views, Onboarding.Matrix.Homeserver homeserver)
    {
        var state = writer.Current;
        var devices = state.Devices.Values.ToLookup(device => device.Member);
        return TypedResults.Ok<IReadOnlyList<MemberView>>([.. state.Members.Values
            .Where(member => member.Localpart != Localpart.Drill || devices[Localpart.Drill].Any(device => device.State != DeviceState.Revoked))
            .OrderBy(member => member.Localpart.ToString(), StringComparer.Ordinal)
            .Select(member => View(member, devices[member.Localpart], views, homeserver))]);
    }

    internal static MemberView View(Member member, IEnumerable<Device> devices, DeviceViews views, Onboarding.Matrix.Homeserver homeserver) => new(
        member.Localpart.ToString(),
        homeserver.ServerName.UserId(member.Localpart),
        member.DisplayName,
        State(member),
        [.. devices.OrderBy(device => device.EnrolledAt).Select(views.Of)]);

    private static string State(Member member) => member switch
    {
        { State: MemberState.Active } => "active",
        { State: MemberState.AccountAsked } => "account-asked",
        { Leaving.ClosedAt: null } => "leaving",
        _ => "left",
    };

    private static async Task<Results<Ok<IReadOnlyList<DeviceView>>, ProblemHttpResult>> RevokeAsync(
        RevocationRequest request,
        Revoker revoker,
        RevocationWorker worker,
        StateWriter writer,
        DeviceViews views,
        CancellationToken cancellationToken)
    {
        if ((request.Device is null) == (request.Member is null))
        {
            return Problem(new Refusal(RefusalKind.Invalid, "a revocation names either a device or a member", "give one of them"));
        }

        var result = request.Device is { } device
            ? revoker.RevokeDevice(device, request.Cut, By)
            : revoker.RevokeMember(request.Member!, request.Cut, request.Erase, By);
        if (result is not RevokeResult.Revoked(var revoked))
        {
            return Problem(((RevokeResult.Refused)result).Why);
        }

        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(Patience);
        await worker.SettleAsync(revoked, patience.Token);
        return TypedResults.Ok<IReadOnlyList<DeviceView>>([.. revoked.Select(id => writer.Current.Devices.GetValueOrDefault(id)).OfType<Device>().Select(views.Of)]);
    }

    private static Results<Ok<LoginGrantView>, ProblemHttpResult> ArmLogin(LoginGrantRequest request, GrantArmoury grants, StateWriter writer, DeviceViews views) =>
        grants.Arm(writer, request.Device, By) switch
        {
            ArmResult.Armed armed => TypedResults.Ok(new LoginGrantView(views.Of(armed.Device), armed.LoginCode.Reveal(), armed.ExpiresAt)),
            ArmResult.Refused refused => Problem(refused.Why),
            var other => throw new InvalidOperationException(other.GetType().Name),
        };

    private static Results<Ok<SessionAdoptionView>, ProblemHttpResult> AdoptSession(SessionAdoptionRequest request, SessionAdoption adoption, DeviceViews views) =>
        adoption.Open(request.Device, By) switch
        {
            AdoptionResult.Opened opened => TypedResults.Ok(new SessionAdoptionView(views.Of(opened.Device), opened.Until)),
            AdoptionResult.Refused refused => Problem(refused.Why),
            var other => throw new InvalidOperationException(other.GetType().Name),
        };

    private static Ok<IReadOnlyList<DeviceView>> ListSignIns(SignIns signIns, StateWriter writer, DeviceViews views) =>
        TypedResults.Ok<IReadOnlyList<DeviceView>>(
            [.. signIns.Waiting().Select(one => writer.Current.Devices.GetValueOrDefault(one.Device)).OfType<Device>().Select(views.Of)]);

    private static Results<Ok<DeviceView>, ProblemHttpResult> DecideSignIn(SignInDecision decision, SignInDecisions decisions) =>
        decisions.Decide(decision, By) switch
        {
            ({ } view, _) => TypedResults.Ok(view),
            (_, var refusal) => Problem(refusal!),
        };

    private static Results<Ok<LockView>, ProblemHttpResult> Unlock(string? device, bool? all, StateWriter writer, TimeProvider time) =>
        LockApi.Unlock(writer, time.GetUtcNow(), By, device, all ?? false) switch
        {
            ({ } view, _) => TypedResults.Ok(view),
            (_, var refusal) => Problem(refusal!),
        };

    private static Results<Ok<HomeserverConfigView>, ProblemHttpResult> HomeserverConfig(
        string registration, GatewayOptions gateway, Proxy.HomeserverOptions homeserver, AsToken asToken, HsToken hsToken, RegistrationSecret secret, StateWriter writer)
    {
        var needed = writer.Current.AdminAccountSince is null ? secret : null;
        return Path.IsPathRooted(registration)
            ? TypedResults.Ok(new HomeserverConfigView(
                Onboarding.Matrix.HomeserverSettings.Registration(gateway.ServerName, asToken.Reveal(), hsToken.Reveal()),
                Onboarding.Matrix.HomeserverSettings.Settings(gateway.ServerName, homeserver.BaseUrl, registration, needed, homeserver.RetentionDays),
                needed is not null))
            : Problem(new Refusal(RefusalKind.Invalid, $"'{registration}' is no absolute path", "say where the homeserver will find the registration"));
    }

    internal static ProblemHttpResult Problem(Refusal refusal) => TypedResults.Problem(
        title: refusal.What,
        detail: refusal.WayOut,
        statusCode: refusal.Kind switch
        {
            RefusalKind.Invalid => StatusCodes.Status400BadRequest,
            RefusalKind.NotFound => StatusCodes.Status404NotFound,
            RefusalKind.Conflict => StatusCodes.Status409Conflict,
            _ => StatusCodes.Status503ServiceUnavailable,
        });
}
