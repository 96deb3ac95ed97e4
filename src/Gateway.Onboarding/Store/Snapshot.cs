using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Globalization;
using System.Security.Cryptography;
using Gateway.Onboarding.Consoles;
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
/// <code>
/// the database · "GATESNAP" · version (4, little-endian) · SHA-256 of the database (32) · sealed proof of the last two
/// </code>
/// The end is checked before LiteDB sees any of it: damage is not left to its page reader, whose finalizer has ended
/// whole processes.
/// </summary>
internal sealed record Snapshot(State State, ImmutableDictionary<string, byte[]> Secrets)
{
    public const string FileName = "gateway.db";

    /// <summary>The version of this layout; a file of another one is not touched.</summary>
    public const int Format = 2;

    private const int TailLength = 8 + 4 + SHA256.HashSizeInBytes + Sealer.Overhead;
    private const string Place = "snapshot";
    private const string Members = "members";
    private const string Devices = "devices";
    private const string SecretsName = "secrets";
    private const string Settings = "settings";

    private static ReadOnlySpan<byte> Mark => "GATESNAP"u8;

    public byte[] ToBytes(Sealer sealer)
    {
        using var data = new MemoryStream();
        using (var database = Open(data))
        {
            Insert(database, sealer, Members, State.Members.Values, member => member.Localpart.ToString());
            Insert(database, sealer, Devices, State.Devices.Values, device => device.Id.ToString());
            Insert(database, sealer, SecretsName, Secrets.Select(secret => new StoredSecret(secret.Key, secret.Value)), secret => secret.Name);
            Insert(database, sealer, Settings, [new StoredSettings
            {
                Generation = State.Generation,
                LockedSince = State.LockedSince,
                AdminAccountSince = State.AdminAccountSince,
                LastAt = State.LastAt,
                Console = State.Console,
                Members = State.Members.Count,
                Devices = State.Devices.Count,
                Secrets = Secrets.Count,
            }], _ => Settings);
            database.Checkpoint();
        }

        var bytes = data.ToArray();
        var proved = new byte[4 + SHA256.HashSizeInBytes];
        BinaryPrimitives.WriteInt32LittleEndian(proved, Format);
        SHA256.HashData(bytes, proved.AsSpan(4));
        return [.. bytes, .. Mark, .. proved, .. sealer.Seal(Place, proved, [])];
    }

    /// <summary>Throws <see cref="StoreException"/> where the bytes are not whole, not of this version, or sealed with another key.</summary>
    public static Snapshot Read(byte[] bytes, Sealer sealer)
    {
        using var data = new MemoryStream();
        data.Write(Checked(bytes, sealer));
        data.Position = 0;
        try
        {
            using var database = Open(data);
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
                        Console = settings.Console ?? ConsoleAccess.None,
                        Members = members.ToImmutableDictionary(member => member.Localpart),
                        Devices = DeviceTable.Of(devices),
                    },
                    secrets.ToImmutableDictionary(secret => secret.Name, secret => secret.Value, StringComparer.Ordinal))
                : throw Damaged();
        }
        catch (Exception e) when (e is not StoreException)
        {
            // What we wrote ourselves, and cannot read: said like any other damage.
            throw Damaged(e);
        }
    }

    private static LiteDatabase Open(MemoryStream data) => new(new LiteEngine(new EngineSettings
    {
        DataStream = data,
        LogStream = new MemoryStream(),
        Collation = new Collation(CultureInfo.InvariantCulture.LCID, CompareOptions.Ordinal),
    }));

    /// <summary>The database's bytes, where they are what was written.</summary>
    private static ReadOnlySpan<byte> Checked(ReadOnlySpan<byte> bytes, Sealer sealer)
    {
        if (bytes.Length < TailLength || !bytes[^TailLength..].StartsWith(Mark))
        {
            throw Damaged();
        }

        var database = bytes[..^TailLength];
        var proved = bytes[^(TailLength - 8)..^Sealer.Overhead].ToArray();
        if (BinaryPrimitives.ReadInt32LittleEndian(proved) is var version and not Format)
        {
            throw new StoreException(
                string.Create(CultureInfo.InvariantCulture, $"the database has format {version}, this gateway knows {Format}"),
                "use the version of the gateway that wrote it; nothing was changed");
        }

        if (!SHA256.HashData(database).AsSpan().SequenceEqual(proved.AsSpan(4)))
        {
            throw Damaged();
        }

        return sealer.Open(Place, proved, bytes[^Sealer.Overhead..]) is not null
            ? database
            : throw new StoreException("the database was sealed with another key", "restore the database together with its key from one backup; nothing was changed");
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
