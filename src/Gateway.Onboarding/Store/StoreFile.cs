using Gateway.Onboarding.Devices;
using Gateway.Onboarding.Members;
using LiteDB;
using LiteDB.Engine;
using JsonSerializer = System.Text.Json.JsonSerializer;

namespace Gateway.Onboarding.Store;

/// <summary>
/// The database file. LiteDB 5 loses acknowledged commits, corrupts itself and aborts the process when it is used the
/// usual way (docs/decisions/0003), so it is used in one way only: one engine, every call under one lock, ordinal
/// collation, no password, no secondary index, and a checkpoint after each commit, before anything is acknowledged.
/// All documents have the form { _id, s }, where s is sealed.
/// </summary>
public sealed class StoreFile : IDisposable
{
    /// <summary>The version of this layout; a file of a newer one is not touched.</summary>
    public const int Format = 1;

    private const string Members = "members";
    private const string Devices = "devices";
    private const string Intents = "intents";
    private const string Secrets = "secrets";
    private const string Settings = "settings";

    private readonly Lock _lock = new();
    private readonly Func<EngineSettings> _engineSettings;
    private readonly Sealer _sealer;
    private LiteDatabase _database;

    private StoreFile(Func<EngineSettings> engineSettings, Sealer sealer)
    {
        _engineSettings = engineSettings;
        _sealer = sealer;
        _database = StoreDatabase.Open(_engineSettings, _sealer);
    }

    /// <summary>Opens or creates the database. Throws <see cref="StoreException"/> with what is wrong and the way out.</summary>
    internal static StoreFile Open(Func<EngineSettings> engineSettings, Sealer sealer)
    {
        try
        {
            return new StoreFile(engineSettings, sealer);
        }
        catch (Exception e) when (e is LiteException or IOException or UnauthorizedAccessException or InvalidOperationException)
        {
            throw new StoreException($"the database cannot be opened: {e.Message}", "restore a backup, or look at the disk; nothing was changed", e);
        }
    }

    /// <summary>The state as the last acknowledged write left it.</summary>
    public State Load()
    {
        lock (_lock)
        {
            var settings = ReadSettings();
            var members = All(Members).Select(bytes => Read<Member>(bytes));
            var devices = All(Devices).Select(bytes => Read<Device>(bytes));
            return State.Empty with
            {
                Generation = settings.Generation,
                LockedSince = settings.LockedSince,
                AdminAccountSince = settings.AdminAccountSince,
                LastAt = settings.LastAt,
                Members = State.Empty.Members.AddRange(members.Select(member => KeyValuePair.Create(member.Localpart, member))),
                Devices = State.Empty.Devices.AddRange(devices.Select(device => KeyValuePair.Create(device.Id, device))),
            };
        }
    }

    /// <summary>All intents, oldest first, with their numbers.</summary>
    public IReadOnlyList<(long Number, Intent Intent)> ReadIntents()
    {
        List<BsonDocument> documents;
        lock (_lock)
        {
            documents = _database.GetCollection(Intents).FindAll().ToList();
        }

        // Opened outside the lock: a long history must not keep a revocation waiting.
        return [.. documents
            .Select(document => (document["_id"].AsInt64, Read<Intent>(Unseal(Intents, document))))
            .OrderBy(entry => entry.AsInt64)];
    }

    /// <summary>
    /// Stores the intents and the documents that they changed, all or nothing, on the disk when it returns. The state
    /// <paramref name="after"/> has the number of the last intent.
    /// </summary>
    public void Save(IReadOnlyList<Intent> intents, State after)
    {
        lock (_lock)
        {
            var committing = false;
            try
            {
                CheckGeneration(after.Generation - intents.Count);
                _database.BeginTrans();
                Write(intents, after);
                committing = true;
                _database.Commit();
                _database.Checkpoint();
            }
            catch (Exception e) when (e is not StoreException)
            {
                // Whatever it was: an engine with a transaction left open would swallow the next writes.
                Reopen(e);

                // The engine may have failed after the commit: then what was asked for is done.
                if (!committing || StoredGeneration() != after.Generation)
                {
                    throw new StoreException($"the change could not be stored: {e.Message}", "look at the disk: is it full or failing? Nothing was changed", e);
                }
            }
        }
    }

    /// <summary>The secret of this name; where there is none yet, <paramref name="make"/> is stored first.</summary>
    public byte[] Secret(string name, Func<byte[]> make)
    {
        lock (_lock)
        {
            var collection = _database.GetCollection(Secrets);
            var id = _sealer.Name(Secrets, name);
            if (collection.FindById(id) is { } document)
            {
                return Unseal(Secrets, document);
            }

            var secret = make();
            collection.Upsert(SealedDocument(Secrets, id, id, secret));
            _database.Checkpoint();
            return secret;
        }
    }

    public void Dispose()
    {
        lock (_lock)
        {
            _database.Dispose();
            _sealer.Dispose();
        }
    }

    private long StoredGeneration() => ReadSettings().Generation;

    /// <summary>A failure whose reopening failed too may have hidden that its change was stored: nothing is written on top of that.</summary>
    private void CheckGeneration(long expected)
    {
        if (StoredGeneration() != expected)
        {
            throw new StoreException(
                "an earlier change was stored although it was reported as failed, so nothing more can be stored",
                "restart the gateway: it then reads what is stored; devices that are blocked stay blocked until then, revoke them again after it");
        }
    }

    private StoredSettings ReadSettings() =>
        _database.GetCollection(Settings).FindById(_sealer.Name(Settings, Settings)) is { } document
            ? Read<StoredSettings>(Unseal(Settings, document))
            : new StoredSettings { Generation = 0, LockedSince = null };

    private void Write(IReadOnlyList<Intent> intents, State after)
    {
        var number = after.Generation - intents.Count;
        foreach (var intent in intents)
        {
            var id = new BsonValue(++number);
            _database.GetCollection(Intents).Insert(SealedDocument(Intents, id, BitConverter.GetBytes(number), JsonSerializer.SerializeToUtf8Bytes(intent, StoreJson.Options)));
            switch (intent)
            {
                case DeviceEnrolled enrolled:
                    Put(Devices, enrolled.Enrolled.Id.ToString(), after.Devices.GetValueOrDefault(enrolled.Enrolled.Id));
                    break;
                case DeviceIntent change:
                    Put(Devices, change.Device.ToString(), after.Devices.GetValueOrDefault(change.Device));
                    break;
                case MemberIntent change:
                    Put(Members, change.Localpart.ToString(), after.Members.GetValueOrDefault(change.Localpart));
                    break;
            }
        }

        Put(Settings, Settings, new StoredSettings { Generation = after.Generation, LockedSince = after.LockedSince, AdminAccountSince = after.AdminAccountSince, LastAt = after.LastAt });
    }

    private void Put<T>(string collection, string name, T? value)
        where T : class
    {
        var id = _sealer.Name(collection, name);
        if (value is null)
        {
            _database.GetCollection(collection).Delete(id);
        }
        else
        {
            _database.GetCollection(collection).Upsert(SealedDocument(collection, id, id, JsonSerializer.SerializeToUtf8Bytes(value, StoreJson.Options)));
        }
    }

    private BsonDocument SealedDocument(string collection, BsonValue id, byte[] place, byte[] plaintext) =>
        new() { ["_id"] = id, ["s"] = _sealer.Seal(collection, place, plaintext) };

    private List<byte[]> All(string collection) =>
        [.. _database.GetCollection(collection).FindAll().ToList().Select(document => Unseal(collection, document))];

    private byte[] Unseal(string collection, BsonDocument document)
    {
        var id = document["_id"];
        var place = id.IsBinary ? id.AsBinary : BitConverter.GetBytes(id.AsInt64);
        return _sealer.Open(collection, place, document["s"].AsBinary)
            ?? throw new StoreException(
                $"a document in '{collection}' cannot be opened: the database was changed, or the key is another one's",
                "restore the database together with its key from one backup; nothing was changed");
    }

    private static T Read<T>(byte[] plaintext) =>
        JsonSerializer.Deserialize<T>(plaintext, StoreJson.Options)!;


    private void Reopen(Exception cause)
    {
        try
        {
            _database.Dispose();
        }
        catch (Exception e) when (e is LiteException or IOException or ObjectDisposedException)
        {
            // It closed itself for good; its files are released all the same.
        }

        try
        {
            _database = StoreDatabase.Open(_engineSettings, _sealer);
        }
        catch (Exception e) when (e is not StoreException)
        {
            throw new StoreException($"the database failed and cannot be opened again: {cause.Message}", "look at the disk; devices that are blocked stay blocked", e);
        }
    }
}
