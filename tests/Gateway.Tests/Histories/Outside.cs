using Gateway.Onboarding.Keys;
using Gateway.Tests.Store;
using Gateway.Tests.Testing;
using Microsoft.Extensions.Time.Testing;

namespace Gateway.Tests.Histories;

/// <summary>What outlives the gateway: its disk, the homeserver, the interface, time as it passes, and the machine's clock, which can be set.</summary>
internal sealed record Outside(PowerLossDisk Disk, MemoryHomeserver Homeserver, MoodyInterface Interface, FakeTimeProvider Clock, MachineClock Machine)
{
    /// <summary>How a gateway that starts now would find it, if the one that runs died at this very moment.</summary>
    public Outside After(bool powerLoss, Entropy random) => new(
        powerLoss ? Disk.AfterPowerLoss(random) : Disk.AfterKill(),
        Homeserver.Copy(),
        Interface.Copy(empty: powerLoss),
        Clock,
        Machine);

    /// <summary>Names every effect: the place for a test to fail, or to die at.</summary>
    public void Tell(Action<string> reached)
    {
        Disk.Before = what => reached($"disk {what}");
        Homeserver.Reached = reached;
        Interface.Reached = reached;
    }
}
