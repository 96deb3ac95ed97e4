namespace Gateway.Admin;

/// <summary>The paths of the admin's socket, said once for the server and for the command line.</summary>
internal static class AdminRoutes
{
    /// <summary>POST <see cref="EnrolmentRequest"/> → 201 <see cref="EnrolmentView"/>.</summary>
    public const string Enrolments = "/v1/enrolments";

    /// <summary>POST → 201 <see cref="EnrolmentView"/>: a device of nobody's, to play a lost phone with (<c>gateway drill</c>).</summary>
    public const string DrillEnrolments = "/v1/drill-enrolments";

    /// <summary>POST <see cref="CancellationRequest"/> → <see cref="CancellationView"/>: a code that nobody has used is forgotten.</summary>
    public const string EnrolmentCancellations = "/v1/enrolment-cancellations";

    /// <summary>GET, filters <c>?member=</c> and <c>?device=</c> → list of <see cref="DeviceView"/>.</summary>
    public const string Devices = "/v1/devices";

    /// <summary>GET → list of <see cref="MemberView"/>.</summary>
    public const string Members = "/v1/members";

    /// <summary>POST <see cref="RevocationRequest"/> → list of <see cref="DeviceView"/>, once blocked.</summary>
    public const string Revocations = "/v1/revocations";

    /// <summary>POST <see cref="LoginGrantRequest"/> → <see cref="LoginGrantView"/>.</summary>
    public const string LoginGrants = "/v1/login-grants";

    /// <summary>POST <see cref="RenameRequest"/> → the <see cref="MemberView"/> as it is then.</summary>
    public const string Renames = "/v1/renames";

    /// <summary>POST <see cref="SessionAdoptionRequest"/> → <see cref="SessionAdoptionView"/>.</summary>
    public const string SessionAdoptions = "/v1/session-adoptions";

    /// <summary>GET → list of <see cref="DeviceView"/> on which a sign-in waits; POST <see cref="SignInDecision"/> → the <see cref="DeviceView"/> as it waited.</summary>
    public const string SignIns = "/v1/sign-ins";

    /// <summary>GET, PUT (lock), DELETE (unlock; after a restore with <c>?device=</c> or <c>?all=true</c>) → <see cref="LockView"/>.</summary>
    public const string Lock = "/v1/lock";

    /// <summary>POST <see cref="AdminDeviceRequest"/> → <see cref="DeviceView"/>.</summary>
    public const string AdminDevices = "/v1/admin-devices";

    /// <summary>POST → <see cref="ConsoleLinkView"/>.</summary>
    public const string ConsoleLinks = "/v1/console-links";

    /// <summary>GET → <see cref="StatusView"/>.</summary>
    public const string Status = "/v1/status";

    /// <summary>GET → list of <see cref="FindingView"/>; it takes as long as the slowest check, some seconds at most.</summary>
    public const string Doctor = "/v1/doctor";

    /// <summary>GET, filters <c>?since=</c> and <c>?device=</c> → list of <see cref="AuditEntryView"/>, oldest first.</summary>
    public const string Audit = "/v1/audit";

    /// <summary>GET, with <c>?head=</c> (a line of <see cref="AuditHead"/>) compared with it → <see cref="AuditCheckView"/>.</summary>
    public const string AuditCheck = "/v1/audit/check";

    /// <summary>GET → <see cref="AuditHeadView"/>.</summary>
    public const string AuditHead = "/v1/audit/head";

    /// <summary>GET, with <c>?registration=</c> (where the homeserver will find it) → <see cref="HomeserverConfigView"/>.</summary>
    public const string HomeserverConfig = "/v1/homeserver-config";
}
