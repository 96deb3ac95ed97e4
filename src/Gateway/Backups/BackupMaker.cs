using System.IO.Compression;
using System.Reflection;
using Gateway.Onboarding.Store;

namespace Gateway.Backups;

/// <summary>What a backup is of, from the configuration.</summary>
internal sealed record BackupSource(string Configuration, string ServerName, string DataDirectory, string? CertificatePath, string? CertificateKeyPath, BackupOptions Options);

/// <summary>A backup that was made. <see cref="Sha256"/>: of the file, to know it again elsewhere.</summary>
internal sealed record MadeBackup(string File, long Bytes, string Sha256, int Files, IReadOnlyList<string> Removed);

/// <summary>
/// Makes one file of everything that a new server needs, encrypted by age(1) to keys of which this server has none. Copies of the
/// databases lie, as long as it takes, in the data directory: no other disk sees a word in the clear.
/// </summary>
internal sealed class BackupMaker(BackupSource source, TimeProvider time, Action<string> say)
{
    private const string StagingName = "backup.staging";
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    private readonly string _staging = Path.Combine(source.DataDirectory, StagingName);

    /// <summary>Throws <see cref="BackupException"/>; then there is no file, and the next one to look is told (<see cref="LastBackup"/>).</summary>
    public async Task<MadeBackup> MakeAsync(BackupFolder folder, bool isFinal, CancellationToken cancellationToken)
    {
        if (source.Options.Recipients.Count == 0)
        {
            throw new BackupException("nobody could open the backup", "on your own machine: age-keygen -o backup.key; its public key goes into Backup:Recipients, or --recipient");
        }

        using var alone = TakeLock();
        var last = LastBackup.Read(source.DataDirectory);
        var now = time.GetUtcNow();
        try
        {
            var made = isFinal ? await MoveAsync(folder, now, cancellationToken) : await WriteAsync(folder, now, isFinal, cancellationToken);
            last = new(now, made.File, made.Bytes);
            Note(last);

            // Of a move the file is all that counts: nothing after it may look as if it were not there.
            return isFinal ? made : made with { Removed = folder.Prune(source.Options.Keep, TimeSpan.FromDays(source.Options.KeepDays), now) };
        }
        catch (OperationCanceledException)
        {
            NoteFailure(last, now, "interrupted");
            throw;
        }
        catch (BackupException e)
        {
            NoteFailure(last, now, e.Message);
            throw;
        }
        catch (StoreException e)
        {
            NoteFailure(last, now, e.Message);
            throw new BackupException(e.Message, e.Hint, e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            NoteFailure(last, now, e.Message);
            throw new BackupException(e.Message, "is there space, and may this user read and write there? As root: sudo", e);
        }
    }

    /// <summary>The fence first: between the backup and it, nothing may happen that the other server does not know.</summary>
    private async Task<MadeBackup> MoveAsync(BackupFolder folder, DateTimeOffset now, CancellationToken cancellationToken)
    {
        using var alone = DataDirectory.Hold(source.DataDirectory);
        if (Fence.Of(source.DataDirectory) is not null)
        {
            // One more file of a server that has moved: where that fails, it has moved all the same.
            return await WriteAsync(folder, now, isFinal: true, cancellationToken);
        }

        Fence.Raise(source.DataDirectory, now);
        try
        {
            return await WriteAsync(folder, now, isFinal: true, cancellationToken);
        }
        catch
        {
            Fence.Lower(source.DataDirectory);
            throw;
        }
    }

    private void NoteFailure(LastBackup? last, DateTimeOffset now, string failure) => Note((last ?? new()) with { FailedAt = now, Failure = failure });

    /// <summary>Where even that cannot be written, what the command says has to do.</summary>
    private void Note(LastBackup last)
    {
        try
        {
            last.Write(source.DataDirectory);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            say($"how it went could not be noted: {e.Message}");
        }
    }

    private FileStream TakeLock()
    {
        try
        {
            return LeftFile.Hold(source.DataDirectory, "backup.lock");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new BackupException(
                $"{source.DataDirectory} cannot be locked for a backup: {e.Message}", "another one may be running; or the directory is not there, or not yours: as root, sudo", e);
        }
    }

    private async Task<MadeBackup> WriteAsync(BackupFolder folder, DateTimeOffset now, bool isFinal, CancellationToken cancellationToken)
    {
        var file = folder.Begin(now);
        try
        {
            await StageAsync(cancellationToken);
            using var age = Child.Start("age", ["--encrypt", .. source.Options.Recipients.SelectMany(recipient => new[] { "--recipient", recipient })]);
            var (files, digest) = await EncryptAsync(age, file, now, isFinal, cancellationToken);
            await age.EndAsync(cancellationToken);
            var bytes = file.Length;
            return new(folder.Finish(file), bytes, digest, files, []);
        }
        catch
        {
            await file.DisposeAsync();
            File.Delete(file.Name);
            throw;
        }
        finally
        {
            RemoveStaging();
        }
    }

    private async Task<(int Files, string Digest)> EncryptAsync(Child age, FileStream file, DateTimeOffset now, bool isFinal, CancellationToken cancellationToken)
    {
        var saving = DigestedCopy.MakeAsync(age.Output, file, cancellationToken);
        var filling = FillAsync(age.Input, now, isFinal, cancellationToken);
        try
        {
            await Task.WhenAll(filling, saving);
            return (await filling, (await saving).Sha256);
        }
        catch (IOException) when (filling.IsFaulted && !saving.IsFaulted)
        {
            // A pipe that broke: age ended first, and says why.
            await age.EndAsync(cancellationToken);
            throw;
        }
    }

    /// <summary>The databases first: they are of one moment each, and what is only ever added to, such as media, may be newer.</summary>
    private async Task StageAsync(CancellationToken cancellationToken)
    {
        RemoveStaging();
        var store = Directory.CreateDirectory(Path.Combine(_staging, "store"), OwnerOnly).FullName;
        var state = DataCopy.Make(source.DataDirectory, store);
        say($"gateway: {state.Members.Count} members, {state.Devices.Count} devices");
        if (source.Options.HomeserverDatabase is { } database)
        {
            var copy = Path.Combine(_staging, Manifest.Database);
            await HomeserverDatabase.CopyAsync(database, copy, cancellationToken);
            say($"homeserver's database: {Megabytes(new FileInfo(copy).Length)}");
        }
    }

    private async Task<int> FillAsync(Stream output, DateTimeOffset now, bool isFinal, CancellationToken cancellationToken)
    {
        // Closed in any case, so that age ends.
        await using var input = output;
        await using var compressed = new GZipStream(input, CompressionLevel.Fastest, leaveOpen: true);
        await using var archive = new ArchiveWriter(compressed);
        var places = new Places(source, _staging);
        await archive.BeginAsync(Head(places, now, isFinal), cancellationToken);
        var all = places.Walk().ToList();
        var (bytes, files, last) = (0L, 0, time.GetTimestamp());
        foreach (var found in all)
        {
            cancellationToken.ThrowIfCancellationRequested();
            await found.AddToAsync(archive, cancellationToken);
            (bytes, files) = (bytes + found.Length, files + 1);
            if (time.GetElapsedTime(last) > TimeSpan.FromSeconds(5))
            {
                say($"{files} of {all.Count} files, {Megabytes(bytes)} of {Megabytes(all.Sum(one => one.Length))}");
                last = time.GetTimestamp();
            }
        }

        if (source.Options.HomeserverDatabase is { } database && HomeserverDatabase.IsPostgres(database))
        {
            var dump = Path.Combine(_staging, Manifest.Database);
            await archive.AddFileAsync(dump, dump, Manifest.Database, cancellationToken);
        }

        await archive.EndAsync(cancellationToken);
        say($"files: {archive.Entries.Count}, {Megabytes(bytes)}");
        return archive.Entries.Count;
    }

    private Manifest Head(Places places, DateTimeOffset now, bool isFinal) => new()
    {
        Format = Manifest.CurrentFormat,
        GatewayVersion = typeof(BackupMaker).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "",
        ServerName = source.ServerName,
        At = now,
        IsFinal = isFinal,
        DataDirectory = source.DataDirectory,
        Configuration = source.Configuration,
        Places = places.All,
        HomeserverDatabase = source.Options.HomeserverDatabase,
    };

    private void RemoveStaging()
    {
        if (Directory.Exists(_staging))
        {
            Directory.Delete(_staging, recursive: true);
        }
    }

    internal static string Megabytes(long bytes) => bytes < 10_000_000 ? FormattableString.Invariant($"{bytes / 1e6:0.0} MB") : FormattableString.Invariant($"{bytes / 1_000_000} MB");
}
