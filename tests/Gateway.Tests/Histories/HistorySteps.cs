using System.Net;
using System.Text.Json.Nodes;
using Gateway.Admin;
using Gateway.Onboarding.Devices;
using Gateway.Onboarding.Enrolment;
using Gateway.Onboarding.LoginGrants;
using Gateway.Onboarding.Revocation;
using Gateway.Onboarding.Store;
using Gateway.Tunnel;

namespace Gateway.Tests.Histories;

/// <content>What each step does, and what is known once it was answered.</content>
internal sealed partial class History
{
    private static readonly string[] Members = ["alice", "bob", "carol"];

    private void Do(Step step)
    {
        switch (step.Act)
        {
            case Act.Enrol:
                Begin(world => EnrolAsync(world, Members[step.Which % Members.Length]));
                break;
            case Act.Connect:
                Connect(step);
                break;
            case Act.Login:
                Begin(world => LoginAsync(world, SomePhoneInTheTunnel(step.Which), step.How));
                break;
            case Act.LoginTwice:
                Begin(world => LoginAsync(world, SomePhoneInTheTunnel(step.Which), step.How & ~3));
                Begin(world => LoginAsync(world, SomePhoneInTheTunnel(step.Which), step.How & ~3));
                break;
            case Act.LoginHeld:
                WithSlowHomeserver(() => Begin(world => LoginAsync(world, SomePhoneInTheTunnel(step.Which), how: 0)));
                break;
            case Act.Use:
                Begin(world => UseAsync(world, SomePhoneInTheTunnel(step.Which), step.How));
                break;
            case Act.Poll:
                Begin(world => PollAsync(world, SomePhoneInTheTunnel(step.Which)));
                break;
            case Act.Logout:
                Begin(world => LogoutAsync(world, SomePhoneInTheTunnel(step.Which)));
                break;
            case Act.AllowLogin:
                AllowLogin(step);
                break;
            case Act.Revoke:
                Revoke(SomeDevices(step, 1), cut: false);
                break;
            case Act.Cut:
                Revoke(SomeDevices(step, 1), cut: true);
                break;
            case Act.RevokeSeveral:
                Revoke(SomeDevices(step, 3), cut: step.How % 2 == 0);
                break;
            case Act.MemberLeaves:
                Leave(Members[step.Which % Members.Length], cut: step.How % 2 == 0);
                break;
            case Act.Lock:
                Lock();
                break;
            case Act.Unlock:
                Unlock();
                break;
            default:
                DoOutside(step);
                break;
        }
    }

    /// <summary>Starts something that may have to wait for the world outside. Its acknowledgement counts if its gateway was alive then.</summary>
    private void Begin(Func<World, Task> act) => _underWay.Add(TryAsync(_world, act));

    private static async Task TryAsync(World world, Func<World, Task> act)
    {
        try
        {
            await act(world);
        }
        catch (StoreException)
        {
            // Said so to who asked: nothing is acknowledged.
        }
    }

    /// <summary>What is learnt from an answer. The dead tell nothing.</summary>
    private void Learn(World from, Func<Facts, Facts> learn)
    {
        if (from == _world && _picture is null)
        {
            _facts = learn(_facts);
        }
    }

    private Phone? SomePhone(int which) => _facts.Phones.IsEmpty ? null : _facts.Phones.Values.ElementAt(which % _facts.Phones.Count);

    /// <summary>One whose packets arrive: the interface has its peer, with its address.</summary>
    private Phone? SomePhoneInTheTunnel(int which) => SomePhone(which) is { } phone && PeerOf(phone) is not null ? phone : null;

    private Peer? PeerOf(Phone phone) =>
        _outside.Interface.Peers.Peers.FirstOrDefault(peer => peer.PublicKey == phone.Key && peer.AllowedIPs.Any(allowed => allowed.BaseAddress.Equals(phone.Address)));

    private List<Device> SomeDevices(Step step, int count)
    {
        var all = State.Devices.Values.OrderBy(device => device.Id.ToString(), StringComparer.Ordinal).ToList();
        return [.. Enumerable.Range(step.Which, Math.Min(count, all.Count)).Select(index => all[index % all.Count])];
    }

    private async Task EnrolAsync(World world, string member)
    {
        if (await world.Service<Enroller>().EnrolAsync(new EnrolRequest(member, null, null, Adopt: false, "admin"), default) is EnrolResult.Enrolled(var device, var key, var code, _))
        {
            key.Dispose();
            _log.Append("\n  enrolled ").Append(device.Id);
            Learn(world, facts => (facts with { Joined = facts.Joined.Add(member) }).With(new Phone(device.Id, member, device.TunnelAddress, device.PublicKey, device.EnrolmentEnds)
            {
                Codes = [code.Reveal()],
                EnrolledAt = _outside.Clock.GetElapsedTime(0),
            }));
        }
    }

    /// <summary>A handshake, if the interface has the phone's peer with its address; the loops will see it.</summary>
    private void Connect(Step step)
    {
        if (SomePhone(step.Which) is { } phone && PeerOf(phone) is { } peer)
        {
            _outside.Interface.Peers.PutByHand(peer with { LastHandshake = _outside.Machine.GetUtcNow(), Endpoint = new IPEndPoint(IPAddress.Loopback, 1000) });
        }

        if (step.How % 4 > 0)
        {
            _world.RunLoops(_random);
        }
    }

    /// <summary>With the newest code, or now and then with another one's, or an older one; for a session of its own, a fresh one, or somebody else's.</summary>
    private async Task LoginAsync(World world, Phone? phone, int how)
    {
        if (phone is null)
        {
            return;
        }

        var others = _facts.Phones.Values.Where(other => other.Id != phone.Id).ToList();
        var code = how % 8 == 7 && others.Count > 0 ? others[how % others.Count].Codes[^1] : phone.Codes[how % 5 == 4 ? 0 : ^1];
        var wish = (how / 8) switch
        {
            1 => phone.Passes.LastOrDefault()?.MatrixDeviceId,
            2 => others.SelectMany(other => other.Passes).LastOrDefault()?.MatrixDeviceId,
            _ => null,
        };
        if (phone.Passes.FirstOrDefault(pass => pass.MatrixDeviceId == wish) is { } replaced)
        {
            // Whoever opens a session anew has no use for its old token: it may be void from here on.
            _facts = _facts.With(phone.Id, now => now with { Passes = now.Passes.Replace(replaced, replaced with { Used = false }) });
        }

        var body = new JsonObject { ["type"] = "m.login.password", ["password"] = code, ["device_id"] = wish };
        var answer = await world.AskAsync(phone.Address, "POST", "/_matrix/client/v3/login", body: body.ToJsonString());
        CheckAnswer(phone.Id, answer);
        if (answer.Status == 200)
        {
            Assert.False(world == _world && _picture is null && _facts.Revoked.ContainsKey(phone.Id), $"{phone.Id} was let in after its revocation");
            Assert.False(
                world == _world && _facts.Phones.GetValueOrDefault(phone.Id.ToString())?.Passes.Exists(pass => pass.Code == code && pass.Used) == true,
                $"{phone.Id}: a spent code opened a second session");
            var reply = JsonNode.Parse(answer.Body)!;
            var pass = new Pass((string)reply["device_id"]!, (string)reply["access_token"]!, code);
            _log.Append("\n  signed in as ").Append(pass.MatrixDeviceId);
            Learn(world, facts => facts.With(phone.Id, now => now with { Passes = now.Passes.RemoveAll(old => old.MatrixDeviceId == pass.MatrixDeviceId).Add(pass) }));
        }
    }

    private async Task UseAsync(World world, Phone? phone, int how)
    {
        if (phone is null || phone.Passes.IsEmpty)
        {
            return;
        }

        var pass = phone.Passes[how % phone.Passes.Count];
        var answer = how % 3 == 0
            ? await world.AskAsync(phone.Address, "POST", "/_matrix/client/v3/pushers/set", pass.Token, """{"kind":null}""")
            : await world.AskAsync(phone.Address, "GET", "/_matrix/client/v3/account/whoami", pass.Token);
        CheckAnswer(phone.Id, answer, pass);
        if (answer.Forwarded)
        {
            Learn(world, facts => facts.With(phone.Id, now => Change(now, pass with { Used = true })));
        }
    }

    /// <summary>A long poll, which stays open until something ends it.</summary>
    private async Task PollAsync(World world, Phone? phone)
    {
        if (phone?.Passes.LastOrDefault() is not { } pass)
        {
            return;
        }

        Task<GateAnswer> asked = null!;
        WithSlowHomeserver(() => asked = world.AskAsync(phone.Address, "GET", "/_matrix/client/v3/sync", pass.Token));
        if (!asked.IsCompleted)
        {
            Learn(world, facts => facts.With(phone.Id, now => Change(now, pass with { Used = true })));
            _polls.Add((world, phone.Id, asked));
        }

        CheckAnswer(phone.Id, await asked, pass);
    }

    /// <summary>The next thing that it is asked waits, until it is released or nobody waits for it any more.</summary>
    private void WithSlowHomeserver(Action act)
    {
        var (mood, lasts) = (_outside.Homeserver.Mood, _outside.Homeserver.MoodLasts);
        (_outside.Homeserver.Mood, _outside.Homeserver.MoodLasts) = (HomeserverMood.Slow, 1);
        act();
        (_outside.Homeserver.Mood, _outside.Homeserver.MoodLasts) = (mood, lasts);
    }

    private async Task LogoutAsync(World world, Phone? phone)
    {
        if (phone?.Passes.LastOrDefault() is not { } pass)
        {
            return;
        }

        // Known from here on, whatever the answer will be.
        _facts = _facts.With(phone.Id, now => Change(now, pass with { LoggedOut = true }));
        CheckAnswer(phone.Id, await world.AskAsync(phone.Address, "POST", "/_matrix/client/v3/logout", pass.Token), pass);
    }

    private static Phone Change(Phone phone, Pass pass) =>
        phone with
        {
            Passes = [.. phone.Passes.Select(old => old.Token == pass.Token ? pass with { Used = pass.Used || old.Used, LoggedOut = pass.LoggedOut || old.LoggedOut } : old)],
        };

    private void AllowLogin(Step step) => Begin(world =>
    {
        if (SomePhone(step.Which) is { } phone && world.Service<GrantArmoury>().Arm(world.Writer, phone.Id.ToString(), "admin") is ArmResult.Armed armed)
        {
            Learn(world, facts => facts.With(phone.Id, now => now with { Codes = now.Codes.Add(armed.LoginCode.Reveal()) }));
        }

        return Task.CompletedTask;
    });

    private void Revoke(List<Device> devices, bool cut)
    {
        foreach (var device in devices)
        {
            Begin(world => EndAsync(world, [device.Id], () => world.Revoker.RevokeDevice(device.Id.ToString(), cut, "admin"), cut));
        }
    }

    private void Leave(string member, bool cut) => Begin(async world =>
    {
        var devices = State.Devices.Values.Where(device => device.Member.ToString() == member && (device.IsLive || (cut && device.HasPeer))).Select(device => device.Id).ToList();
        if (await EndAsync(world, devices, () => world.Revoker.RevokeMember(member, cut, erase: false, "admin"), cut))
        {
            Learn(world, facts => facts with { Left = facts.Left.Add(member) });
        }
    });

    private Task<bool> EndAsync(World world, IReadOnlyList<DeviceId> devices, Func<RevokeResult> revoke, bool cut)
    {
        foreach (var id in devices)
        {
            _facts = _facts.With(id, phone => phone with { EndAsked = true });
        }

        try
        {
            if (revoke() is not RevokeResult.Revoked(var ended))
            {
                return Task.FromResult(false);
            }

            // The answer says what is done: that no request passes any more.
            Assert.All(ended, id => Assert.Equal(StepState.Done, world.State.Devices[id].Revocation![StepName.Blocked].State));
            Learn(world, facts => facts with { Revoked = facts.Revoked.SetItems(ended.Select(id => KeyValuePair.Create(id, cut || facts.Revoked.GetValueOrDefault(id)))) });
            CheckPolls(world, ended);
            return Task.FromResult(true);
        }
        catch (StoreException)
        {
            // "Blocked, but only until the gateway is restarted."
            _shutDoors.UnionWith(devices.Select(id => id.ToString()));
            CheckPolls(world, devices);
            return Task.FromResult(false);
        }
    }

    private void Lock()
    {
        _facts = _facts with { Locked = _facts.Locked == true ? true : null };
        Begin(world =>
        {
            LockApi.Lock(world.Writer, Now, "admin");
            Learn(world, facts => facts with { Locked = true });
            return Task.CompletedTask;
        });
    }

    private void Unlock()
    {
        // Asked for: from here on nobody knows, until it is answered.
        _facts = _facts with { Locked = _facts.Locked == false ? false : null, Unconfirmed = [] };
        Begin(world =>
        {
            var (view, _) = LockApi.Unlock(world.Writer, Now, "admin", device: null, all: true);
            Assert.False(view!.Locked);
            Learn(world, facts => facts with { Locked = false });
            return Task.CompletedTask;
        });
    }
}
