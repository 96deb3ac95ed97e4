using Gateway.Onboarding.Devices;
using Gateway.Onboarding.Revocation;
using Step = Gateway.Admin.Pages.RevocationFlow.Step;

namespace Gateway.Admin.Pages;

/// <summary>The steps of a revocation as a person reads them.</summary>
internal sealed class RevocationWords(Layout.Frame frame, RevocationOptions options)
{
    public RevocationFlow.View Of(Device device, DeviceRevocation revocation) => new(
        revocation.RequestedAt,
        [
            Of(revocation[StepName.Blocked], ConsoleTexts.StepBlocked),
            Of(revocation[StepName.RequestsCut], ConsoleTexts.StepCut),
            Of(revocation[StepName.MatrixSessions], ConsoleTexts.StepSessions) with { Note = SessionsNote(device, revocation[StepName.MatrixSessions]) },
            Of(revocation[StepName.EraseOrder], ConsoleTexts.StepErase) with { Note = EraseNote(revocation) },
            Of(revocation[StepName.Peer], ConsoleTexts.StepTunnel) with { Note = PeerNote(device, revocation) },
        ]);

    private static Step Of(RevocationStep step, string title) => new()
    {
        Title = title,
        At = step.At,
        Stand = step.State switch
        {
            StepState.Done => RevocationFlow.Stand.Done,
            StepState.Skipped or StepState.Expired => RevocationFlow.Stand.Skipped,
            StepState.Retrying => RevocationFlow.Stand.Now,
            _ => step.Name == StepName.Peer ? RevocationFlow.Stand.Later : RevocationFlow.Stand.Now,
        },
        Detail = step.State == StepState.Retrying ? step.Detail : null,
    };

    private string? SessionsNote(Device device, RevocationStep step) => step.State switch
    {
        StepState.Done => string.Join(", ", device.Sessions.Where(session => session.OpenedAt is not null).Select(session => session.Client).OfType<string>().Distinct(StringComparer.Ordinal)) is { Length: > 0 } apps ? apps : null,
        StepState.Skipped => frame.Text(ConsoleTexts.NeverSignedIn),
        StepState.Retrying => frame.Text(ConsoleTexts.SessionsRetried),
        _ => frame.Text(ConsoleTexts.SessionsAsked),
    };

    private string? EraseNote(DeviceRevocation revocation) => revocation[StepName.EraseOrder].State switch
    {
        StepState.Done => null,
        StepState.Expired => frame.Text(ConsoleTexts.EraseExpired),
        StepState.Skipped => frame.Text(revocation[StepName.MatrixSessions].State == StepState.Skipped || !revocation.Cut ? ConsoleTexts.NothingToErase : ConsoleTexts.NoEraseOrder),
        _ => frame.Text(ConsoleTexts.EraseWaitsLong, options.QuarantineDays),
    };

    private string? PeerNote(Device device, DeviceRevocation revocation) => revocation[StepName.Peer].State switch
    {
        StepState.Done or StepState.Skipped => null,
        StepState.Retrying => frame.Text(ConsoleTexts.TunnelRetried),
        _ => frame.Text(device.Standing == Standing.Quarantined ? ConsoleTexts.TunnelLater : ConsoleTexts.TunnelNow),
    };
}
