using Gateway.Backups;
using Gateway.Onboarding.Store;
using Gateway.Tests.Commands;

namespace Gateway.Tests.Backups;

/// <summary>A backup is whole or not there; this server cannot read it; and whoever looks is told how the last one went.</summary>
public sealed class BackupTests : IDisposable
{
    private readonly SomeServer _server = new();

    public void Dispose() => _server.Dispose();

    [Fact]
    public async Task Everything_is_in_one_file_that_shows_nothing()
    {
        var made = await _server.BackUpAsync();

        Assert.Equal(_server.At("backups/gateway-20261122T090000Z.tar.gz.age"), made.File);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(made.File));
        Assert.Equal(made.Sha256, Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(await File.ReadAllBytesAsync(made.File))));
        Assert.Equal([made.File], Directory.GetFiles(_server.At("backups")));
        Assert.False(Directory.Exists(_server.At("data/backup.staging")));
        var names = Contents(made.File);
        Assert.Equal("manifest.json", names[0]);
        Assert.Equal("entries.json", names[^1]);
        Assert.All(
            "etc/gateway.json etc/tls/server.key data/gateway.db data/store.key data/audit.log homeserver/homeserver.db homeserver/signing.key homeserver/media/ab/picture homeserver/config/zz.yaml".Split(' '),
            path => Assert.Contains("files" + _server.At(path), names));
        Assert.DoesNotContain(names, name => name.EndsWith("gateway.lock", StringComparison.Ordinal) || name.Contains("backup.", StringComparison.Ordinal));
        var bytes = System.Text.Encoding.Latin1.GetString(await File.ReadAllBytesAsync(made.File));
        Assert.StartsWith("age-encryption.org/v1", bytes, StringComparison.Ordinal);
        Assert.DoesNotContain("chat.example", bytes, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_was_deleted_in_the_homeservers_database_is_not_in_its_copy()
    {
        _server.Sqlite("PRAGMA secure_delete = OFF; INSERT INTO events (content) VALUES ('the-secret-meeting-place'); DELETE FROM events WHERE id > 1");
        Assert.Contains("the-secret-meeting-place", System.Text.Encoding.Latin1.GetString(await File.ReadAllBytesAsync(_server.Database)), StringComparison.Ordinal);

        await _server.RestoreAsync((await EmptiedAsync()).File);

        Assert.DoesNotContain("the-secret-meeting-place", System.Text.Encoding.Latin1.GetString(await File.ReadAllBytesAsync(_server.Database)), StringComparison.Ordinal);
        Assert.Equal("hello\n", _server.Sqlite("SELECT content FROM events"));
    }

    [Fact]
    public async Task A_backup_beside_a_working_gateway_is_always_of_one_moment()
    {
        using var data = _server.Open();
        var writer = new StateWriter(data.Store);
        using var turn = new SemaphoreSlim(0);
        var working = Task.Run(() =>
        {
            for (var number = 2; number < 2 + (20 * 15); number++)
            {
                turn.Wait();

                // Large names bring snapshots, and with them journals that go.
                var device = _server.History.SomeDevice(number);
                writer.Write(new MemberAdded(device.Member, new string('x', 60_000), Adopted: false) { At = SomeServer.Now }, new DeviceEnrolled(device, "admin") { At = SomeServer.Now });
            }
        });

        var seen = new List<int>();
        for (var copy = 0; copy < 20; copy++)
        {
            var before = writer.Current.Devices.Count;
            turn.Release(15);
            var state = DataCopy.Make(_server.Data, Directory.CreateDirectory(_server.At($"copy-{copy}")).FullName);

            // One more may be on the disk and not yet be seen.
            Assert.InRange(state.Devices.Count, before, writer.Current.Devices.Count + 1);
            Assert.Equal(state.Members.Count, state.Devices.Count);
            seen.Add(state.Devices.Count);
        }

        await working;
        Assert.True(seen[^1] > seen[0], "nothing was written meanwhile");
    }

    [Fact]
    public async Task A_backup_that_fails_leaves_no_file_and_a_word_for_the_doctor()
    {
        await _server.BackUpAsync();
        _server.Time.Advance(TimeSpan.FromDays(1));
        await File.WriteAllTextAsync(_server.Database, "this is no database");

        var failure = await Assert.ThrowsAsync<BackupException>(() => _server.BackUpAsync());

        Assert.Contains("sqlite3", failure.Message, StringComparison.Ordinal);
        Assert.Single(Directory.GetFiles(_server.At("backups")));
        Assert.False(Directory.Exists(_server.At("data/backup.staging")));
        var last = LastBackup.Read(_server.Data)!;
        Assert.Equal((SomeServer.Now, SomeServer.Now.AddDays(1)), (last.At, last.FailedAt));
        Assert.Equal(failure.Message, last.Failure);
    }

    [Fact]
    public async Task A_key_that_age_does_not_take_fails_with_its_words()
    {
        _server.Options.Recipients = ["age1nonsense"];

        var failure = await Assert.ThrowsAsync<BackupException>(() => _server.BackUpAsync());

        Assert.Contains("age1nonsense", failure.Message, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(_server.At("backups")));
    }

    [Fact]
    public async Task An_interrupted_backup_leaves_nothing()
    {
        using var stop = new CancellationTokenSource();
        await stop.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => _server.BackUpAsync(cancellationToken: stop.Token));

        Assert.Empty(Directory.GetFiles(_server.At("backups")));
        Assert.Equal("interrupted", LastBackup.Read(_server.Data)!.Failure);
    }

    [Fact]
    public async Task What_a_killed_one_left_is_cleared_by_the_next()
    {
        Directory.CreateDirectory(_server.At("backups"));
        Directory.CreateDirectory(_server.At("data/backup.staging/store"));
        await File.WriteAllTextAsync(_server.At("backups/gateway-20261121T090000Z.tar.gz.age.partial"), "half");
        await File.WriteAllTextAsync(_server.At("backups/somebody-elses.partial"), "theirs");

        var made = await _server.BackUpAsync();

        Assert.Equal([made.File, _server.At("backups/somebody-elses.partial")], Directory.GetFiles(_server.At("backups")).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Only_so_many_stay_and_none_longer_than_messages()
    {
        (_server.Options.Keep, _server.Options.KeepDays) = (3, 14);
        foreach (var days in new[] { 0, 10, 1, 1, 1 })
        {
            _server.Time.Advance(TimeSpan.FromDays(days));
            await _server.BackUpAsync();
        }

        Assert.Equal([11, 12, 13], Ages());
        _server.Time.Advance(TimeSpan.FromDays(13.5));
        var last = await _server.BackUpAsync();

        Assert.Equal([13, 26], Ages());
        Assert.Equal(2, last.Removed.Count);

        int[] Ages() => [.. Directory.GetFiles(_server.At("backups")).Order(StringComparer.Ordinal)
            .Select(file => (int)(DateTimeOffset.ParseExact(Path.GetFileName(file)[8..23], "yyyyMMdd'T'HHmmss", null, System.Globalization.DateTimeStyles.AssumeUniversal) - SomeServer.Now).TotalDays)];
    }

    [Fact]
    public async Task The_last_one_fences_this_server_for_good()
    {
        using (_server.Open())
        {
            await Assert.ThrowsAsync<BackupException>(() => _server.BackUpAsync(isFinal: true));
            Assert.Null(Fence.Of(_server.Data));
        }

        var made = await _server.BackUpAsync(isFinal: true);

        Assert.StartsWith("this gateway has moved to another server", Fence.Of(_server.Data), StringComparison.Ordinal);
        Assert.Equal(2, await Server.ServeAsync(_server.ConfigFile, default));
        _server.BecomeEmpty();
        Assert.True((await _server.RestoreAsync(made.File)).Manifest.IsFinal);
        Assert.Null(Fence.Of(_server.Data));
    }

    [Fact]
    public async Task A_last_one_that_fails_leaves_this_server_as_it_was()
    {
        await File.WriteAllTextAsync(_server.Database, "this is no database");

        await Assert.ThrowsAsync<BackupException>(() => _server.BackUpAsync(isFinal: true));

        Assert.Null(Fence.Of(_server.Data));
    }

    /// <summary>The file is all that counts: whoever moves the house must not believe that there is none.</summary>
    [Fact]
    public async Task A_last_one_that_cannot_be_noted_is_made_all_the_same()
    {
        Directory.CreateDirectory(_server.At("data/backup.json/in-the-way"));

        var made = await _server.BackUpAsync(isFinal: true);

        Assert.True(File.Exists(made.File));
        Assert.NotNull(Fence.Of(_server.Data));
        Assert.Contains(_server.Said, line => line.StartsWith("how it went could not be noted", StringComparison.Ordinal));
    }

    [Fact]
    public async Task One_more_last_one_that_fails_does_not_open_a_server_that_has_moved()
    {
        await _server.BackUpAsync(isFinal: true);
        _server.Time.Advance(TimeSpan.FromDays(1));
        await File.WriteAllTextAsync(_server.Database, "this is no database");

        await Assert.ThrowsAsync<BackupException>(() => _server.BackUpAsync(isFinal: true));

        Assert.NotNull(Fence.Of(_server.Data));
    }

    [Theory]
    [InlineData("AGE-SECRET-KEY-1QQ", "private key")]
    [InlineData("bob@example.org", "age1…")]
    public void A_recipient_that_cannot_be_one_is_named(string recipient, string word) =>
        Assert.Contains(new BackupOptions { Recipients = [recipient] }.Faults(), fault => fault.Contains(word, StringComparison.Ordinal) && fault.StartsWith("Backup:Recipients", StringComparison.Ordinal));

    [Theory]
    [InlineData("homeserver.db")]
    [InlineData("host=/run/postgresql dbname=synapse password=x")]
    public void A_database_that_cannot_be_one_is_named(string database) =>
        Assert.Contains(new BackupOptions { HomeserverDatabase = database }.Faults(), fault => fault.StartsWith("Backup:HomeserverDatabase", StringComparison.Ordinal));

    [Fact]
    public async Task The_command_says_where_the_file_is_and_what_it_is_known_by()
    {
        var shell = new Shell();

        Assert.Equal((0, ""), (await shell.RunAsync($"backup --to {_server.At("backups")} --config {_server.ConfigFile}"), shell.Error.Contains("error:", StringComparison.Ordinal) ? shell.Error : ""));

        var file = Assert.Single(Directory.GetFiles(_server.At("backups")));
        Assert.Contains(file, shell.Out, StringComparison.Ordinal);
        Assert.Contains($"sha256 {Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(await File.ReadAllBytesAsync(file)))}", shell.Out, StringComparison.Ordinal);
        Assert.Contains("1 members, 1 devices", shell.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_a_recipient_the_command_says_how_to_get_one()
    {
        await File.WriteAllTextAsync(_server.ConfigFile, (await File.ReadAllTextAsync(_server.ConfigFile)).Replace($"[\"{_server.Recipient}\"]", "[]", StringComparison.Ordinal));
        var shell = new Shell();

        Assert.Equal(1, await shell.RunAsync($"backup --to {_server.At("backups")} --config {_server.ConfigFile}"));

        Assert.StartsWith("error: no backup was made: nobody could open the backup", shell.Error, StringComparison.Ordinal);
        Assert.Contains("hint: on your own machine: age-keygen", shell.Error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(_server.At("backups")));
    }

    private string[] Contents(string file) => SomeServer.Run("sh", "-c", $"age --decrypt --identity {_server.Identity} {file} | tar --list --gzip").Split('\n', StringSplitOptions.RemoveEmptyEntries);

    private async Task<MadeBackup> EmptiedAsync()
    {
        var made = await _server.BackUpAsync();
        _server.BecomeEmpty();
        return made;
    }
}
