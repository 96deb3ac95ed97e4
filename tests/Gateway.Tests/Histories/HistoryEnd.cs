using Gateway.Onboarding.Devices;
using Gateway.Onboarding.Members;

namespace Gateway.Tests.Histories;

/// <content>Once every fault is over and time passes, everything comes to its end.</content>
internal sealed partial class History
{
    private void RecoverAll()
    {
        _effectsToLive = -1;
        _thread.Run(() =>
        {
            Recover();
            _outside.Homeserver.Release();
            _outside.Interface.Release(done: true);
            Unlock();
        });
        Loops(TimeSpan.FromSeconds(20), 8);
        CheckAll();
        CheckExpired();
        Loops(TimeSpan.FromDays(8), 1);
        Loops(TimeSpan.FromSeconds(31), 6);
        _world.Work();
        Loops(TimeSpan.FromSeconds(1), 2);
        CheckAll();
        CheckStore();
        CheckEnd();
    }

    private void Loops(TimeSpan time, int times)
    {
        for (var turn = 0; turn < times; turn++)
        {
            _thread.Run(() =>
            {
                Wait(time);
                _world.RunLoops(_random);
            });
            _thread.Run(() => _world.RunLoops(_random));
        }
    }

    /// <summary>
    /// 8: an enrolment that nobody used is gone when its time is over, whatever failed before and whatever the clock was set
    /// to. How long the gateway did not run, it cannot know where the clock went back meanwhile.
    /// </summary>
    private void CheckExpired()
    {
        var stale = State.Devices.Values.FirstOrDefault(device => device is { IsLive: true, FirstHandshake: null }
            && (device.EnrolmentEnds + TimeSpan.FromMinutes(1) < Now
                || (_facts.Phones.GetValueOrDefault(device.Id.ToString()) is { } phone && TimeSpan.FromMinutes(16) < _outside.Clock.GetElapsedTime(0) - (phone.EnrolledAt > _startedAt ? phone.EnrolledAt : _startedAt))));
        Assert.True(stale is null, $"{stale?.Id} was not used in time and is there");
    }

    private void CheckEnd()
    {
        var unfinished = State.Devices.Values.FirstOrDefault(device => device.Revocation is { IsFinished: false });
        Assert.True(unfinished is null, $"{unfinished?.Id} is not finished: {Text(unfinished?.Revocation)}");
        Assert.DoesNotContain(State.Members.Values, member => member.Leaving is { ClosedAt: null });
        CheckExpired();
        Assert.Equal(
            State.Devices.Values.Where(device => device.IsLive).Select(device => device.PublicKey.ToString()).Order(StringComparer.Ordinal),
            _outside.Interface.Peers.Peers.Select(peer => peer.PublicKey.ToString()).Order(StringComparer.Ordinal));
        CheckSessionsAtTheEnd();
        CheckLocksAtTheEnd();
    }

    /// <summary>8: an account whose enrolments nobody used is locked; one with a device is not.</summary>
    private void CheckLocksAtTheEnd()
    {
        if (_facts.WasPutBack)
        {
            // What the homeserver was asked to lock or unlock since then is not known to anybody.
            return;
        }

        foreach (var member in State.Members.Values.Where(member => member.State == MemberState.Active))
        {
            var account = _outside.Homeserver.Accounts[member.Localpart.ToString()];
            var devices = State.DevicesOf(member.Localpart).ToList();
            Assert.False(account.Locked && devices.Exists(device => device.IsLive), $"{member.Localpart}'s account is locked and has a live device: {Text(member)}");
            Assert.True(
                account.Locked || account.Closed || devices.Count > 0 || !_facts.Joined.Contains(member.Localpart.ToString()),
                $"nobody used {member.Localpart}'s account and it is open: {Text(member)}");
        }
    }

    /// <summary>No session that no device owns: what the homeserver has is ours, open, and a live device's.</summary>
    private void CheckSessionsAtTheEnd()
    {
        var owned = State.Devices.Values.Where(device => device.IsLive)
            .SelectMany(device => device.Sessions.Where(session => session.State == MatrixSessionState.Open).Select(session => (device.Member.ToString(), session.MatrixDeviceId)))
            .ToHashSet();
        Assert.All(_outside.Homeserver.All(), session => Assert.True(
            owned.Contains(session) || _facts.Strangers.Contains(session), $"{session} is on the homeserver and no live device owns it"));
        Assert.DoesNotContain(
            State.Devices.Values.Where(device => device.IsLive).SelectMany(device => device.Sessions),
            session => session.State == MatrixSessionState.Opening || session.ToDelete);
        foreach (var member in _facts.Left)
        {
            Assert.True(!_facts.Joined.Contains(member) || _outside.Homeserver.Accounts[member].Closed, $"{member} left and the account is open");
            Assert.Equal(MemberState.Left, State.Members[Localpart.Parse(member, null)].State);
        }
    }
}
