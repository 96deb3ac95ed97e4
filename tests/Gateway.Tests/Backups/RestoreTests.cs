using System.Runtime.CompilerServices;
using Gateway.Backups;
using Gateway.Onboarding.Devices;
using Gateway.Onboarding.Keys;
using Gateway.Onboarding.Store;
using Gateway.Tests.Commands;

namespace Gateway.Tests.Backups;

/// <summary>A backup comes back as it was, or nothing changes; and what comes back is shut.</summary>
public sealed class RestoreTests : IDisposable
{
    private readonly SomeServer _server = new();

    public void Dispose() => _server.Dispose();

    [Fact]
    public async Task Everything_is_as_it_was_with_its_owners_and_modes()
    {
        var made = await EmptiedAsync();

        var restored = await _server.RestoreAsync(made.File);

        Assert.Equal((1, 1, "chat.example"), (restored.Members, restored.Devices, restored.Manifest.ServerName));
        Assert.Equal(SomeServer.Tree(_server.At("old/etc")), SomeServer.Tree(_server.At("etc")));
        Assert.Equal(Except(SomeServer.Tree(_server.At("old/homeserver")), "homeserver.db"), Except(SomeServer.Tree(_server.At("homeserver")), "homeserver.db"));
        Assert.Equal(Except(SomeServer.Tree(_server.At("old/data")), "gateway.lock", "backup."), SomeServer.Tree(_server.Data));
        Assert.Equal(File.GetUnixFileMode(_server.At("old/data")), File.GetUnixFileMode(_server.Data));
        Assert.Equal("hello\n", _server.Sqlite("SELECT content FROM events"));
        Assert.DoesNotContain(Directory.GetFileSystemEntries(_server.At("")), path => path.EndsWith(".restoring", StringComparison.Ordinal));
    }

    [Fact]
    public async Task It_starts_locked_and_every_device_waits_for_the_admin()
    {
        await _server.RestoreAsync((await EmptiedAsync()).File);

        using var data = _server.Open();

        Assert.True(data.Store.WasRestored);
        Assert.NotNull(data.Store.Load().LockedSince);
        Assert.All(data.Store.Load().Devices.Values, device => Assert.True(device.AwaitsConfirmation));
    }

    [Theory]
    [InlineData("data/somebody")]
    [InlineData("etc/gateway.json")]
    [InlineData("homeserver/homeserver.db")]
    public async Task What_is_there_is_never_overwritten(string path)
    {
        var made = await EmptiedAsync();
        Directory.CreateDirectory(Path.GetDirectoryName(_server.At(path))!);
        await File.WriteAllTextAsync(_server.At(path), "theirs");
        var before = SomeServer.Tree(_server.At(""));

        var refusal = await Assert.ThrowsAsync<BackupException>(() => _server.RestoreAsync(made.File));

        Assert.Contains("there is something already", refusal.Message, StringComparison.Ordinal);
        Assert.Contains(_server.At(path.Split('/')[0]), refusal.Message, StringComparison.Ordinal);
        Assert.Equal(before, SomeServer.Tree(_server.At("")));
    }

    [Fact]
    public async Task A_folder_that_is_there_and_empty_is_filled()
    {
        var made = await EmptiedAsync();
        Directory.CreateDirectory(_server.Data);
        Directory.CreateDirectory(Path.Combine(_server.Data, "lost+found"));

        await _server.RestoreAsync(made.File);

        Assert.Equal(["backup.json"], Except(SomeServer.Tree(_server.At("old/data")), "gateway.lock", "backup.lock").Except(SomeServer.Tree(_server.Data)).Select(line => line.Split(' ')[0]));
        Assert.Equal(File.GetUnixFileMode(_server.At("old/data")), File.GetUnixFileMode(_server.Data));
    }

    [Fact]
    public async Task With_another_key_nothing_happens()
    {
        var made = await EmptiedAsync();
        SomeServer.Run("age-keygen", "-o", _server.At("other.key"));

        await RefusedAsync(made.File, "no identity matched", identity: _server.At("other.key"));
        await RefusedAsync(made.File, "there is no key", identity: _server.At("missing.key"));
        await RefusedAsync(_server.At("missing.tar.gz.age"), "there is no backup");
    }

    [Theory]
    [InlineData(0.3)]
    [InlineData(0.999)]
    public async Task A_file_that_is_cut_off_changes_nothing(double part)
    {
        var made = await EmptiedAsync();
        var bytes = await File.ReadAllBytesAsync(made.File);
        await File.WriteAllBytesAsync(made.File, bytes[..(int)(bytes.Length * part)]);

        await RefusedAsync(made.File, "");
    }

    [Fact]
    public async Task A_file_with_one_wrong_bit_changes_nothing()
    {
        var made = await EmptiedAsync();
        var bytes = await File.ReadAllBytesAsync(made.File);
        bytes[bytes.Length / 2] ^= 1;
        await File.WriteAllBytesAsync(made.File, bytes);

        await RefusedAsync(made.File, "");
    }

    [Fact]
    public async Task A_homeservers_database_that_is_damaged_is_found_before_anything_has_its_place()
    {
        var made = await ForgedAsync(folder => File.WriteAllText($"{folder}/files{_server.Database}", "SQLite format 3\0 and then nothing of the kind"));

        await RefusedAsync(made, "");
    }

    [Fact]
    public async Task After_a_seizure_all_keys_are_new_and_every_device_is_cut_off()
    {
        var made = await EmptiedAsync();

        await _server.RestoreAsync(made.File, seized: true);

        Assert.NotEqual(await File.ReadAllBytesAsync(_server.At("old/data/store.key")), await File.ReadAllBytesAsync(_server.At("data/store.key")));
        Assert.False(File.Exists(_server.At("etc/tls/server.key")) || File.Exists(_server.At("etc/tls/server.crt")));
        using var data = _server.Open();
        var state = data.Store.Load();
        var device = Assert.Single(state.Devices.Values);
        Assert.Equal(Standing.Refused, device.Standing);
        Assert.True(device.Revocation!.Cut);
        Assert.Single(state.Members);
        Assert.False(data.Store.WasRestored);
        Assert.Equal(new byte[] { 1 }, data.Store.Secret("as-token", () => [1]));
        Assert.Equal(new byte[32], data.Store.Secret("audit-key", () => [1]));
        Assert.Contains(data.Store.ReadIntents(), entry => entry.Intent is DeviceRevoked);
        Assert.All(Directory.GetFiles(_server.Data), file => Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file) & ~UnixFileMode.GroupRead & ~UnixFileMode.OtherRead));
    }

    [Fact]
    public async Task The_command_says_what_to_do_next()
    {
        var made = await EmptiedAsync();
        var shell = new Shell();

        Assert.Equal(0, await shell.RunAsync($"restore {made.File} --identity {_server.Identity}"));

        Assert.Contains("Restored: chat.example as it was at 2026-11-22 09:00 UTC, 1 member, 1 device.", shell.Out, StringComparison.Ordinal);
        Assert.Contains("What to do now:\n  Start it: deploy/up or deploy/install. It starts locked, and lets nobody in. Then:\n  1. Revoke once more", shell.Out, StringComparison.Ordinal);
        Assert.Contains("gateway unlock --all", shell.Out, StringComparison.Ordinal);
        Assert.Equal(1, await shell.RunAsync($"restore {made.File} --identity {_server.Identity}"));
        Assert.Contains("error: there is something already", shell.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Below_a_root_of_its_own_it_is_only_looked_at()
    {
        var made = await _server.BackUpAsync();
        var before = SomeServer.Tree(_server.Data);

        await _server.RestoreAsync(made.File, root: _server.At("look"));

        Assert.Equal(SomeServer.Tree(_server.At("etc")), SomeServer.Tree(_server.At("look") + _server.At("etc")));
        Assert.Equal(before, SomeServer.Tree(_server.Data));
        Assert.Contains(_server.At("look/"), (await Assert.ThrowsAsync<BackupException>(() => _server.RestoreAsync(made.File, root: _server.At("look")))).Message, StringComparison.Ordinal);
    }

    /// <summary>Made by <c>gateway backup</c> of format 1, with this key; every later gateway reads it.</summary>
    [Fact]
    public async Task A_backup_of_an_older_gateway_comes_back()
    {
        var restored = await _server.RestoreAsync(Fixture("format-1.tar.gz.age"), identity: Fixture("format-1.key"), root: _server.At("look"));

        Assert.Equal((1, "chat.example", 1, 1), (restored.Manifest.Format, restored.Manifest.ServerName, restored.Members, restored.Devices));
        var database = _server.At("look") + restored.Manifest.HomeserverDatabase;
        Assert.Equal("hello\n", SomeServer.Run("sqlite3", database, "SELECT content FROM events"));
        using var data = DataDirectory.Open(_server.At("look") + restored.Manifest.DataDirectory, new Entropy(), TimeProvider.System);
        Assert.Equal("m1", data.Store.Load().Members.Values.Single().Localpart.ToString());
    }

    [Fact]
    public async Task A_backup_of_a_newer_gateway_is_refused_by_name()
    {
        var made = await ForgedAsync(folder =>
        {
            var manifest = File.ReadAllText($"{folder}/manifest.json");
            Assert.Contains("\"format\": 1", manifest, StringComparison.Ordinal);
            File.WriteAllText($"{folder}/manifest.json", manifest.Replace("\"format\": 1", "\"format\": 2", StringComparison.Ordinal));
        });

        await RefusedAsync(made, "newer gateway");
    }

    [Theory]
    [InlineData("/etc/cron.d", "there is something already")]
    [InlineData("relative", "places that no gateway would")]
    [InlineData("/srv/../etc/x", "places that no gateway would")]
    public async Task A_forged_backup_writes_nowhere_else(string place, string why)
    {
        var made = await ForgedAsync(folder =>
            File.WriteAllText($"{folder}/manifest.json", File.ReadAllText($"{folder}/manifest.json").Replace($"\"{_server.At("homeserver")}\"", $"\"{place}\"", StringComparison.Ordinal)));

        await RefusedAsync(made, why);
    }

    [Fact]
    public async Task A_forged_backup_with_a_file_outside_of_its_places_is_refused()
    {
        var made = await ForgedAsync(folder =>
        {
            File.WriteAllText($"{folder}/files{_server.At("evil")}", "x");
            File.WriteAllText($"{folder}/names", File.ReadAllText($"{folder}/names").Replace("entries.json", $"files{_server.At("evil")}\nentries.json", StringComparison.Ordinal));
        });

        await RefusedAsync(made, "outside of its places");
        Assert.False(File.Exists(_server.At("evil")));
    }

    [Fact]
    public async Task A_backup_with_another_content_than_its_list_is_refused()
    {
        var made = await ForgedAsync(folder => File.AppendAllText($"{folder}/files{_server.At("homeserver/signing.key")}", "x"));

        await RefusedAsync(made, "signing.key differs");
    }

    private static string Fixture(string name, [CallerFilePath] string file = "") => Path.Combine(Path.GetDirectoryName(file)!, name);

    private static string[] Except(IEnumerable<string> lines, params string[] names) =>
        [.. lines.Where(line => !names.Any(name => line.StartsWith(name, StringComparison.Ordinal)))];

    private async Task<MadeBackup> EmptiedAsync()
    {
        var made = await _server.BackUpAsync();
        _server.BecomeEmpty();
        return made;
    }

    /// <summary>A backup that somebody else put together, for the same key: age does not say who wrote a file.</summary>
    private async Task<string> ForgedAsync(Action<string> change)
    {
        var made = await EmptiedAsync();
        var folder = Directory.CreateDirectory(_server.At("forged")).FullName;
        SomeServer.Run("sh", "-c", $"age --decrypt --identity {_server.Identity} {made.File} | tar --extract --gzip --verbose --directory {folder} > {folder}/names");
        change(folder);
        var forged = _server.At("forged.tar.gz.age");
        SomeServer.Run("sh", "-c", $"cd {folder} && tar --create --gzip --format=pax --no-recursion --files-from names | age --recipient {_server.Recipient} --output {forged}");
        Directory.Delete(folder, recursive: true);
        return forged;
    }

    private async Task RefusedAsync(string file, string why, string? identity = null)
    {
        var before = SomeServer.Tree(_server.At(""));

        var refusal = await Assert.ThrowsAsync<BackupException>(() => _server.RestoreAsync(file, identity: identity));

        Assert.Contains(why, refusal.Message, StringComparison.Ordinal);
        Assert.NotEmpty(refusal.Hint);
        Assert.Equal(before, SomeServer.Tree(_server.At("")));
    }
}
