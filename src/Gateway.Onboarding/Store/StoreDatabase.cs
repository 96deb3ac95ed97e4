using System.Globalization;
using LiteDB;
using LiteDB.Engine;

namespace Gateway.Onboarding.Store;

/// <summary>Opens the LiteDB file, new or old, and refuses one that is not ours, not of this version, or sealed with another key.</summary>
internal static class StoreDatabase
{
    public static LiteDatabase Open(Func<EngineSettings> engineSettings, Sealer sealer)
    {
        var database = new LiteDatabase(new LiteEngine(engineSettings()));
        var formats = database.GetCollection("format");
        var id = new BsonValue(1);
        var place = BitConverter.GetBytes(1L);
        if (formats.FindById(id) is not { } format)
        {
            // The sealed part is how a wrong key is told from an empty database.
            formats.Insert(new BsonDocument { ["_id"] = id, ["version"] = StoreFile.Format, ["s"] = sealer.Seal("format", place, "gateway"u8) });
            database.Checkpoint();
        }
        else if (format["version"].AsInt32 != StoreFile.Format || sealer.Open("format", place, format["s"].AsBinary) is null)
        {
            var version = format["version"].AsInt32;
            database.Dispose();
            throw version != StoreFile.Format
                ? new StoreException(
                    string.Create(CultureInfo.InvariantCulture, $"the database has format {version}, this gateway knows {StoreFile.Format}"),
                    "use the version of the gateway that wrote it; nothing was changed")
                : new StoreException("the database was sealed with another key", "restore the database together with its key from one backup; nothing was changed");
        }

        if (database.Collation.SortOptions != CompareOptions.Ordinal)
        {
            database.Dispose();
            throw new StoreException("the database does not compare exactly: it was not made by the gateway", "use the gateway's own file; nothing was changed");
        }

        return database;
    }
}
