using System.Globalization;
using System.Reflection;
using Gateway.Listening;
using Gateway.Onboarding.Audit;
using Gateway.Onboarding.Devices;
using Gateway.Onboarding.Enrolment;
using Gateway.Onboarding.Members;
using Gateway.Onboarding.Store;
using Gateway.Proxy;
using Gateway.Tunnel;

namespace Gateway.Admin;

/// <summary>The gateway's health in one glance. Everything is known already: reading it costs the homeserver and the interface nothing.</summary>
internal sealed class StatusReport(
    StateWriter writer,
    StoreFile store,
    DeviceViews views,
    PeerReconciler reconciler,
    HomeserverWatch homeserver,
    AdminAccount account,
    MemberCertificate certificate,
    AuditLog audit,
    GatewayOptions gateway,
    TunnelOptions tunnel,
    HomeserverOptions homeserverOptions,
    SteadyClock time)
{
    private readonly DateTimeOffset _startedAt = time.GetUtcNow();

    public StatusView Read()
    {
        var state = writer.Current;
        var health = reconciler.Health;
        PartView[] parts =
        [
            new(health.Error is null, health.Error ?? $"{tunnel.Interface}, {state.Devices.Values.Count(device => device.HasPeer)} peers as desired"),
            new(homeserver.Fault is null, homeserver.Fault ?? $"{homeserverOptions.BaseUrl} answers"),
            new(store.SnapshotFault is null, store.SnapshotFault ?? $"{state.Generation} changes stored"),
            Certificate(),
            new(time.Fault is null, time.Fault ?? "runs steadily"),
            new(audit.Fault is null, audit.Fault ?? $"written up to entry {audit.LastNumber}"),
        ];
        return new StatusView(
            gateway.ServerName,
            typeof(StatusReport).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown",
            _startedAt,
            parts.All(part => part.Ok) && LockApi.Of(state) is { Locked: false, Unconfirmed: 0 },
            LockApi.Of(state),
            parts[0],
            parts[1],
            parts[2],
            parts[3],
            parts[4],
            Account(state),
            Counts(state),
            parts[5]);
    }

    private CountsView Counts(State state) => new(
        state.Members.Values.Count(member => member.State == MemberState.Active && member.Localpart != Localpart.Drill),
        state.Devices.Values.Count(device => device.IsLive),
        state.Devices.Values.Count(views.IsOnline),
        state.Devices.Values.Count(device => device.State == DeviceState.SignedIn),
        state.Devices.Values.Count(device => device.State == DeviceState.Quarantined),
        state.Devices.Values.Count(device => device.Revocation is { IsFinished: false }),
        state.Devices.Values.Count(device => device is { IsLive: true, KeyCopiedAt: not null }));

    /// <summary>Nothing of it keeps members from anything: a to-do, no fault.</summary>
    private PartView Account(State state)
    {
        var waiting = state.Members.Values.Count(member => member.Lock is { Confirmed: false });
        var lag = waiting == 0 ? "" : $" ({waiting} waiting)";
        return state.AdminAccountSince is null
            ? new(false, $"locking unused accounts is not possible{lag}: the gateway has no admin account ({account.Fault}); gateway homeserver-config, then restart the homeserver")
            : account.SecretIsOpen
                ? new(false, "made; the homeserver still has the shared secret: gateway homeserver-config, then restart it")
                : new(true, $"{Gateway.Onboarding.Matrix.HomeserverAdmin.Account} can lock accounts{lag}");
    }

    private PartView Certificate()
    {
        var ends = new DateTimeOffset(certificate.Leaf.NotAfter.ToUniversalTime(), TimeSpan.Zero);
        var until = string.Create(CultureInfo.InvariantCulture, $"valid until {ends:yyyy-MM-dd}");
        return certificate.Fault is { } fault
            ? new PartView(false, fault)
            : new PartView(ends - time.GetUtcNow() > MemberCertificate.SoonOver, until);
    }
}
