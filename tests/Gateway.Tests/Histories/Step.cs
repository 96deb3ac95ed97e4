using System.Globalization;

namespace Gateway.Tests.Histories;

internal enum Act
{
    Enrol,
    Connect,
    Login,
    LoginTwice,
    LoginHeld,
    Use,
    Poll,
    Logout,
    AllowLogin,
    Revoke,
    Cut,
    RevokeSeveral,
    MemberLeaves,
    Lock,
    Unlock,
    Wait,
    WaitLong,
    SetClock,
    Loops,
    HomeserverTurns,
    InterfaceTurns,
    InterfaceVanishes,
    StrangerAppears,
    DiskFills,
    DiskFails,
    Recover,
    Release,
    Snapshot,
    KeepCopy,
    PutBack,
    Restart,
    DieSoon,
    LosePowerSoon,
}

/// <summary>One thing that happens; <see cref="Which"/> and <see cref="How"/> choose among what is there.</summary>
internal sealed record Step(Act Act, int Which, int How)
{
    public static Step Parse(string text)
    {
        var parts = text.Split('-');
        return new(Enum.Parse<Act>(parts[0]), int.Parse(parts[1], CultureInfo.InvariantCulture), int.Parse(parts[2], CultureInfo.InvariantCulture));
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Act}-{Which}-{How}");
}
