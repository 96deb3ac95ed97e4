using System.Formats.Tar;
using System.IO.Compression;
using System.Text.Json;
using Gateway.Onboarding.Store;

namespace Gateway.Backups;

/// <summary>What came back. <see cref="Made"/>: users and groups that this machine did not have.</summary>
internal sealed record Restored(Manifest Manifest, IReadOnlyList<string> Places, int Members, int Devices, IReadOnlyList<string> Made);

/// <summary>
/// Brings a backup back to an empty machine. All of it is unpacked beside its place and looked through first: every file against
/// its digest, the store opened with its key, the homeserver's database checked. Only then do the places get their names. A place
/// that has something in it is never written to. Below a root of its own it is only looked at: no user is made, and a dump of PostgreSQL
/// stays a file.
/// </summary>
internal sealed class Restorer(TimeProvider time, Action<string> say)
{
    public async Task<Restored> RestoreAsync(string file, string identity, string root, bool seized, CancellationToken cancellationToken)
    {
        EnsurePossible(file, identity);
        using var age = Child.Start("age", ["--decrypt", "--identity", identity, file], asks: true);
        RestoredPlaces? places = null;
        try
        {
            await using var content = new GZipStream(age.Output, CompressionMode.Decompress, leaveOpen: true);
            await using var archive = new TarReader(content);
            var manifest = await HeadAsync(archive, age, cancellationToken);
            say($"backup of {manifest.ServerName}, made {manifest.At:yyyy-MM-dd HH:mm} UTC");
            places = RestoredPlaces.Prepare(manifest, root);
            if (manifest.HomeserverDatabase is { } database && root.Length == 0)
            {
                await HomeserverDatabase.EnsureEmptyAsync(database, cancellationToken);
            }

            await UnpackAsync(archive, places, cancellationToken);
            await content.CopyToAsync(Stream.Null, cancellationToken);
            await age.Output.CopyToAsync(Stream.Null, cancellationToken);
            await age.EndAsync(cancellationToken);
            return await FinishAsync(manifest, places, isHere: root.Length == 0, seized, cancellationToken);
        }
        catch (StoreException e)
        {
            throw new BackupException($"the backup was not restored: {e.Message}", e.Hint, e);
        }
        catch (Exception e) when (e is IOException or InvalidDataException or UnauthorizedAccessException or JsonException)
        {
            throw new BackupException($"the backup was not restored: {e.Message}", "nothing was changed; is the file whole, and is there space?", e);
        }
        finally
        {
            places?.Discard();
        }
    }

    private static void EnsurePossible(string file, string identity)
    {
        if (!Environment.IsPrivilegedProcess)
        {
            throw new BackupException("only root can give the files back to their owners", "sudo gateway restore …");
        }

        foreach (var (path, what) in new[] { (file, "backup"), (identity, "key") }.Where(named => !File.Exists(named.Item1)))
        {
            throw new BackupException($"there is no {what} {path}", "nothing was changed");
        }
    }

    /// <summary>Where there is no first entry, age has something to say.</summary>
    private static async Task<Manifest> HeadAsync(TarReader archive, Child age, CancellationToken cancellationToken)
    {
        TarEntry? first = null;
        try
        {
            first = await archive.GetNextEntryAsync(copyData: false, cancellationToken);
        }
        catch (Exception e) when (e is IOException or InvalidDataException)
        {
        }

        if (first is null)
        {
            await age.EndAsync(cancellationToken);
        }

        return Manifest.Read(first?.Name == Manifest.Name ? first.DataStream : null);
    }

    private async Task UnpackAsync(TarReader archive, RestoredPlaces places, CancellationToken cancellationToken)
    {
        var found = new List<ManifestEntry>();
        IReadOnlyList<ManifestEntry>? expected = null;
        var (bytes, told) = (0L, 0L);
        while (await archive.GetNextEntryAsync(copyData: false, cancellationToken) is { } entry)
        {
            if (entry.Name == Manifest.EntriesName)
            {
                expected = await JsonSerializer.DeserializeAsync(entry.DataStream ?? Stream.Null, BackupJson.Default.IReadOnlyListManifestEntry, cancellationToken);
                continue;
            }

            if (entry.EntryType is not TarEntryType.RegularFile)
            {
                places.Add(entry);
                continue;
            }

            found.Add(await WriteAsync(entry, places.FileFor(entry), cancellationToken));
            bytes += found[^1].Size;
            if (bytes - told > 250_000_000)
            {
                say($"{found.Count} files, {BackupMaker.Megabytes(bytes)}");
                told = bytes;
            }
        }

        if (expected is null || !expected.SequenceEqual(found))
        {
            throw new BackupException(
                expected is null ? "the backup has no end" : $"the backup is not what was written: {expected.Except(found).Concat(found.Except(expected)).First().Path} differs",
                "use another backup; nothing was changed");
        }

        say($"{found.Count} files, {BackupMaker.Megabytes(bytes)}, each as it was");
    }

    private static async Task<ManifestEntry> WriteAsync(TarEntry entry, string path, CancellationToken cancellationToken)
    {
        await using var to = new FileStream(path, new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.Write,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        });
        var (size, digest) = await DigestedCopy.MakeAsync(entry.DataStream ?? Stream.Null, to, cancellationToken);
        await to.FlushAsync(cancellationToken);
        RandomAccess.FlushToDisk(to.SafeFileHandle);
        return new(entry.Name, size, digest);
    }

    private async Task<Restored> FinishAsync(Manifest manifest, RestoredPlaces places, bool isHere, bool seized, CancellationToken cancellationToken)
    {
        var data = places.Staged(manifest.DataDirectory);
        var state = DataDirectory.Peek(data);
        if (seized)
        {
            state = Seizure.Renew(data, time);
            places.Claim(manifest.DataDirectory);
            places.Forget(Seizure.TlsFiles(places.Staged(manifest.Configuration)));
            say("new keys; every device cut off");
        }

        if (manifest.HomeserverDatabase is { } database && (isHere || !HomeserverDatabase.IsPostgres(database)))
        {
            await HomeserverDatabase.PutBackAsync(database, HomeserverDatabase.IsPostgres(database) ? places.Dump : places.Staged(database), cancellationToken);
            say("homeserver's database: sound");
        }

        var made = await places.TakePlacesAsync(cancellationToken);
        return new(manifest, manifest.Places, state.Members.Count, state.Devices.Count, made);
    }
}
