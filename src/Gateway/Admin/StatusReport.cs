using System.Globalization;
using System.Reflection;
using Gateway.Listening;
using Gateway.Onboarding.Audit;
using Gateway.Onboarding.Devices;
using Gateway.Onboarding.Members;
using Gateway.Onboarding.Store;
using Gateway.Proxy;
using Gateway.Tunnel;

namespace Gateway.Admin;

/// <summary>The gateway's health in one glance. Everything is known already: reading it costs the homeserver and the interface nothing.</summary>
internal sealed class StatusReport(
    StateWriter writer,
    DeviceViews views,
    PeerReconciler reconciler,
    HomeserverWatch homeserver,
    MemberCertificate certificate,
    AuditLog audit,
    GatewayOptions gateway,
    TunnelOptions tunnel,
    HomeserverOptions homeserverOptions,
    TimeProvider time)
{
    /// <summary>Let's Encrypt renews 30 days before the end; half of that is a renewal that does not work.</summary>
    private static readonly TimeSpan SoonOver = TimeSpan.FromDays(14);

    private readonly DateTimeOffset _startedAt = time.GetUtcNow();

    public StatusView Read()
    {
        var state = writer.Current;
        var health = reconciler.Health;
        PartView[] parts =
        [
            new(health.Error is null, health.Error ?? $"{tunnel.Interface}, {state.Devices.Values.Count(device => device.HasPeer)} peers as desired"),
            new(homeserver.Fault is null, homeserver.Fault ?? $"{homeserverOptions.BaseUrl} answers"),
            new(true, $"{state.Generation} changes stored"),
            Certificate(),
            new(audit.Fault is null, audit.Fault ?? $"written up to entry {audit.LastNumber}"),
        ];
        return new StatusView(
            gateway.ServerName,
            typeof(StatusReport).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown",
            _startedAt,
            parts.All(part => part.Ok) && state.LockedSince is null,
            new LockView(state.LockedSince is not null, state.LockedSince),
            parts[0],
            parts[1],
            parts[2],
            parts[3],
            Counts(state),
            parts[4]);
    }

    private CountsView Counts(State state) => new(
        state.Members.Values.Count(member => member.State == MemberState.Active),
        state.Devices.Values.Count(device => device.IsLive),
        state.Devices.Values.Count(views.IsOnline),
        state.Devices.Values.Count(device => device.State == DeviceState.SignedIn),
        state.Devices.Values.Count(device => device.State == DeviceState.Quarantined),
        state.Devices.Values.Count(device => device.Revocation is { IsFinished: false }));

    private PartView Certificate()
    {
        var ends = new DateTimeOffset(certificate.Leaf.NotAfter.ToUniversalTime(), TimeSpan.Zero);
        var until = string.Create(CultureInfo.InvariantCulture, $"valid until {ends:yyyy-MM-dd}");
        return certificate.Fault is { } fault
            ? new PartView(false, fault)
            : new PartView(ends - time.GetUtcNow() > SoonOver, until);
    }
}
