using Gateway.Onboarding.Devices;
using Gateway.Onboarding.Members;

namespace Gateway.Onboarding.Store;

/// <summary>What <see cref="Transition"/> does with names, and with what a member has to do after a lost phone.</summary>
internal static class MemberTransition
{
    public static State Apply(State state, Intent intent) => intent switch
    {
        MemberRenamed renamed => With(state, renamed.Localpart, member => member with { DisplayName = renamed.DisplayName }),
        ResetSettled settled => With(state, settled.Localpart, member => member with { ResetDueSince = null }),
        _ => throw new ArgumentOutOfRangeException(nameof(intent), intent.GetType().Name, "No transition for this intent."),
    };

    public static Device OnDevice(Device device, DeviceIntent intent) => intent switch
    {
        // A device that is gone keeps the name that the history knows it by.
        DeviceRenamed renamed => device.IsLive ? device with { Name = renamed.Name } : device,
        _ => throw new ArgumentOutOfRangeException(nameof(intent), intent.GetType().Name, "No transition for this intent."),
    };

    /// <summary>Whoever has a lost phone may have the member's identity and recovery key: both are to be made anew, until it is done. A drill's have neither.</summary>
    public static State AfterDevice(State before, State after, DeviceIntent intent) => intent switch
    {
        DeviceRevoked when before.Devices.GetValueOrDefault(intent.Device) is { IsLive: true } lost && EverSignedIn(lost) && lost.Member != Localpart.Drill =>
            With(after, lost.Member, member => member with { ResetDueSince = member.ResetDueSince ?? intent.At }),
        ResetUsed => OfDevice(after, intent, member => member with { ResetDueSince = null }),
        ResetReturned => OfDevice(after, intent, member => member with { ResetDueSince = member.ResetDueSince ?? intent.At }),
        _ => after,
    };

    /// <summary>Nothing, where there is no such member.</summary>
    public static State With(State state, Localpart localpart, Func<Member, Member> change) =>
        state.Members.TryGetValue(localpart, out var member)
            ? state with { Members = state.Members.SetItem(localpart, change(member)) }
            : state;

    private static bool EverSignedIn(Device device) => device.Sessions.Any(session => session.OpenedAt is not null);

    private static State OfDevice(State state, DeviceIntent intent, Func<Member, Member> change) =>
        state.Devices.TryGetValue(intent.Device, out var device) ? With(state, device.Member, change) : state;
}
