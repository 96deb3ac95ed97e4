using Gateway.Onboarding.Devices;
using Gateway.Onboarding.Keys;
using Gateway.Onboarding.LoginGrants;
using Gateway.Onboarding.Members;
using Gateway.Onboarding.Store;

namespace Gateway.Onboarding.Enrolment;

/// <summary>What the admin asked for. Without a <see cref="DeviceName"/> the first free default is taken. <see cref="IsDrill"/>: for the member who is nobody.</summary>
public sealed record EnrolRequest(string Member, string? DeviceName, string? DisplayName, bool Adopt, string By, string? System = null, bool IsDrill = false);

public abstract record EnrolResult
{
    private EnrolResult()
    {
    }

    /// <summary>The private key and the code exist only here, until the caller has shown them.</summary>
    public sealed record Enrolled(Device Device, PrivateKey PrivateKey, LoginCode LoginCode, DateTimeOffset LoginCodeExpiresAt) : EnrolResult;

    public sealed record Refused(Refusal Why) : EnrolResult;
}

/// <summary>
/// Path 1 of the design: intent stored → account made if new → keys and a free address → device stored → peer on the
/// interface. The homeserver comes first and the tunnel last: an interruption leaves something that nobody can reach,
/// never something open.
/// </summary>
public sealed class Enroller(
    StateWriter writer,
    AccountMaker accounts,
    AccountLocks locks,
    AddressPool addresses,
    GrantArmoury grants,
    PeersTaken peersTaken,
    EnrolmentOptions options,
    Entropy entropy,
    TimeProvider time)
{
    /// <summary>How long the interface may take to show the new peer before the enrolment is taken back.</summary>
    private static readonly TimeSpan PeerDeadline = TimeSpan.FromSeconds(10);

    public async Task<EnrolResult> EnrolAsync(EnrolRequest request, CancellationToken cancellationToken)
    {
        if (Check(request, out var localpart) is { } invalid)
        {
            return new EnrolResult.Refused(invalid);
        }

        // Addresses that end from here on are not free yet: their peers may still stand on the interface.
        var before = writer.Current;
        if (await PrepareAsync(before, localpart, request, cancellationToken) is { } refused)
        {
            return new EnrolResult.Refused(refused);
        }

        var privateKey = PrivateKey.Generate(entropy);
        var code = LoginCode.Generate(entropy);
        var result = writer.Write<(Device? Device, Refusal? Refusal)>(state =>
            Create(state, before, localpart, request, privateKey, code) is var (device, refusal) && device is not null
                ? ((device, null), [new DeviceEnrolled(device, request.By) { At = device.EnrolledAt }])
                : ((null, refusal), []));
        if (result.Device is not { } created)
        {
            return new EnrolResult.Refused(result.Refusal!);
        }

        return await OpenAsync(created, cancellationToken) is { } unreachable
            ? unreachable
            : new EnrolResult.Enrolled(created, privateKey, code, created.EnrolmentEnds + created.Grant!.Lifetime);
    }

    /// <summary>
    /// Forgets a code that nobody has used: its device and its peer are no more. A device that has connected meanwhile is
    /// left as it is, which the refusal says.
    /// </summary>
    public Refusal? Cancel(string device, string by)
    {
        var now = time.GetUtcNow();
        return writer.Write<Refusal?>(state => state.Find(device) switch
        {
            [{ IsLive: true, FirstHandshake: null } pending] => (null, [new EnrolmentEnded($"cancelled by {by}") { At = now, Device = pending.Id }, .. AccountLocks.AfterEndOf(state, pending, now)]),
            [{ IsLive: true } connected] => (new(RefusalKind.Conflict, $"{connected.Label} has connected already", $"revoke it, if it shall not: gateway revoke {connected.Label}"), []),
            _ => (new(RefusalKind.NotFound, $"there is no enrolment '{device}'", "see 'gateway devices'"), []),
        });
    }

    /// <summary>Makes sure that what ended so far is off the interface, and that there is an account which is not locked.</summary>
    private async Task<Refusal?> PrepareAsync(State before, Localpart localpart, EnrolRequest request, CancellationToken cancellationToken) =>
        await UnreachedAsync(before.Generation, cancellationToken) is { } broken
            ? new(RefusalKind.Unavailable, $"the WireGuard interface is not as it should be: {broken}", "see 'gateway status'; nothing was created")
            : await accounts.EnsureAsync(localpart, request, cancellationToken) ?? await locks.UnlockAsync(localpart, cancellationToken);

    /// <summary>Null once the new peer stands and the account is open; else the enrolment was taken back.</summary>
    private async Task<EnrolResult.Refused?> OpenAsync(Device created, CancellationToken cancellationToken)
    {
        // The end of an earlier enrolment may have locked the account at the last moment.
        if (await locks.UnlockAsync(created.Member, cancellationToken) is { } locked)
        {
            return TakeBack(created, "the account could not be unlocked", locked);
        }

        return await UnreachedAsync(writer.Current.Generation, cancellationToken) is { } why
            ? TakeBack(created, "the interface could not be driven", new(
                RefusalKind.Unavailable, $"the WireGuard interface did not take the new peer: {why}", "see 'gateway status'; the enrolment was taken back, run it again"))
            : null;
    }

    private Refusal? Check(EnrolRequest request, out Localpart localpart)
    {
        if (!Localpart.TryParse(request.Member, null, out localpart))
        {
            return new(
                RefusalKind.Invalid,
                $"'{request.Member}' cannot be a member's name",
                $"use small letters, digits, '.', '_' and '-', a letter or digit first, not digits alone, at most {Localpart.MaxLength}");
        }

        if (localpart.IsReserved && !(request.IsDrill && localpart == Localpart.Drill))
        {
            return new(RefusalKind.Invalid, $"'{localpart}' is a reserved name", "choose another: members could take it for the gateway or the admin");
        }

        if (request.DeviceName is { } name && !DeviceName.IsValid(name))
        {
            return new(RefusalKind.Invalid, $"'{name}' cannot be a device's name", $"use letters, digits, '.', '_' and '-', at most {DeviceName.MaxLength}, for example 'phone' or 'laptop'");
        }

        return request.DisplayName is { Length: > 100 }
            ? new(RefusalKind.Invalid, "the display name is longer than 100 characters", "shorten it")
            : Clash(writer.Current, localpart, request);
    }

    private Refusal Full(State state) => new(
        RefusalKind.Conflict,
        $"all {addresses.Size - 1} tunnel addresses of {addresses.Network} are taken: {state.Devices.Values.Count(device => device.IsLive)} by live devices, the others by devices that had one",
        "enlarge Tunnel:Network; an address that was in use is not given out twice");

    private Refusal? Clash(State state, Localpart localpart, EnrolRequest request)
    {
        if (state.Members.TryGetValue(localpart, out var member) && member.State == MemberState.Left)
        {
            return new(RefusalKind.Conflict, $"'{localpart}' belonged to a member who left", "choose another name: an identity is not handed on");
        }

        if (request.DeviceName is { } name && state.DevicesOf(localpart).Any(device => device.IsLive && device.Name == name))
        {
            return new(RefusalKind.Conflict, $"{localpart} already has a device '{name}'", $"choose another name, or revoke it first: gateway revoke {localpart}/{name}");
        }

        return addresses.Next(state.Devices) is null ? Full(state) : null;
    }

    private (Device? Device, Refusal? Refusal) Create(State state, State before, Localpart localpart, EnrolRequest request, PrivateKey privateKey, LoginCode code)
    {
        if (Clash(state, localpart, request) is { } clash)
        {
            return (null, clash);
        }

        if (addresses.Next(state.Devices, before.Devices) is not { } address)
        {
            return (null, Full(state));
        }

        var now = time.GetUtcNow();
        var names = state.DevicesOf(localpart).Where(device => device.IsLive).Select(device => device.Name).ToHashSet(StringComparer.Ordinal);
        return (new Device
        {
            Id = DeviceId.Generate(entropy),
            Member = localpart,
            Name = request.DeviceName ?? DeviceName.Free(DeviceName.Default, names.Contains),
            System = request.System,
            TunnelAddress = address,
            PublicKey = privateKey.PublicKey(),
            PresharedKey = PresharedKey.Generate(entropy),
            Standing = Standing.Admitted,
            EnrolledAt = now,
            EnrolmentEnds = now + options.Expire,
            FirstHandshake = null,

            // It replaces a lost one, which may still hold the member's cross-signing and recovery secrets.
            Grant = grants.Make(code, request.By, firstHandshake: null, armsReset: state.DevicesOf(localpart).Any(device => device.Revocation is not null)),
            Sessions = [],
            Revocation = null,
        }, null);
    }

    /// <summary>Null once the interface shows the state of this generation; else why it does not.</summary>
    private async Task<string?> UnreachedAsync(long generation, CancellationToken cancellationToken)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(PeerDeadline);
        return await peersTaken(generation, deadline.Token);
    }

    private EnrolResult.Refused TakeBack(Device device, string why, Refusal refusal)
    {
        var now = time.GetUtcNow();
        writer.Write<bool>(state => (true, [new EnrolmentEnded(why) { At = now, Device = device.Id }, .. AccountLocks.AfterEndOf(state, device, now)]));
        return new(refusal);
    }
}
