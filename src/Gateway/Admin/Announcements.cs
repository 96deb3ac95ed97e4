using Gateway.Onboarding.Store;

namespace Gateway.Admin;

/// <summary>Tells the admin, in the log, of every new session as it opens: nobody signs in unseen.</summary>
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

        foreach (var opened in change.Intents.OfType<SessionOpened>())
        {
            if (change.State.Devices.GetValueOrDefault(opened.Device) is { } device)
            {
                var client = device.Sessions.First(session => session.MatrixDeviceId == opened.MatrixDeviceId).Client ?? "an app without a name";
                SignedIn(device.Label, client, opened.MatrixDeviceId);
            }
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "{Device} signed in to {Client}: session {MatrixDeviceId}")]
    private partial void SignedIn(string device, string client, string matrixDeviceId);

    [LoggerMessage(Level = LogLevel.Information, Message = "{Device} goes on with a session from before the gateway: {MatrixDeviceId}")]
    private partial void Adopted(string device, string matrixDeviceId);
}
