using System.Text.Json;
using Gateway.EndToEnd.Lab;

namespace Gateway.EndToEnd.Crash;

/// <summary>A device as the admin's socket shows it.</summary>
internal sealed class DeviceSeen(JsonElement json)
{
    public string Id { get; } = json.GetProperty("id").GetString()!;

    public string Member { get; } = json.GetProperty("member").GetString()!;

    public string Name { get; } = json.GetProperty("name").GetString()!;

    public string Address { get; } = json.GetProperty("tunnelAddress").GetString()!;

    public string PublicKey { get; } = json.GetProperty("publicKey").GetString()!;

    public string State { get; } = json.GetProperty("state").GetString()!;

    public IReadOnlyList<string> Sessions { get; } =
        [.. json.GetProperty("sessions").EnumerateArray().Select(session => session.GetProperty("matrixDeviceId").GetString()!)];

    public bool HasRevocation { get; } = json.GetProperty("revocation").ValueKind != JsonValueKind.Null;

    /// <summary>Step → its state; empty where it is not revoked.</summary>
    public IReadOnlyDictionary<string, string> Steps { get; } = json.GetProperty("revocation") is { ValueKind: JsonValueKind.Object } revocation
        ? revocation.GetProperty("steps").EnumerateArray().ToDictionary(step => step.GetProperty("name").GetString()!, step => step.GetProperty("state").GetString()!, StringComparer.Ordinal)
        : new Dictionary<string, string>(StringComparer.Ordinal);

    public bool IsLive => State is "pending" or "connected" or "signed-in";

    public bool HasPeer => State != "revoked";
}

/// <summary>What a gateway that has just started shows: its lists, and the interface as <c>wg</c> sees it once it was reconciled.</summary>
internal sealed record Snapshot(
    IReadOnlyList<DeviceSeen> Devices,
    IReadOnlyDictionary<string, string> Members,
    bool Locked,
    IReadOnlyDictionary<string, string> Peers)
{
    private static readonly TimeSpan Repair = TimeSpan.FromSeconds(5);

    public static async Task<Snapshot> TakeAsync(GatewayHost gateway)
    {
        var devices = (await gateway.AskAsync("v1/devices")).EnumerateArray().Select(device => new DeviceSeen(device)).ToList();
        var members = (await gateway.AskAsync("v1/members")).EnumerateArray()
            .ToDictionary(member => member.GetProperty("member").GetString()!, member => member.GetProperty("state").GetString()!, StringComparer.Ordinal);
        var locked = (await gateway.AskAsync("v1/lock")).GetProperty("locked").GetBoolean();
        var expected = devices.Count(device => device.HasPeer);
        var peers = new Dictionary<string, string>(StringComparer.Ordinal) as IReadOnlyDictionary<string, string>;
        try
        {
            await Until.TrueAsync("the interface is reconciled", Repair, async () =>
            {
                peers = await gateway.PeersAsync();
                return peers.Count == expected && devices.Where(device => device.HasPeer).All(device => peers.ContainsKey(device.PublicKey));
            });
        }
        catch (TimeoutException)
        {
            // The comparison names what is wrong with it.
        }

        return new Snapshot(devices, members, locked, peers);
    }

    public DeviceSeen? Find(string id) => Devices.FirstOrDefault(device => device.Id == id);

    /// <summary>What no history may show, whatever was acknowledged.</summary>
    public IEnumerable<string> Faults()
    {
        foreach (var shared in Devices.GroupBy(device => device.Address, StringComparer.Ordinal).Where(group => group.Count() > 1))
        {
            yield return $"two devices have the address {shared.Key}: {string.Join(", ", shared.Select(device => device.Id))}";
        }

        foreach (var shared in Devices.Where(device => device.IsLive).GroupBy(device => $"{device.Member}/{device.Name}", StringComparer.Ordinal).Where(group => group.Count() > 1))
        {
            yield return $"two live devices are called {shared.Key}";
        }

        foreach (var device in Devices)
        {
            if (device.IsLive == device.HasRevocation)
            {
                yield return $"{device.Id} is {device.State} and {(device.HasRevocation ? "has a" : "has no")} revocation";
            }

            if (device.HasRevocation && !(device.Steps.GetValueOrDefault("blocked") == "done" && device.Steps.GetValueOrDefault("requests-cut") == "done" && device.Steps.Count == 5))
            {
                yield return $"{device.Id} is revoked in part: {string.Join(", ", device.Steps)}";
            }

            if (device.HasPeer != Peers.ContainsKey(device.PublicKey))
            {
                yield return $"{device.Id} is {device.State} and {(device.HasPeer ? "has no" : "has a")} peer";
            }
            else if (device.HasPeer && Peers[device.PublicKey] != $"{device.Address}/32")
            {
                yield return $"the peer of {device.Id} has {Peers[device.PublicKey]}, not {device.Address}";
            }
        }

        foreach (var stranger in Peers.Keys.Except(Devices.Select(device => device.PublicKey), StringComparer.Ordinal))
        {
            yield return $"a peer without a device: {stranger}";
        }
    }
}
