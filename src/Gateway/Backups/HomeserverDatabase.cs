using System.Globalization;

namespace Gateway.Backups;

/// <summary>The homeserver's database, SQLite or PostgreSQL: one moment of it, while the homeserver goes on; and back.</summary>
internal static class HomeserverDatabase
{
    /// <summary>A connection string of libpq (PostgreSQL, 34.1.1), not the path of a file.</summary>
    public static bool IsPostgres(string database) =>
        database.StartsWith("postgres", StringComparison.Ordinal) || database.Contains("dbname=", StringComparison.Ordinal) || database.Contains("service=", StringComparison.Ordinal);

    /// <summary>Writes a copy to the new file <paramref name="copy"/>.</summary>
    public static async Task CopyAsync(string database, string copy, CancellationToken cancellationToken)
    {
        if (IsPostgres(database))
        {
            await Child.RunAsync("pg_dump", ["--format=custom", "--no-owner", "--no-privileges", $"--file={copy}", $"--dbname={database}"], cancellationToken);
            return;
        }

        if (!File.Exists(database))
        {
            throw new BackupException($"the homeserver's database {database} is not there", "Backup:HomeserverDatabase is the path in its own settings (database, args, database)");
        }

        // Not a copy of its pages: what was deleted may still stand in free ones.
        await Child.RunAsync("sqlite3", ["-bail", "-cmd", ".timeout 60000", database, $"VACUUM INTO '{copy.Replace("'", "''", StringComparison.Ordinal)}'"], cancellationToken);
    }

    /// <summary>A restore never mixes two homeservers: throws where there is something already.</summary>
    public static async Task EnsureEmptyAsync(string database, CancellationToken cancellationToken)
    {
        if (!IsPostgres(database))
        {
            return;
        }

        var tables = await Child.RunAsync("psql", ["--no-psqlrc", "--tuples-only", "--no-align", $"--dbname={database}", "--command=SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"], cancellationToken);
        if (int.Parse(tables, CultureInfo.InvariantCulture) != 0)
        {
            throw new BackupException($"the database '{database}' is not empty", "nothing is overwritten: make a new one (createdb --template=template0 --locale=C --encoding=UTF8), or drop the old one yourself");
        }
    }

    /// <summary>Puts a copy into an empty PostgreSQL database, all or nothing; an SQLite copy is the database itself and is only looked through.</summary>
    public static async Task PutBackAsync(string database, string copy, CancellationToken cancellationToken)
    {
        if (IsPostgres(database))
        {
            await Child.RunAsync("pg_restore", ["--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges", $"--dbname={database}", copy], cancellationToken);
            return;
        }

        var found = await Child.RunAsync("sqlite3", ["-readonly", copy, "PRAGMA integrity_check"], cancellationToken);
        if (found.Trim() != "ok")
        {
            throw new BackupException("the homeserver's database in the backup is damaged", "use another backup; nothing was changed");
        }
    }
}
