using System.Net;
using Gateway.Onboarding.Devices;
using Gateway.Onboarding.Keys;
using Gateway.Onboarding.LoginGrants;
using Gateway.Onboarding.Members;
using Gateway.Onboarding.Store;

namespace Gateway.Onboarding.Enrolment;

/// <summary>What the admin asked for. Without a <see cref="DeviceName"/> the first free default is taken.</summary>
public sealed record EnrolRequest(string Member, string? DeviceName, string? DisplayName, bool Adopt, string By, string? System = null);

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
    AddressPool addresses,
    GrantArmoury grants,
    PeersApplied peersApplied,
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

        if (await accounts.EnsureAsync(localpart, request, cancellationToken) is { } refused)
        {
            return new EnrolResult.Refused(refused);
        }

        var privateKey = PrivateKey.Generate(entropy);
        var code = LoginCode.Generate(entropy);
        var result = writer.Write<(Device? Device, Refusal? Refusal)>(state =>
            Create(state, localpart, request, privateKey, code) is var (device, refusal) && device is not null
                ? ((device, null), [new DeviceEnrolled(device, request.By) { At = device.EnrolledAt }])
                : ((null, refusal), []));
        if (result.Device is not { } created)
        {
            return new EnrolResult.Refused(result.Refusal!);
        }

        if (await AwaitPeerAsync(created, cancellationToken) is { } unreachable)
        {
            return new EnrolResult.Refused(unreachable);
        }

        return new EnrolResult.Enrolled(created, privateKey, code, created.EnrolmentEnds + created.Grant!.Lifetime);
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

        if (localpart.IsReserved)
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

    private static IEnumerable<IPAddress> TakenAddresses(State state) => state.Devices.Values.Select(device => device.TunnelAddress);

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

        return addresses.Next(TakenAddresses(state)) is null
            ? new(
                RefusalKind.Conflict,
                $"all {addresses.Size - 1} tunnel addresses of {addresses.Network} are in use or were used",
                "enlarge Tunnel:Network; addresses are not given out twice")
            : null;
    }

    private (Device? Device, Refusal? Refusal) Create(State state, Localpart localpart, EnrolRequest request, PrivateKey privateKey, LoginCode code)
    {
        if (Clash(state, localpart, request) is { } clash)
        {
            return (null, clash);
        }

        var now = time.GetUtcNow();
        var names = state.DevicesOf(localpart).Where(device => device.IsLive).Select(device => device.Name).ToHashSet(StringComparer.Ordinal);
        return (new Device
        {
            Id = DeviceId.Generate(entropy),
            Member = localpart,
            Name = request.DeviceName ?? DeviceName.Free(DeviceName.Default, names.Contains),
            System = request.System,
            TunnelAddress = addresses.Next(TakenAddresses(state))!,
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

    private async Task<Refusal?> AwaitPeerAsync(Device device, CancellationToken cancellationToken)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(PeerDeadline);
        var why = await peersApplied(writer.Current.Generation, deadline.Token);
        if (why is null)
        {
            return null;
        }

        writer.Write(new EnrolmentEnded("the interface could not be driven") { At = time.GetUtcNow(), Device = device.Id });
        return new(RefusalKind.Unavailable, $"the WireGuard interface did not take the new peer: {why}", "see 'gateway status'; the enrolment was taken back, run it again");
    }
}
