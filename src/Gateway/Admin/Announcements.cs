using Gateway.Onboarding.Store;

namespace Gateway.Admin;

/// <summary>Tells the admin, in the log, of every new session as it opens, so that nobody signs in unseen, and of a copied key.</summary>
internal sealed partial class Announcements(ILogger<Announcements> log)
{
    public void Follow(StateChange change)
    {
        foreach (var adopted in change.Intents.OfType<SessionAdopted>())
        {
            if (change.State.Devices.GetValueOrDefault(adopted.Device) is { } device)
            {
                Adopted(device.Label, adopted.MatrixDeviceId);
            }
        }

        foreach (var copied in change.Intents.OfType<KeyCopied>())
        {
            if (change.State.Devices.GetValueOrDefault(copied.Device) is { } device)
            {
                Copied(device.Label);
            }
        }

        foreach (var opened in change.Intents.OfType<SessionOpened>())
        {
            if (change.State.Devices.GetValueOrDefault(opened.Device) is { } device)
            {
                var client = device.Sessions.First(session => session.MatrixDeviceId == opened.MatrixDeviceId).Client ?? "an app without a name";
                SignedIn(device.Label, client, opened.MatrixDeviceId);
            }
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The key of {Device} is in use on two phones at once. It may not sign in again: revoke it, and enrol it anew")]
    private partial void Copied(string device);

    [LoggerMessage(Level = LogLevel.Information, Message = "{Device} signed in to {Client}: session {MatrixDeviceId}")]
    private partial void SignedIn(string device, string client, string matrixDeviceId);

    [LoggerMessage(Level = LogLevel.Information, Message = "{Device} goes on with a session from before the gateway: {MatrixDeviceId}")]
    private partial void Adopted(string device, string matrixDeviceId);
}
