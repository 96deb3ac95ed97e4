using System.Text.Json.Serialization;

namespace Gateway.Onboarding.Matrix;

// Bodies of the Matrix Client-Server API, as far as we speak them. Members that we do not know are skipped.

internal sealed record RegisterBody(string Type, string Username, bool InhibitLogin);

internal sealed record LoginBody(string Type, UserIdentifier Identifier, string DeviceId, string? InitialDeviceDisplayName);

internal sealed record UserIdentifier(string Type, string User);

internal sealed record LoginReply(string? UserId, string? AccessToken, string? DeviceId)
{
    /// <summary>A record prints its members, and this one has a token.</summary>
    public override string ToString() => nameof(LoginReply);
}

internal sealed record DeleteDevicesBody(IReadOnlyList<string> Devices);

internal sealed record DeactivateBody(bool Erase);

/// <summary>The one field that the answer must have; what it says does not matter, nobody here has an identity server.</summary>
internal sealed record DeactivateReply(string? IdServerUnbindResult);

internal sealed record DisplayNameBody(string Displayname);

internal sealed record DevicesReply(IReadOnlyList<DeviceEntry> Devices);

internal sealed record DeviceEntry(string DeviceId);

internal sealed record PushersReply(IReadOnlyList<Pusher> Pushers);

/// <summary>What wakes an app through somebody else's server. <see cref="MatrixDeviceId"/>: whose it is, where the homeserver says so (MSC3881).</summary>
public sealed record Pusher(string AppId, string Pushkey, [property: JsonPropertyName("org.matrix.msc3881.device_id")] string? MatrixDeviceId)
{
    /// <summary>Its key belongs to one phone: nothing prints it.</summary>
    public override string ToString() => AppId;
}

/// <summary>Without a kind: the pusher goes.</summary>
internal sealed record DeletePusherBody(string AppId, string Pushkey, [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? Kind = null);

internal sealed record WhoAmIReply(string? UserId, string? DeviceId);

internal sealed record CreateRoomBody(string Preset);

internal sealed record RoomReply(string? RoomId);

/// <summary>A message, by itself or as the one next to a point in time.</summary>
internal sealed record EventReply(string? EventId, long? OriginServerTs);

internal sealed record ProofReply(IReadOnlyList<object>? Flows);

// Synapse's admin API.

internal sealed record NonceReply(string? Nonce);

internal sealed record SharedSecretBody(string Nonce, string Username, string Password, bool Admin, string Mac, bool InhibitLogin)
{
    public override string ToString() => nameof(SharedSecretBody);
}

internal sealed record LockedBody(bool Locked);

internal sealed record LockedReply(bool? Locked);

internal sealed record DeleteRoomBody(bool Block, bool Purge);

internal sealed record RoomsReply(IReadOnlyList<RoomReply?>? Rooms, int? TotalRooms);

internal sealed record VersionReply(string? ServerVersion);

internal sealed record AdminReply(bool? Admin);

internal sealed record MatrixError(string? Errcode, string? Error);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(object))]
[JsonSerializable(typeof(RegisterBody))]
[JsonSerializable(typeof(LoginBody))]
[JsonSerializable(typeof(LoginReply))]
[JsonSerializable(typeof(DeleteDevicesBody))]
[JsonSerializable(typeof(DeactivateBody))]
[JsonSerializable(typeof(DeactivateReply))]
[JsonSerializable(typeof(DisplayNameBody))]
[JsonSerializable(typeof(DevicesReply))]
[JsonSerializable(typeof(PushersReply))]
[JsonSerializable(typeof(DeletePusherBody))]
[JsonSerializable(typeof(WhoAmIReply))]
[JsonSerializable(typeof(CreateRoomBody))]
[JsonSerializable(typeof(RoomReply))]
[JsonSerializable(typeof(EventReply))]
[JsonSerializable(typeof(ProofReply))]
[JsonSerializable(typeof(NonceReply))]
[JsonSerializable(typeof(SharedSecretBody))]
[JsonSerializable(typeof(LockedBody))]
[JsonSerializable(typeof(LockedReply))]
[JsonSerializable(typeof(DeleteRoomBody))]
[JsonSerializable(typeof(RoomsReply))]
[JsonSerializable(typeof(VersionReply))]
[JsonSerializable(typeof(AdminReply))]
[JsonSerializable(typeof(MatrixError))]
internal sealed partial class MatrixWire : JsonSerializerContext;
