using Gateway.Tests.Store;
using Gateway.Tests.Testing;

namespace Gateway.Tests.Histories;

/// <content>What happens around the gateway: time, faults, deaths.</content>
internal sealed partial class History
{
    private static readonly HomeserverMood[] HomeserverFaults = [.. Enum.GetValues<HomeserverMood>().Where(mood => mood != HomeserverMood.Well)];
    private static readonly InterfaceMood[] InterfaceFaults = [.. Enum.GetValues<InterfaceMood>().Where(mood => mood != InterfaceMood.Well)];

    private void DoOutside(Step step)
    {
        switch (step.Act)
        {
            case Act.Wait:
                Wait(TimeSpan.FromSeconds(1 + (step.Which * step.Which * 3)));
                break;
            case Act.WaitLong:
                Wait(step.How % 3 == 0 ? TimeSpan.FromDays(1 + step.Which) : TimeSpan.FromMinutes(16 + step.Which));
                break;
            case Act.SetClock:
                _outside.Machine.Set(TimeSpan.FromMinutes((step.Which - 5) * 40));
                _log.Append("\n  it is ").Append(Now);
                break;
            case Act.Loops:
                _world.RunLoops(_random);
                break;
            case Act.HomeserverTurns:
                (_outside.Homeserver.Mood, _outside.Homeserver.MoodLasts) = (HomeserverFaults[step.Which % HomeserverFaults.Length], Lasts(step.How));
                break;
            case Act.InterfaceTurns:
                (_outside.Interface.Mood, _outside.Interface.MoodLasts) = (InterfaceFaults[step.Which % InterfaceFaults.Length], Lasts(step.How));
                break;
            case Act.InterfaceVanishes:
                _outside.Interface.Peers.Destroy();
                break;
            case Act.StrangerAppears:
                _outside.Interface.Peers.PutByHand(SomePeers.Standing(SomePeers.Number((byte)(2 + step.Which))));
                break;
            case Act.DiskFills:
                _outside.Disk.Free = 0;
                break;
            case Act.DiskFails:
                _diskFailures = 1 + (step.How % 3);
                break;
            case Act.Recover:
                Recover();
                break;
            case Act.Release:
                _outside.Homeserver.Release();
                _outside.Interface.Release(done: step.How % 2 == 0);
                break;
            default:
                DoDisk(step);
                break;
        }
    }

    private void DoDisk(Step step)
    {
        switch (step.Act)
        {
            case Act.Snapshot:
                Begin(world =>
                {
                    world.Store.Secret($"another-{step.Which}-{_lives}", () => [1]);
                    return Task.CompletedTask;
                });
                break;
            case Act.KeepCopy:
                _copy = (_outside.Disk.Copy(), _facts);
                break;
            case Act.PutBack when _copy is { } copy:
                PutBack(copy.Disk.Copy(), copy.Facts);
                break;
            case Act.Restart:
                Die(powerLoss: false);
                break;
            case Act.DieSoon or Act.LosePowerSoon:
                (_effectsToLive, _powerLoss) = ((step.Which * 3) + (step.How % 3), step.Act == Act.LosePowerSoon);
                break;
        }
    }

    /// <summary>Some faults pass after a few calls, others stay.</summary>
    private static int Lasts(int how) => how % 8 == 0 ? int.MaxValue : 1 + (how % 7);

    /// <summary>Nothing waits for longer than its deadline, and what the homeserver does late it does meanwhile.</summary>
    private void Wait(TimeSpan time)
    {
        if (time >= TimeSpan.FromSeconds(15))
        {
            _outside.Homeserver.GiveUp();
            _outside.Interface.Release(done: false);
        }

        _outside.Clock.Advance(time);
        _outside.Homeserver.CatchUp();
    }

    private void Recover()
    {
        (_outside.Homeserver.MoodLasts, _outside.Interface.MoodLasts) = (0, 0);
        MendDisk();
    }

    private void Die(bool powerLoss)
    {
        _outside.Disk.Before = _ => { };
        _picture = new Picture(_outside.After(powerLoss, _random), _facts);
    }

    /// <summary>An admin copies yesterday's directory back. What happened since is not known to it.</summary>
    private void PutBack(PowerLossDisk disk, Facts then)
    {
        var known = then.Phones.Values.SelectMany(phone => phone.Passes.Select(pass => (phone.Member, pass.MatrixDeviceId))).ToHashSet();
        var outside = new Outside(disk, _outside.Homeserver.Copy(), _outside.Interface.Copy(empty: false), _outside.Clock, _outside.Machine);
        _picture = new Picture(outside, then with
        {
            Locked = true,
            WasPutBack = true,
            Strangers = then.Strangers.Union(outside.Homeserver.All().Where(session => !known.Contains(session))).Union(outside.Homeserver.Coming()),
            Unconfirmed = [.. then.Phones.Values.Select(phone => phone.Id)],
        });
    }
}
