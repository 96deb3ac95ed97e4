using System.Diagnostics.Metrics;
using System.Reflection;
using Gateway.Admin;
using Gateway.Listening;
using Gateway.Onboarding.Devices;
using Gateway.Onboarding.Store;
using Gateway.Tunnel;

namespace Gateway.Monitoring;

/// <summary>How everything stands at the moment of a scrape. Nothing is asked of the homeserver or of the interface for it.</summary>
internal sealed class StateMetrics
{
    /// <summary>WireGuard's own time, then what an admin asks: today, this week, gone.</summary>
    private static readonly (string Age, TimeSpan UpTo)[] Ages =
        [("3m", TimeSpan.FromSeconds(180)), ("1h", TimeSpan.FromHours(1)), ("1d", TimeSpan.FromDays(1)), ("7d", TimeSpan.FromDays(7)), ("older", TimeSpan.MaxValue)];

    private static readonly string[] Waited = ["phone", "homeserver", "interface"];

    private readonly StateWriter _writer;
    private readonly HandshakeWatch _handshakes;
    private readonly StatusReport _status;
    private readonly TimeProvider _time;

    public StateMetrics(GatewayMeter meter, StateWriter writer, HandshakeWatch handshakes, StatusReport status, MemberCertificate certificate, BackupAge backup, TimeProvider time)
    {
        (_writer, _handshakes, _status, _time) = (writer, handshakes, status, time);
        meter.CreateObservableGauge("gateway.devices", Devices, unit: null, "Devices by state, revoked ones among them.");
        meter.CreateObservableGauge("gateway.device.handshakes", Handshakes, unit: null, "Devices with a peer, by the age of their last handshake; each stands in one.");
        meter.CreateObservableGauge("gateway.devices.copied", () => Count(device => device is { IsLive: true, KeyCopiedAt: not null }), unit: null, "Live devices whose key two phones use at once.");
        meter.CreateObservableGauge("gateway.devices.unconfirmed", () => Count(device => device is { IsLive: true, AwaitsConfirmation: true }), unit: null, "Devices that stay shut since the store was put back from a copy.");
        meter.CreateObservableGauge("gateway.login.grants", Grants, unit: null, "Devices by what became of their last login grant.");
        meter.CreateObservableGauge("gateway.revocations.pending", () => Pending().Select(one => Of(one.Ages.Count, one.For)), unit: null, "Steps of revocations that are still open, by whom they wait for.");
        meter.CreateObservableGauge("gateway.revocation.pending.age", () => Pending().Select(one => Of(one.Ages.DefaultIfEmpty().Max(), one.For)), GatewayMeter.Seconds, "Since when the oldest of them was asked for; 0: none is open.");
        meter.CreateObservableGauge("gateway.locked", () => _writer.Current.LockedSince is null ? 0 : 1, unit: null, "Everybody is locked out.");
        meter.CreateObservableGauge("gateway.part.up", Parts, unit: null, "The parts of gateway status: 1 is well.");
        meter.CreateObservableGauge("gateway.certificate.remaining", () => (certificate.Leaf.NotAfter.ToUniversalTime() - _time.GetUtcNow().UtcDateTime).TotalSeconds, GatewayMeter.Seconds, "Until the members' certificate ends.");
        meter.CreateObservableGauge("gateway.backup.age", backup.Observe, GatewayMeter.Seconds, "Since the last backup that was good; not there where none was ever seen.");
        meter.CreateObservableGauge("gateway.build.info", () => Of(1, ("version", Version)), unit: null, "Which version runs.");
    }

    private static string Version =>
        typeof(StateMetrics).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "unknown";

    private IEnumerable<Measurement<int>> Devices()
    {
        var found = _writer.Current.Devices.Values.CountBy(device => device.State).ToDictionary();
        return Enum.GetValues<DeviceState>().Select(state => Of(found.GetValueOrDefault(state), ("state", DeviceViews.Word(state))));
    }

    private IEnumerable<Measurement<int>> Handshakes()
    {
        var now = _time.GetUtcNow();
        var found = _writer.Current.Devices.Values.Where(device => device.HasPeer).CountBy(device => Age(device, now), StringComparer.Ordinal).ToDictionary(StringComparer.Ordinal);
        return Ages.Select(one => one.Age).Append("never").Select(age => Of(found.GetValueOrDefault(age), ("age", age)));
    }

    private string Age(Device device, DateTimeOffset now) =>
        (_handshakes.LastHandshake(device.PublicKey) ?? device.FirstHandshake) is { } last ? Ages.First(one => now - last < one.UpTo).Age : "never";

    private int Count(Func<Device, bool> which) => _writer.Current.Devices.Values.Count(which);

    private IEnumerable<Measurement<int>> Grants()
    {
        var now = _time.GetUtcNow();
        var found = _writer.Current.Devices.Values.Select(device => device.Grant).OfType<LoginGrant>()
            .CountBy(grant => grant.State == GrantState.Armed && !grant.IsArmed(now) ? GrantState.Expired : grant.State).ToDictionary();
        return Enum.GetValues<GrantState>().Select(state => Of(found.GetValueOrDefault(state), ("state", state.ToString().ToLowerInvariant())));
    }

    /// <summary>A phone may take days to come back; what waits for this host or for the homeserver is done in seconds, or somebody should know.</summary>
    private List<((string, string) For, List<double> Ages)> Pending()
    {
        var now = _time.GetUtcNow();
        var open = (from device in _writer.Current.Devices.Values
                    let revocation = device.Revocation
                    where revocation is { IsFinished: false }
                    from step in revocation.Steps
                    where step.IsOpen
                    select (For: WaitsFor(device, step), Age: (now - revocation.RequestedAt).TotalSeconds)).ToLookup(one => one.For, one => one.Age, StringComparer.Ordinal);
        return [.. Waited.Select(one => (("waits_for", one), open[one].ToList()))];
    }

    private static string WaitsFor(Device device, RevocationStep step) => step switch
    {
        { Name: StepName.MatrixSessions } => "homeserver",
        { Name: StepName.EraseOrder } or { Name: StepName.Peer, State: StepState.Waiting } when device.Standing == Standing.Quarantined => "phone",
        _ => "interface",
    };

    private IEnumerable<Measurement<int>> Parts()
    {
        var status = _status.Read();
        (string Name, PartView? Part)[] parts =
            [("tunnel", status.Tunnel), ("homeserver", status.Homeserver), ("store", status.Store), ("certificate", status.Certificate), ("clock", status.Clock), ("audit", status.Audit)];
        return parts.Select(one => Of(one.Part is { Ok: true } ? 1 : 0, ("part", one.Name)));
    }

    private static Measurement<T> Of<T>(T value, (string Name, string Value) label)
        where T : struct =>
        new(value, GatewayMeter.Label(label.Name, label.Value));
}
