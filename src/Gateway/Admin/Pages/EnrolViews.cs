using Gateway.Login;
using Gateway.Onboarding.Devices;
using Gateway.Onboarding.Enrolment;
using Gateway.Onboarding.Keys;
using Gateway.Onboarding.QrCodes;
using Gateway.Onboarding.Store;

namespace Gateway.Admin.Pages;

/// <summary>How far an onboarding is, for its page.</summary>
internal sealed class EnrolViews(StateWriter writer, ChangeFeed feed, SignIns signIns, EnrolmentOptions options, GatewayOptions gateway, Entropy entropy, TimeProvider time)
{
    private readonly string _elementSvg = QrCode.Of(ElementApp.Link(gateway.ServerName)).ToSvg();

    /// <summary>Null where there is no such device. <paramref name="once"/>: on the page that made it.</summary>
    public EnrolPage.View? Page(DeviceId id, EnrolCode.Once? once = null)
    {
        // The version first: what changes meanwhile is sent again.
        var version = feed.Version;
        if (writer.Current.Devices.GetValueOrDefault(id) is not { } device)
        {
            return null;
        }

        return new EnrolPage.View
        {
            Stream = $"/live/devices/{id}/steps?v={version}",
            Address = once is null ? null : $"/devices/{id}/steps",
            Code = Code(device, isThere: true) with { Secrets = once },
            Steps = Steps(device, isThere: true),
        };
    }

    /// <summary><paramref name="isThere"/>: an enrolment that ended leaves no device.</summary>
    public EnrolSteps.View Steps(Device device, bool isThere)
    {
        var waiting = signIns.Waiting().LastOrDefault(one => one.Device == device.Id);
        var now = Now(device, isThere, waiting is not null);
        return new()
        {
            Id = device.Id.ToString(),
            Owner = Roster.Name(writer.Current, device.Member),
            Device = device.Name,
            Now = now,
            Number = now == EnrolSteps.Step.Approve ? waiting!.Number : null,
            App = (now == EnrolSteps.Step.In ? device.Sessions.LastOrDefault(session => session.State == MatrixSessionState.Open)?.Client : waiting?.App.Name) ?? "Element",
        };
    }

    public EnrolCode.View Code(Device device, bool isThere) => new()
    {
        Step = Now(device, isThere, signIns.Waiting().Any(one => one.Device == device.Id)),
        EndsAt = device.EnrolmentEnds,
        Lifetime = (int)options.Expire.TotalSeconds,
        Left = Math.Max(0, (int)(device.EnrolmentEnds - time.GetUtcNow()).TotalSeconds),
        ElementLink = ElementApp.Link(gateway.ServerName),
        ElementSvg = _elementSvg,
        Again = new AgainForm.View(device.Id.ToString(), device.Member.ToString(), device.Name, device.System ?? "", OnboardingRoutes.Word(entropy)),
    };

    private static EnrolSteps.Step Now(Device device, bool isThere, bool isWaiting) =>
        !isThere || !device.IsLive ? EnrolSteps.Step.Over
        : device.State == DeviceState.SignedIn ? EnrolSteps.Step.In
        : isWaiting ? EnrolSteps.Step.Approve
        : device.FirstHandshake is not null ? EnrolSteps.Step.Open
        : EnrolSteps.Step.Scan;
}
