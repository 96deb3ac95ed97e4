using Gateway.Onboarding;
using Gateway.Onboarding.Devices;
using Gateway.Onboarding.Store;

namespace Gateway.Admin;

/// <summary>
/// The lock: everybody out at once, durably and reversibly, with nothing erased. After a restore each device is shut by
/// itself as well, and opens when the admin has said that it was not lost since the copy was made.
/// </summary>
internal static class LockApi
{
    public static LockView Of(State state) => new(state.LockedSince is not null, state.LockedSince, state.Devices.Values.Count(Awaits));

    public static LockView Lock(StateWriter writer, DateTimeOffset now, string by) => Of(writer.Write(new Locked(by) { At = now }));

    /// <summary>Lets in all that nobody has to vouch for; with <paramref name="device"/> or <paramref name="all"/>, those as well.</summary>
    public static (LockView? Lock, Refusal? Refusal) Unlock(StateWriter writer, DateTimeOffset now, string by, string? device, bool all) =>
        writer.Write<(LockView?, Refusal?)>(state =>
        {
            var awaiting = state.Devices.Values.Where(Awaits).ToList();
            if (device is not null && state.Find(device) is not [{ IsLive: true }])
            {
                return ((null, new(RefusalKind.NotFound, $"there is no live device '{device}'", "see 'gateway devices'")), []);
            }

            if (device is null && !all && awaiting.Count > 0)
            {
                return ((null, Unconfirmed(awaiting)), []);
            }

            var confirmed = device is null ? awaiting : [.. state.Find(device).Where(Awaits)];
            var intents = confirmed.Select(one => (Intent)new DeviceConfirmed(by) { At = now, Device = one.Id }).Append(new Unlocked(by) { At = now });
            return ((new LockView(Locked: false, Since: null, awaiting.Count - confirmed.Count), null), [.. intents]);
        });

    private static Refusal Unconfirmed(List<Device> awaiting) => new(
        RefusalKind.Conflict,
        $"the store was put back from a copy, and {awaiting.Count} devices are not confirmed: one that was revoked after the copy was made would get in again",
        $"revoke once more what was lost since; then 'gateway unlock --all', or one at a time: gateway unlock {awaiting[0].Label}");

    private static bool Awaits(Device device) => device is { IsLive: true, AwaitsConfirmation: true };
}
