using System.Net;
using System.Text.Json;
using System.Text.Json.Serialization;
using Gateway.Onboarding.Consoles;
using Gateway.Onboarding.Devices;
using Gateway.Onboarding.Keys;
using Gateway.Onboarding.Members;

namespace Gateway.Onboarding.Store;

/// <summary>
/// The form of what is sealed in the store. Only here do secrets have a JSON form, which is why no serialisation code is
/// generated for them. A field that is missing or unknown is an error, never a default.
/// </summary>
internal static class StoreJson
{
    public static readonly JsonSerializerOptions Options = new()
    {
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        RespectNullableAnnotations = true,
        IgnoreReadOnlyProperties = true,
        Converters =
        {
            new TextConverter<Localpart>(text => Localpart.Parse(text, null)),
            new TextConverter<DeviceId>(text => DeviceId.Parse(text, null)),
            new TextConverter<PublicKey>(text => PublicKey.Parse(text, null)),
            new TextConverter<IPAddress>(IPAddress.Parse),
            new PresharedKeyConverter(),
        },
    };

    private sealed class TextConverter<T>(Func<string, T> parse) : JsonConverter<T>
        where T : notnull
    {
        public override T Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            parse(reader.GetString() ?? throw new JsonException());

        public override void Write(Utf8JsonWriter writer, T value, JsonSerializerOptions options) => writer.WriteStringValue(value.ToString());
    }

    private sealed class PresharedKeyConverter : JsonConverter<PresharedKey>
    {
        public override PresharedKey Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            new(reader.GetBytesFromBase64());

        public override void Write(Utf8JsonWriter writer, PresharedKey value, JsonSerializerOptions options) =>
            writer.WriteBase64StringValue(value.Bytes);
    }
}

/// <summary>What belongs to no member and no device. <see cref="Generation"/> is the number of the last intent.</summary>
internal sealed record StoredSettings
{
    public required long Generation { get; init; }

    public required DateTimeOffset? LockedSince { get; init; }

    public DateTimeOffset? AdminAccountSince { get; init; }

    public DateTimeOffset? LastAt { get; init; }

    public ConsoleAccess? Console { get; init; }

    /// <summary>How many there are of each.</summary>
    public required int Members { get; init; }

    public required int Devices { get; init; }

    public required int Secrets { get; init; }
}

internal sealed record StoredSecret(string Name, byte[] Value)
{
    /// <summary>A record prints its members.</summary>
    public override string ToString() => Name;
}
