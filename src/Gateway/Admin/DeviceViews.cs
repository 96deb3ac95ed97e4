using Gateway.Login;
using Gateway.Onboarding.Devices;
using Gateway.Tunnel;

namespace Gateway.Admin;

/// <summary>Turns devices into what the admin sees. Keys other than the public one, grants and hashes stay behind.</summary>
internal sealed class DeviceViews(HandshakeWatch handshakes, SignIns signIns, TimeProvider time)
{
    /// <summary>WireGuard makes a new handshake at least every 120 s while packets flow, and gives a session up after 180 s (whitepaper, section 6.1).</summary>
    private static readonly TimeSpan OnlineFor = TimeSpan.FromSeconds(180);

    public DeviceView Of(Device device)
    {
        var lastHandshake = handshakes.LastHandshake(device.PublicKey) ?? device.FirstHandshake;
        return new DeviceView(
            device.Id.ToString(),
            device.Member.ToString(),
            device.Name,
            device.TunnelAddress.ToString(),
            device.PublicKey.ToString(),
            Word(device.State),
            IsOnline(device),
            lastHandshake,
            [.. device.Sessions
                .Where(session => session.State == MatrixSessionState.Open)
                .Select(session => new SessionView(session.MatrixDeviceId, session.Client, session.OpenedAt ?? session.AskedAt))],
            device.Revocation is { } revocation
                ? new RevocationView(
                    revocation.RequestedAt,
                    [.. revocation.Steps.Select(step => new StepView(step.Name, step.State.ToString().ToLowerInvariant(), step.At, step.Detail))])
                : null,
            signIns.Waiting().LastOrDefault(one => one.Device == device.Id) is { } waiting
                ? new SignInView(waiting.Number, waiting.App.Name, waiting.Since)
                : null,
            device is { IsLive: true, AwaitsConfirmation: true },
            device.KeyCopiedAt,
            device.IsAdmin);
    }

    public bool IsOnline(Device device) =>
        device.HasPeer && handshakes.LastHandshake(device.PublicKey) is { } last && time.GetUtcNow() - last < OnlineFor;

    public static string Word(DeviceState state) => state switch
    {
        DeviceState.Pending => "pending",
        DeviceState.Connected => "connected",
        DeviceState.SignedIn => "signed-in",
        DeviceState.Quarantined => "quarantined",
        _ => "revoked",
    };
}
