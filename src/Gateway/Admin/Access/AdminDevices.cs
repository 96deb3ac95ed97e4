using Gateway.Onboarding;
using Gateway.Onboarding.Devices;
using Gateway.Onboarding.Store;

namespace Gateway.Admin.Access;

/// <summary>The devices that the console in the tunnel is there for: the admin marks them as their own.</summary>
internal sealed class AdminDevices(StateWriter writer, TimeProvider time)
{
    /// <summary>The device as it is then, or why it was not marked. To mark what is marked changes nothing; a key that two phones use opens no console.</summary>
    public (Device? Device, Refusal? Refusal) Mark(string word, bool admin, string by) =>
        writer.Write<(Device?, Refusal?)>(state => state.Find(word) switch
        {
            [{ IsLive: true, KeyCopiedAt: not null } copied] when admin => ((null, Refusal.KeyCopied(copied.Label)), []),
            [{ IsLive: true } device] => ((device with { IsAdmin = admin }, null), device.IsAdmin == admin ? [] : [new DeviceMarked(admin, by) { At = time.GetUtcNow(), Device = device.Id }]),
            _ => ((null, new Refusal(RefusalKind.NotFound, $"there is no live device '{word}'", "see 'gateway devices'")), []),
        });
}
