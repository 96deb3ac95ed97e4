using Gateway.Diagnosis;

namespace Gateway.Admin.Pages;

/// <summary>
/// Puts the doctor's findings into the admin's language, by the names of the checks, which are stable. A check that is not in the table is
/// shown in the doctor's own words, so that a new one needs nothing here to be seen.
/// </summary>
internal static class DoctorWords
{
    private static readonly Dictionary<string, Words> Checks = new(StringComparer.Ordinal)
    {
        ["listener"] = new(ConsoleTexts.CheckListener, ConsoleTexts.CheckListenerOk, ConsoleTexts.CheckListenerBad),
        ["firewall"] = new(ConsoleTexts.CheckFirewall, ConsoleTexts.CheckFirewallOk, ConsoleTexts.CheckFirewallBad),
        ["tunnel"] = new(ConsoleTexts.CheckInside, ConsoleTexts.CheckInsideOk, ConsoleTexts.CheckInsideBad),
        ["outside"] = new(ConsoleTexts.CheckOutside, ConsoleTexts.CheckOutsideOk, ConsoleTexts.CheckOutsideBad),
        ["homeserver"] = new(ConsoleTexts.CheckHomeserver, ConsoleTexts.CheckHomeserverOk, ConsoleTexts.CheckHomeserverBad),
        ["wireguard"] = new(ConsoleTexts.CheckWireGuard, ConsoleTexts.CheckWireGuardOk, ConsoleTexts.CheckWireGuardBad),
        ["registration"] = new(ConsoleTexts.CheckRegistration, ConsoleTexts.CheckRegistrationOk, ConsoleTexts.CheckRegistrationBad),
        ["guests"] = new(ConsoleTexts.CheckGuests, ConsoleTexts.CheckGuestsOk, ConsoleTexts.CheckGuestsBad),
        ["federation"] = new(ConsoleTexts.CheckFederation, ConsoleTexts.CheckFederationOk, ConsoleTexts.CheckFederationBad),
        ["public rooms"] = new(ConsoleTexts.CheckPublicRooms, ConsoleTexts.CheckPublicRoomsOk, ConsoleTexts.CheckPublicRoomsBad),
        ["certificate"] = new(ConsoleTexts.CheckCertificate, ConsoleTexts.CheckCertificateOk, ConsoleTexts.CheckCertificateBad),
        ["trust"] = new(ConsoleTexts.CheckTrust, ConsoleTexts.CheckTrustOk, ConsoleTexts.CheckTrustBad),
        ["name"] = new(ConsoleTexts.CheckServerName, ConsoleTexts.CheckServerNameOk, ConsoleTexts.CheckServerNameBad),
        ["clock"] = new(ConsoleTexts.CheckClock, ConsoleTexts.CheckClockOk, ConsoleTexts.CheckClockBad),
        ["revocations"] = new(ConsoleTexts.CheckRevocations, ConsoleTexts.CheckRevocationsOk, ConsoleTexts.CheckRevocationsBad),
        ["backup"] = new(ConsoleTexts.CheckBackup, ConsoleTexts.CheckBackupOk, ConsoleTexts.CheckBackupBad),
        ["disk"] = new(ConsoleTexts.CheckDisk, ConsoleTexts.CheckDiskOk, ConsoleTexts.CheckDiskBad),
        ["encryption"] = new(ConsoleTexts.CheckEncryption, ConsoleTexts.CheckEncryptionOk, ConsoleTexts.CheckEncryptionBad),
        ["retention"] = new(ConsoleTexts.CheckRetention, ConsoleTexts.CheckRetentionOk, ConsoleTexts.CheckRetentionBad),
        ["purge"] = new(ConsoleTexts.CheckPurge, ConsoleTexts.CheckPurgeOk, ConsoleTexts.CheckPurgeBad),
        ["messages"] = new(ConsoleTexts.CheckMessages, ConsoleTexts.CheckMessagesOk, ConsoleTexts.CheckMessagesBad),
        ["service token"] = new(ConsoleTexts.CheckServiceToken, ConsoleTexts.CheckServiceTokenOk, ConsoleTexts.CheckServiceTokenBad),
        ["Synapse"] = new(ConsoleTexts.CheckSynapse, ConsoleTexts.CheckSynapseOk, ConsoleTexts.CheckSynapseBad),
        [".NET"] = new(ConsoleTexts.CheckDotNet, ConsoleTexts.CheckDotNetOk, ConsoleTexts.CheckDotNetBad),
        ["homeserver backup"] = new(ConsoleTexts.CheckHomeserverBackup, ConsoleTexts.CheckHomeserverBackupOk, ConsoleTexts.CheckHomeserverBackupBad),
        ["drill"] = new(ConsoleTexts.CheckDrill, ConsoleTexts.CheckDrillOk, ConsoleTexts.CheckDrillBad),
    };

    public static IEnumerable<string> Known => Checks.Keys;

    public static DoctorCard.View Of(ExaminationState state) => new()
    {
        Running = state.IsRunning ? new(state.Looked, state.Checks) : null,
        At = state.At,
        Lines = [.. (state.Findings ?? []).OrderBy(finding => Urgency(finding.Verdict)).Select(Line)],
    };

    private static DoctorLine.View Line(Finding finding)
    {
        var words = Checks.GetValueOrDefault(finding.Name);
        var (verdict, sentence, shape) = finding.Verdict switch
        {
            Verdict.Ok => (ConsoleTexts.DoctorOk, words?.Ok, "ok"),
            Verdict.Warning => (ConsoleTexts.DoctorWarning, words?.Bad, "wait"),
            Verdict.Fault => (ConsoleTexts.DoctorFault, words?.Bad, "bad"),
            _ => (ConsoleTexts.DoctorUnknown, ConsoleTexts.DoctorNotSeen, "off"),
        };
        return new(finding.Name, words?.Title, verdict, sentence, shape, finding.Detail, finding.WayOut);
    }

    private static int Urgency(Verdict verdict) => verdict switch
    {
        Verdict.Fault => 0,
        Verdict.Unknown => 1,
        Verdict.Warning => 2,
        _ => 3,
    };

    private sealed record Words(string Title, string Ok, string Bad);
}
