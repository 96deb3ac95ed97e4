using Gateway.Login;
using Gateway.Onboarding;
using Gateway.Onboarding.Devices;
using Gateway.Onboarding.LoginGrants;
using Gateway.Onboarding.Store;

namespace Gateway.Admin;

/// <summary>The admin's word on the sign-in that waits on a device, whichever way it is given.</summary>
internal sealed class SignInDecisions(SignIns signIns, Logins logins, StateWriter writer, DeviceViews views)
{
    /// <summary>The device as it waited, or why nobody was let in.</summary>
    public (DeviceView? Device, Refusal? Refusal) Decide(SignInDecision decision, string by)
    {
        if (writer.Current.Find(decision.Device) is not [{ IsLive: true } device])
        {
            return (null, new(RefusalKind.NotFound, $"there is no live device '{decision.Device}'", "see 'gateway devices'"));
        }

        if (device.KeyCopiedAt is not null)
        {
            return (null, Refusal.KeyCopied(device.Label));
        }

        if (signIns.Waiting().FirstOrDefault(one => one.Device == device.Id) is not { } waiting)
        {
            return (null, new(RefusalKind.Conflict, $"no sign-in waits on {device.Label}", "the member starts it in the app, and taps \"Sign in\""));
        }

        if (decision.Number is { } number && number != waiting.Number)
        {
            return (null, new(
                RefusalKind.Conflict,
                $"{device.Label} shows {waiting.Number}, not {number}",
                "if the member's screen does show your number, somebody else is signing in there: do not approve, and enrol the device anew"));
        }

        var view = views.Of(device);
        if (decision.Approve)
        {
            return Approve(device, waiting, by) is { } refusal ? (null, refusal) : (view, null);
        }

        signIns.Finish(waiting, SignInEnd.Refused);
        return (view, null);
    }

    private Refusal? Approve(Device device, SignIn waiting, string by) =>
        logins.Approve(device.Id, waiting.App.Name, by) is not { } proof
            ? new(RefusalKind.Conflict, $"{device.Label} may not sign in: no grant is armed, or its time is over", $"gateway allow-login {device.Label}; then the member starts again")
            : signIns.Prove(waiting, proof) is null
                ? new(RefusalKind.Conflict, $"the sign-in on {device.Label} ended at this very moment, and nobody is signed in by it", "the member starts again in the app")
                : null;
}
