using System.Text.Json;
using Gateway.Onboarding.Devices;
using Gateway.Onboarding.Keys;
using Gateway.Onboarding.Store;
using Gateway.Tests.Store;

namespace Gateway.Tests.Histories;

/// <content>What must hold after each step, and at the end.</content>
internal sealed partial class History
{
    private const string Versions = "/_matrix/client/versions";

    private readonly List<(World World, DeviceId Device, Task<GateAnswer> Asked)> _polls = [];
    private readonly List<Task> _cutPolls = [];
    private int _checks;
    private bool _checking;

    /// <summary>The gateway's own time, which never goes back.</summary>
    private DateTimeOffset Now => _world.Service<TimeProvider>().GetUtcNow();

    /// <summary>Each intent, the moment it is written: once more changes nothing.</summary>
    private void Watch()
    {
        var world = _world;
        var before = world.State;
        if (_facts.Unconfirmed.Count > 0 || world.Store.WasRestored)
        {
            Assert.True(!world.Store.WasRestored || before.LockedSince is not null, "a store that was put back starts locked");
        }

        world.Writer.Watch(change =>
        {
            var state = before;
            foreach (var intent in change.Intents)
            {
                state = Transition.Apply(state, intent);
                CheckRepeat(state, intent);
            }

            Assert.True(change.Intents.IsEmpty || SameAs(state, change.State), "the intents make the state");
            before = change.State;
        });
    }

    private static void CheckRepeat(State once, Intent intent)
    {
        var twice = Transition.Apply(once, intent);
        var same = intent switch
        {
            DeviceIntent { Device: var id } => Text(once.Devices.GetValueOrDefault(id)) == Text(twice.Devices.GetValueOrDefault(id)),
            MemberIntent { Localpart: var name } => Text(once.Members.GetValueOrDefault(name)) == Text(twice.Members.GetValueOrDefault(name)),
            _ => true,
        };
        Assert.True(same, $"{intent.GetType().Name} changes something the second time");
    }

    private static bool SameAs(State one, State other) =>
        one.Generation == other.Generation && one.LockedSince == other.LockedSince && one.Devices.Count == other.Devices.Count && one.Members.Count == other.Members.Count;

    private static string Text<T>(T? value) => JsonSerializer.Serialize(value, StoreJson.Options);

    private void CheckAll()
    {
        _thread.Run(() =>
        {
            _checking = true;
            foreach (var phone in _facts.Phones.Values)
            {
                CheckPhone(phone);
            }

            CheckAddresses();
            Assert.DoesNotContain(_facts.Expired.Keys, State.Devices.ContainsKey);
            CheckSteps();
            CheckInterface();
            _checking = false;
        });
        if (_checks++ % 12 == 0)
        {
            CheckStore();
        }
    }

    /// <summary>4: what is on the disk is what is in memory.</summary>
    private void CheckStore()
    {
        using var key = new MasterKey([.. Key]);
        using var sealer = new Sealer(key, new Entropy());
        Assert.Equal(SomeHistory.Text(State), SomeHistory.Text(StoredFiles.Peek(_outside.Disk, sealer)));
    }

    private void CheckPhone(Phone phone)
    {
        var device = State.Devices.GetValueOrDefault(phone.Id);
        if (_facts.Revoked.ContainsKey(phone.Id))
        {
            // 2: from the instant of the answer, and after every restart.
            Assert.True(device is { IsLive: false, Revocation: not null }, $"{phone.Id}: an accepted revocation is gone");
        }
        else if (device is null)
        {
            Assert.False(phone.Connected, $"{phone.Id}: a connected device vanished");
            Assert.True(Now > phone.EnrolmentEnds, $"{phone.Id}: an enrolment ended before its time");
            _facts = _facts with { Phones = _facts.Phones.Remove(phone.Id.ToString()), Expired = _facts.Expired.Add(phone.Id, phone.Key) };
            return;
        }

        if (device is { FirstHandshake: not null } && !phone.Connected)
        {
            _facts = _facts.With(phone with { Connected = true });
        }

        CheckGate(phone, device);
    }

    private void CheckGate(Phone phone, Device? device)
    {
        var mayPass = device is { IsLive: true, AwaitsConfirmation: false } && _facts.Locked != true && !_facts.Revoked.ContainsKey(phone.Id)
            && !_shutDoors.Contains(phone.Id.ToString()) && !_facts.Unconfirmed.Contains(phone.Id);
        if (!mayPass)
        {
            // Without a token: what is told to a quarantined phone's own token counts as delivered.
            Assert.False(Ask(phone, Versions, null).Forwarded, $"{phone.Id}: a request passed although it is shut out");
        }

        foreach (var pass in phone.Passes.Where(pass => pass.Used || device is not { HasPeer: true }))
        {
            var wasTold = device?.Sessions.FirstOrDefault(session => session.MatrixDeviceId == pass.MatrixDeviceId)?.EraseDelivered is not null;
            if (device is { IsLive: true } or null or { HasPeer: false } || wasTold)
            {
                var answer = Ask(phone, "/_matrix/client/v3/account/whoami", pass.Token);
                CheckAnswer(phone.Id, answer, pass);
                Assert.True(mayPass || !answer.Forwarded, $"{phone.Id}: its token passed although it is shut out");
                CheckLive(phone, pass, answer, mayPass);
            }
        }

        // Somebody else's token is nothing here.
        if (_facts.Phones.Values.FirstOrDefault(other => other.Id != phone.Id && !other.Passes.IsEmpty) is { } leaky)
        {
            if (device?.Standing != Standing.Quarantined)
            {
                var answer = Ask(phone, "/_matrix/client/v3/account/whoami", leaky.Passes[^1].Token);
                CheckAnswer(phone.Id, answer);
                Assert.False(answer.Forwarded, "a leaked token passed");
            }
        }
    }

    /// <summary>1: a login that was answered and used stays good.</summary>
    private void CheckLive(Phone phone, Pass pass, GateAnswer answer, bool mayPass)
    {
        if (mayPass && _facts.Locked == false && answer.Status != 429 && pass is { Used: true, LoggedOut: false } && !phone.EndAsked
            && _outside.Homeserver.Knows(pass.Token) && _diskFailures == 0)
        {
            var session = State.Devices[phone.Id].Sessions.FirstOrDefault(one => one.MatrixDeviceId == pass.MatrixDeviceId);
            Assert.True(answer.Forwarded, $"{phone.Id}: a live session was refused with {answer.Status}; its record: {Text(session)}");
        }
    }

    private GateAnswer Ask(Phone phone, string target, string? token)
    {
        var (mood, lasts) = (_outside.Homeserver.Mood, _outside.Homeserver.MoodLasts);
        _outside.Homeserver.MoodLasts = 0;
        var asked = _world.AskAsync(phone.Address, "GET", target, token);
        (_outside.Homeserver.Mood, _outside.Homeserver.MoodLasts) = (mood, lasts);
        Assert.True(asked.IsCompleted, "the gate waits for nothing but the homeserver");
        return asked.GetAwaiter().GetResult();
    }

    /// <summary>Shutting is not erasing: the order to erase goes to revoked devices, and to sessions that were ended or are gone.</summary>
    private void CheckAnswer(DeviceId id, GateAnswer answer, Pass? pass = null)
    {
        if (!answer.OrdersToErase)
        {
            return;
        }

        var device = State.Devices.GetValueOrDefault(id);
        var ended = pass is not null && (_facts.Phones.GetValueOrDefault(id.ToString())?.Passes.FirstOrDefault(one => one.Token == pass.Token)?.LoggedOut != false || !_outside.Homeserver.Knows(pass.Token));
        Assert.True(device is { Revocation: not null } || ended, $"{id}: a live device was told to erase its data");
    }

    /// <summary>An open request of a revoked device has ended.</summary>
    private void CheckPolls(World world, IReadOnlyList<DeviceId> ended)
    {
        var open = _polls.Where(poll => poll.World == world && ended.Contains(poll.Device)).ToList();
        _polls.RemoveAll(poll => poll.Asked.IsCompleted || poll.World != _world);
        _cutPolls.AddRange(open.Select(poll => poll.Asked));
    }

    /// <summary>7: an address that saw a handshake belongs to one device for ever.</summary>
    private void CheckAddresses()
    {
        Assert.All(_cutPolls, poll => Assert.True(poll.IsCompleted, "an open request outlived the revocation"));
        _cutPolls.Clear();
        foreach (var device in State.Devices.Values)
        {
            if (_facts.Addresses.TryGetValue(device.TunnelAddress, out var owner))
            {
                Assert.True(owner == device.Id, $"{device.TunnelAddress} was {owner}'s and is {device.Id}'s");
            }
            else if (device.FirstHandshake is not null)
            {
                _facts = _facts with { Addresses = _facts.Addresses.Add(device.TunnelAddress, device.Id) };
            }
        }

        var twice = State.Devices.Values.GroupBy(device => device.TunnelAddress).FirstOrDefault(group => group.Count() > 1);
        Assert.True(twice is null, $"{twice?.Key} is given out twice");
    }

    /// <summary>2 and 3: a step that says done is done.</summary>
    private void CheckSteps()
    {
        foreach (var device in State.Devices.Values.Where(device => device.Revocation is not null))
        {
            if (device.Revocation![StepName.MatrixSessions].IsOpen || !_outside.Homeserver.Accounts.TryGetValue(device.Member.ToString(), out var account))
            {
                continue;
            }

            foreach (var session in device.Sessions.Where(session => !_facts.Strangers.Contains((device.Member.ToString(), session.MatrixDeviceId))))
            {
                Assert.False(account.Sessions.ContainsKey(session.MatrixDeviceId), $"{device.Id} is said to be finished, and {session.MatrixDeviceId} is there");
                Assert.False(account.Pushers.Contains(session.MatrixDeviceId), $"{device.Id} is said to be finished, and a pusher is there");
                Assert.False(_outside.Homeserver.MayStillOpen(device.Member.ToString(), session.MatrixDeviceId), $"{device.Id} is said to be finished, and {session.MatrixDeviceId} may still open");
            }
        }
    }

    /// <summary>2 and 8: what a good pass of this very state leaves on the interface.</summary>
    private void CheckInterface()
    {
        if (_world.Reconciler.VerifiedGeneration != State.Generation)
        {
            return;
        }

        var standing = _outside.Interface.Peers.Peers.Select(peer => peer.PublicKey).ToHashSet();
        foreach (var phone in _facts.Phones.Values.Where(phone => standing.Contains(phone.Key)))
        {
            Assert.False(_facts.Revoked.GetValueOrDefault(phone.Id), $"{phone.Id} was cut and its peer stands");
        }

        Assert.DoesNotContain(_facts.Expired.Values, standing.Contains);
    }
}
