using Gateway.Onboarding;
using Gateway.Onboarding.Devices;
using Gateway.Onboarding.Store;

namespace Gateway.Admin.Access;

/// <summary>The devices that the console in the tunnel is there for: the admin marks them as their own.</summary>
internal sealed class AdminDevices(StateWriter writer, TimeProvider time)
{
    /// <summary>The device as it is then, or why it was not marked. To mark what is marked changes nothing.</summary>
    public (Device? Device, Refusal? Refusal) Mark(string word, bool admin, string by) =>
        writer.Write<(Device?, Refusal?)>(state => state.Find(word) is [{ IsLive: true } device]
            ? ((device with { IsAdmin = admin }, null), device.IsAdmin == admin ? [] : [new DeviceMarked(admin, by) { At = time.GetUtcNow(), Device = device.Id }])
            : ((null, new Refusal(RefusalKind.NotFound, $"there is no live device '{word}'", "see 'gateway devices'")), []));
}
