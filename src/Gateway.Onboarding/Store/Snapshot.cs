using System.Collections.Immutable;
using System.Globalization;
using Gateway.Onboarding.Devices;
using Gateway.Onboarding.Members;
using LiteDB;
using LiteDB.Engine;
using JsonSerializer = System.Text.Json.JsonSerializer;

namespace Gateway.Onboarding.Store;

/// <summary>
/// A whole state as a LiteDB database: made in memory from one state, written to the disk as one file, and replaced by
/// the next as a whole; never changed in place, where LiteDB 5 loses and tears (docs/decisions/0007). All documents
/// have the form { _id, s }, where s is sealed; how many there are is sealed too, so that none can go missing.
/// </summary>
internal sealed record Snapshot(State State, ImmutableDictionary<string, byte[]> Secrets)
{
    public const string FileName = "gateway.db";

    /// <summary>The version of this layout; a file of another one is not touched.</summary>
    public const int Format = 2;

    private const string Formats = "format";
    private const string Members = "members";
    private const string Devices = "devices";
    private const string SecretsName = "secrets";
    private const string Settings = "settings";

    public byte[] ToBytes(Sealer sealer)
    {
        using var data = new MemoryStream();
        using (var database = Open(data))
        {
            database.GetCollection(Formats).Insert(new BsonDocument { ["_id"] = 1, ["version"] = Format, ["s"] = sealer.Seal(Formats, BitConverter.GetBytes(1L), "gateway"u8) });
            Insert(database, sealer, Members, State.Members.Values, member => member.Localpart.ToString());
            Insert(database, sealer, Devices, State.Devices.Values, device => device.Id.ToString());
            Insert(database, sealer, SecretsName, Secrets.Select(secret => new StoredSecret(secret.Key, secret.Value)), secret => secret.Name);
            Insert(database, sealer, Settings, [new StoredSettings
            {
                Generation = State.Generation,
                LockedSince = State.LockedSince,
                AdminAccountSince = State.AdminAccountSince,
                LastAt = State.LastAt,
                Members = State.Members.Count,
                Devices = State.Devices.Count,
                Secrets = Secrets.Count,
            }], _ => Settings);
            database.Checkpoint();
        }

        return data.ToArray();
    }

    /// <summary>Throws <see cref="StoreException"/> where the bytes are not whole, not of this version, or sealed with another key.</summary>
    public static Snapshot Read(byte[] bytes, Sealer sealer)
    {
        using var data = new MemoryStream();
        data.Write(bytes);
        data.Position = 0;
        try
        {
            using var database = Open(data);
            CheckFormat(database, sealer);
            var settings = All<StoredSettings>(database, sealer, Settings) is [var only] ? only : throw Damaged();
            var members = All<Member>(database, sealer, Members);
            var devices = All<Device>(database, sealer, Devices);
            var secrets = All<StoredSecret>(database, sealer, SecretsName);
            return members.Count == settings.Members && devices.Count == settings.Devices && secrets.Count == settings.Secrets
                ? new Snapshot(
                    State.Empty with
                    {
                        Generation = settings.Generation,
                        LockedSince = settings.LockedSince,
                        AdminAccountSince = settings.AdminAccountSince,
                        LastAt = settings.LastAt,
                        Members = members.ToImmutableDictionary(member => member.Localpart),
                        Devices = devices.ToImmutableDictionary(device => device.Id),
                    },
                    secrets.ToImmutableDictionary(secret => secret.Name, secret => secret.Value, StringComparer.Ordinal))
                : throw Damaged();
        }
        catch (Exception e) when (e is not StoreException)
        {
            // LiteDB meets a file that is cut short or scribbled over with whatever its code runs into.
            throw Damaged(e);
        }
    }

    private static LiteDatabase Open(MemoryStream data) => new(new LiteEngine(new EngineSettings
    {
        DataStream = data,
        LogStream = new MemoryStream(),
        Collation = new Collation(CultureInfo.InvariantCulture.LCID, CompareOptions.Ordinal),
    }));

    private static void CheckFormat(LiteDatabase database, Sealer sealer)
    {
        if (database.GetCollection(Formats).FindById(1) is not { } format)
        {
            throw Damaged();
        }

        if (format["version"].AsInt32 is var version and not Format)
        {
            throw new StoreException(
                string.Create(CultureInfo.InvariantCulture, $"the database has format {version}, this gateway knows {Format}"),
                "use the version of the gateway that wrote it; nothing was changed");
        }

        if (sealer.Open(Formats, BitConverter.GetBytes(1L), format["s"].AsBinary) is null)
        {
            throw new StoreException("the database was sealed with another key", "restore the database together with its key from one backup; nothing was changed");
        }
    }

    private static void Insert<T>(LiteDatabase database, Sealer sealer, string collection, IEnumerable<T> documents, Func<T, string> name) =>
        database.GetCollection(collection).InsertBulk(documents.Select(document =>
        {
            var id = sealer.Name(collection, name(document));
            return new BsonDocument { ["_id"] = id, ["s"] = sealer.Seal(collection, id, JsonSerializer.SerializeToUtf8Bytes(document, StoreJson.Options)) };
        }));

    private static List<T> All<T>(LiteDatabase database, Sealer sealer, string collection) =>
        [.. database.GetCollection(collection).FindAll().Select(document =>
            JsonSerializer.Deserialize<T>(sealer.Open(collection, document["_id"].AsBinary, document["s"].AsBinary) ?? throw Damaged(), StoreJson.Options)!)];

    private static StoreException Damaged(Exception? cause = null) => new(
        $"{FileName} is damaged{(cause is null ? "" : $": {cause.Message}")}", "look at the disk and restore a backup; nothing was changed, and nothing is served", cause);
}
