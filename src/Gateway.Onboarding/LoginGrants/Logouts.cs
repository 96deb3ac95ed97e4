using System.Net;
using Gateway.Onboarding.Devices;
using Gateway.Onboarding.Matrix;
using Gateway.Onboarding.Store;

namespace Gateway.Onboarding.LoginGrants;

/// <summary>
/// A member signs out. Written down first, so that it holds whatever the homeserver makes of it, and although the app is
/// gone before the answer; <see cref="SessionKeeper"/> sees to it that the homeserver follows. What asks for a
/// permission is in <see cref="GuardedActs"/>.
/// </summary>
public sealed class Logouts(StateWriter writer, Homeserver homeserver, TimeProvider time)
{
    /// <summary>How long the answer waits for the homeserver.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);

    /// <summary>Ends the acting session.</summary>
    public Task EndAsync(Actor actor) => EndAsync(actor, everywhere: false);

    /// <summary>Ends the member's sessions on all their devices that are live, and on the homeserver also those that are not ours.</summary>
    public Task EndEverywhereAsync(Actor actor) => EndAsync(actor, everywhere: true);

    private async Task EndAsync(Actor actor, bool everywhere)
    {
        var address = writer.Write<IPAddress?>(state => state.Devices.GetValueOrDefault(actor.Device) is not { IsLive: true } device
            ? (null, [])
            : (device.TunnelAddress,
            [
                .. (everywhere ? state.DevicesOf(device.Member).Where(other => other.IsLive) : [device])
                    .SelectMany(other => other.Sessions
                        .Where(session => session.State == MatrixSessionState.Open && (everywhere || session.MatrixDeviceId == actor.MatrixDeviceId))
                        .Select(session => new SessionEnded(session.MatrixDeviceId, "logged out") { At = time.GetUtcNow(), Device = other.Id, OnHomeserverToo = true })),
            ]));
        if (address is null)
        {
            return;
        }

        using var patience = new CancellationTokenSource(Patience, time);
        try
        {
            await homeserver.LogoutAsync(address, actor.Token, everywhere, patience.Token);
        }
        catch (Exception e) when (e is HomeserverException or OperationCanceledException)
        {
            // It is told again until its session list confirms it.
        }
    }
}
