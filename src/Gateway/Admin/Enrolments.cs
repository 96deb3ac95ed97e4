using Gateway.Onboarding;
using Gateway.Onboarding.Enrolment;
using Gateway.Onboarding.Members;
using Gateway.Onboarding.QrCodes;
using Gateway.Tunnel;

namespace Gateway.Admin;

/// <summary>An enrolment as the admin asks for it, on the socket or in the console: with everything that the member's phone is shown.</summary>
internal sealed class Enrolments(Enroller enroller, DeviceViews views, TunnelOptions tunnel, InterfaceSettings settings, GatewayOptions gateway)
{
    /// <summary>The view holds the private key and the login code: this is the only time that they are said.</summary>
    public async Task<(EnrolmentView? View, Refusal? Refusal)> EnrolAsync(EnrolmentRequest request, string by, CancellationToken cancellationToken)
    {
        if (request.Os is not (null or "android" or "ios" or "desktop"))
        {
            return (null, new Refusal(RefusalKind.Invalid, $"'{request.Os}' is no system that a device can have", "say android, ios or desktop, or leave it out"));
        }

        return await EnrolAsync(new EnrolRequest(request.Member, request.Device, request.DisplayName, request.Adopt, by, request.Os), cancellationToken);
    }

    /// <summary>A device of <see cref="Localpart.Drill"/>, for <c>gateway drill</c> and nobody else.</summary>
    public Task<(EnrolmentView? View, Refusal? Refusal)> EnrolDrillAsync(string by, CancellationToken cancellationToken) =>
        EnrolAsync(new EnrolRequest(Localpart.Drill.ToString(), DeviceName: null, DisplayName: null, Adopt: false, by, IsDrill: true), cancellationToken);

    private async Task<(EnrolmentView? View, Refusal? Refusal)> EnrolAsync(EnrolRequest request, CancellationToken cancellationToken)
    {
        var result = await enroller.EnrolAsync(request, cancellationToken);
        if (result is not EnrolResult.Enrolled(var device, var privateKey, var code, var expiresAt))
        {
            return (null, ((EnrolResult.Refused)result).Why);
        }

        using (privateKey)
        {
            var config = WireGuardConfig.Build(
                privateKey, device.TunnelAddress, settings.PrivateKey.PublicKey(), device.PresharedKey, settings.Address, tunnel.Endpoint, request.System == "android");
            return (new EnrolmentView(views.Of(device), config, code.Reveal(), expiresAt, ElementApp.Link(gateway.ServerName)), null);
        }
    }
}
