using Gateway.Backups;

namespace Gateway.Tests.Backups;

/// <summary>The homeserver's database where it is PostgreSQL: a real one of Debian's, on a Unix socket in a folder of the test's own.</summary>
public sealed class PostgresTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("gateway-postgres-");

    public PostgresTests()
    {
        // initdb refuses root; the server's own programs are not on the path.
        FileOwner.Set(_folder.FullName, FileOwner.Here("postgres", 0, "postgres", 0)!.Value.User, FileOwner.Here("postgres", 0, "postgres", 0)!.Value.Group);
        AsPostgres($"initdb --pgdata={Cluster} --auth=trust --no-sync --no-instructions");
        AsPostgres($"pg_ctl --pgdata={Cluster} --wait --silent --log={Cluster}/log --options=\"-c listen_addresses='' -c unix_socket_directories={_folder.FullName} -c fsync=off\" start");
    }

    private string Cluster => Path.Combine(_folder.FullName, "cluster");

    public void Dispose()
    {
        AsPostgres($"pg_ctl --pgdata={Cluster} --wait --silent --mode=immediate stop");
        _folder.Delete(recursive: true);
    }

    [Fact]
    public async Task It_comes_back_as_it_was_into_an_empty_database_only()
    {
        Sql("postgres", "CREATE DATABASE synapse TEMPLATE template0 LOCALE 'C' ENCODING 'UTF8'");
        Sql("synapse", "CREATE TABLE events (id int PRIMARY KEY, content text); INSERT INTO events SELECT n, 'message ' || n FROM generate_series(1, 1000) n");
        var copy = Path.Combine(_folder.FullName, "copy");

        await HomeserverDatabase.CopyAsync(Connection("synapse"), copy, default);
        Sql("synapse", "DELETE FROM events");
        Sql("postgres", "CREATE DATABASE next TEMPLATE template0 LOCALE 'C' ENCODING 'UTF8'");
        await HomeserverDatabase.EnsureEmptyAsync(Connection("next"), default);
        await HomeserverDatabase.PutBackAsync(Connection("next"), copy, default);

        Assert.Equal("1000|message 1000\n", Sql("next", "SELECT count(*), max(content) FILTER (WHERE id = 1000) FROM events"));
        var refusal = await Assert.ThrowsAsync<BackupException>(() => HomeserverDatabase.EnsureEmptyAsync(Connection("next"), default));
        Assert.Contains("is not empty", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_database_that_cannot_be_reached_is_said_with_its_own_words()
    {
        var failure = await Assert.ThrowsAsync<BackupException>(() => HomeserverDatabase.CopyAsync(Connection("missing"), Path.Combine(_folder.FullName, "copy"), default));

        Assert.Contains("\"missing\" does not exist", failure.Message, StringComparison.Ordinal);
        Assert.Contains("Backup:HomeserverDatabase", failure.Hint, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_copy_that_is_damaged_leaves_the_database_empty()
    {
        Sql("postgres", "CREATE DATABASE synapse TEMPLATE template0 LOCALE 'C' ENCODING 'UTF8'");
        Sql("synapse", "CREATE TABLE a (id int); CREATE TABLE b (content text); INSERT INTO b SELECT md5(n::text) FROM generate_series(1, 20000) n");
        var copy = Path.Combine(_folder.FullName, "copy");
        await HomeserverDatabase.CopyAsync(Connection("synapse"), copy, default);
        var bytes = await File.ReadAllBytesAsync(copy);
        await File.WriteAllBytesAsync(copy, bytes[..(bytes.Length * 3 / 4)]);
        Sql("postgres", "CREATE DATABASE next TEMPLATE template0 LOCALE 'C' ENCODING 'UTF8'");

        await Assert.ThrowsAsync<BackupException>(() => HomeserverDatabase.PutBackAsync(Connection("next"), copy, default));

        await HomeserverDatabase.EnsureEmptyAsync(Connection("next"), default);
    }

    private string Connection(string database) => $"host={_folder.FullName} user=postgres dbname={database}";

    private string Sql(string database, string statement) =>
        SomeServer.Run("psql", "--no-psqlrc", "--quiet", "--tuples-only", "--no-align", $"--dbname={Connection(database)}", $"--command={statement}");

    private void AsPostgres(string command) =>
        SomeServer.Run("runuser", "-u", "postgres", "--", "sh", "-c", $"cd {_folder.FullName} && PATH=$(echo /usr/lib/postgresql/*/bin):$PATH && {command}");
}
