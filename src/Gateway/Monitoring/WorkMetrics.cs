using System.Diagnostics.Metrics;
using System.Reflection;
using System.Text.Json.Serialization;
using Gateway.Onboarding.Devices;
using Gateway.Onboarding.Keys;
using Gateway.Onboarding.Store;
using Gateway.Tunnel;

namespace Gateway.Monitoring;

/// <summary>What the gateway does by itself, in numbers: the writer's stream of changes, and the passes over the interface.</summary>
internal sealed class WorkMetrics
{
    /// <summary>The name under which the store keeps each kind of change: <c>device-revoked</c>.</summary>
    private static readonly Dictionary<Type, KeyValuePair<string, object?>> Kinds = typeof(Intent).GetCustomAttributes<JsonDerivedTypeAttribute>()
        .ToDictionary(kind => kind.DerivedType, kind => GatewayMeter.Label("kind", (string)kind.TypeDiscriminator!));

    private readonly StateWriter _writer;
    private readonly Func<DesiredPeers> _desired;
    private readonly Histogram<double> _stored;
    private readonly Histogram<double> _passed;
    private readonly Counter<long> _changes;
    private readonly Counter<long> _strangers;

    public WorkMetrics(GatewayMeter meter, StateWriter writer, PeerReconciler reconciler, Func<DesiredPeers> desired)
    {
        (_writer, _desired) = (writer, desired);
        _changes = meter.CreateCounter<long>("gateway.changes", unit: null, "Changes of the state, by kind, since the start.");
        _stored = meter.CreateHistogram("gateway.store.write.duration", GatewayMeter.Seconds, "One change to the disk and synced.", tags: null, GatewayMeter.Work);
        _passed = meter.CreateHistogram("gateway.reconcile.duration", GatewayMeter.Seconds, "One whole pass over the interface.", tags: null, GatewayMeter.Work);
        _strangers = meter.CreateCounter<long>(
            "gateway.unknown.peers.removed", unit: null, "Peers that stood on the interface, that the gateway never put there, and that it took off.");

        // So that each is there from the beginning, and an alert sees the first as an increase.
        _strangers.Add(0);
        foreach (var kind in Kinds.Values)
        {
            _changes.Add(0, kind);
        }

        writer.Watch(Follow);
        reconciler.Passed = took => _passed.Record(took.TotalSeconds);
        reconciler.Removed = CountStranger;
    }

    private void Follow(StateChange change)
    {
        if (change.Intents.IsEmpty)
        {
            return;
        }

        _stored.Record(change.StoredIn.TotalSeconds);
        foreach (var intent in change.Intents)
        {
            _changes.Add(1, Kinds[intent.GetType()]);
        }
    }

    /// <summary>A device that was revoked is known, and one whose enrolment ended stood among the last changes.</summary>
    private void CountStranger(PublicKey key)
    {
        if (!_writer.Current.Devices.Values.Any(device => device.PublicKey == key) && !_desired().Changes.Any(change => change.Key == key))
        {
            _strangers.Add(1);
        }
    }
}
