using System.Diagnostics;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using Gateway.Backups;
using Gateway.Onboarding.Keys;
using Gateway.Onboarding.Store;
using Gateway.Tests.Store;
using Microsoft.Extensions.Time.Testing;

namespace Gateway.Tests.Backups;

/// <summary>
/// What a backup is of, in a folder of its own: a real store with a member, a device and secrets, a configuration with a certificate, and a
/// homeserver's SQLite file, media, signing key and link; and on the admin's own machine, a key of age.
/// </summary>
internal sealed class SomeServer : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("gateway-backup-");

    public SomeServer()
    {
        Run("age-keygen", "-o", Identity);
        Recipient = File.ReadLines(Identity).Single(line => line.StartsWith("# public key: ", StringComparison.Ordinal))["# public key: ".Length..];
        foreach (var folder in "etc/tls data homeserver/media/ab homeserver/config".Split(' '))
        {
            Directory.CreateDirectory(At(folder));
        }

        File.SetUnixFileMode(Data, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        using (var key = ECDsa.Create(ECCurve.NamedCurves.nistP256))
        using (var certificate = new CertificateRequest("CN=chat.example", key, HashAlgorithmName.SHA256).CreateSelfSigned(Now.AddYears(-1), Now.AddYears(9)))
        {
            File.WriteAllText(At("etc/tls/server.crt"), certificate.ExportCertificatePem());
            File.WriteAllText(At("etc/tls/server.key"), key.ExportPkcs8PrivateKeyPem());
        }

        File.SetUnixFileMode(At("etc/tls/server.key"), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead);
        File.WriteAllText(At("homeserver/signing.key"), "ed25519 a_lab secret");
        File.WriteAllBytes(At("homeserver/media/ab/picture"), new Entropy().Bytes(20_000));
        File.WriteAllText(At("homeserver/config/gateway.yaml"), "public_baseurl: x");
        File.CreateSymbolicLink(At("homeserver/config/zz.yaml"), "gateway.yaml");
        Sqlite("CREATE TABLE events (id INTEGER PRIMARY KEY, content TEXT); INSERT INTO events (content) VALUES ('hello')");
        WriteConfiguration();
        foreach (var path in Directory.GetFileSystemEntries(At("homeserver"), "*", SearchOption.AllDirectories))
        {
            FileOwner.Set(path, 65534, 65534);
        }

        History = new SomeHistory(7);
        using var data = Open();
        Write(data);
    }

    public static DateTimeOffset Now { get; } = new(2026, 11, 22, 9, 0, 0, TimeSpan.Zero);

    public SomeHistory History { get; }

    public FakeTimeProvider Time { get; } = new(Now);

    public string Recipient { get; }

    public string Identity => At("backup.key");

    public string Data => At("data");

    public string Database => At("homeserver/homeserver.db");

    public string ConfigFile => At("etc/gateway.json");

    public BackupFolder Folder => new(At("backups"));

    public List<string> Said { get; } = [];

    /// <summary>What the configuration file says, for those who change it.</summary>
    public BackupOptions Options { get; private set; } = new();

    public string At(string path) => Path.Combine(_folder.FullName, path);

    public DataDirectory Open() => DataDirectory.Open(Data, new Entropy(), TimeProvider.System);

    public Task<MadeBackup> BackUpAsync(bool isFinal = false, CancellationToken cancellationToken = default) =>
        new BackupMaker(new BackupSource(ConfigFile, "chat.example", Data, At("etc/tls/server.crt"), At("etc/tls/server.key"), Options), Time, Said.Add)
            .MakeAsync(Folder, isFinal, cancellationToken);

    public Task<Restored> RestoreAsync(string file, bool seized = false, string? identity = null, string root = "") =>
        new Restorer(Time, Said.Add).RestoreAsync(file, identity ?? Identity, root, seized, default);

    /// <summary>What there was goes out of the way: the next machine is empty, but for the backups.</summary>
    public void BecomeEmpty()
    {
        Directory.CreateDirectory(At("old"));
        foreach (var place in "etc data homeserver".Split(' ').Where(place => Directory.Exists(At(place))))
        {
            Directory.Move(At(place), At($"old/{place}"));
        }
    }

    /// <summary>Path, owner, mode and content of all that is below.</summary>
    public static IReadOnlyList<string> Tree(string folder) =>
        [.. from path in Directory.EnumerateFileSystemEntries(folder, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal)
            let item = new FileInfo(path)
            let content = item.LinkTarget ?? (Directory.Exists(path) ? "folder" : Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(path))))
            select $"{Path.GetRelativePath(folder, path)} {FileOwner.Of(path)} {(item.LinkTarget is null ? item.UnixFileMode : UnixFileMode.None)} {content}"];

    public string Sqlite(string statement) => Run("sqlite3", Database, statement);

    public void Dispose()
    {
        History.Dispose();
        _folder.Delete(recursive: true);
    }

    public static string Run(string program, params IEnumerable<string> arguments)
    {
        using var child = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false })!;
        var errors = child.StandardError.ReadToEndAsync();
        var output = child.StandardOutput.ReadToEnd();
        child.WaitForExit();
        return child.ExitCode == 0 ? output : throw new InvalidOperationException($"{program}: {errors.Result}");
    }

    private void Write(DataDirectory data)
    {
        var writer = new StateWriter(data.Store);
        var device = History.SomeDevice(1) with { FirstHandshake = Now };
        writer.Write(
            new MemberAdded(device.Member, "Élise", Adopted: false) { At = Now }, new AccountMade(device.Member) { At = Now }, new DeviceEnrolled(device, "admin") { At = Now });
        data.Store.Secret("as-token", () => new byte[32]);
        data.Store.Secret("audit-key", () => new byte[32]);
        File.WriteAllText(Path.Combine(Data, "audit.log"), "audit");
        File.SetUnixFileMode(Path.Combine(Data, "audit.log"), UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }

    private void WriteConfiguration()
    {
        Options = new BackupOptions { Recipients = [Recipient], HomeserverDatabase = Database, Files = [At("homeserver")] };
        File.WriteAllText(ConfigFile, new JsonObject
        {
            ["Gateway"] = new JsonObject { ["ServerName"] = "chat.example", ["DataDirectory"] = Data },
            ["Tunnel"] = new JsonObject { ["Endpoint"] = "203.0.113.1:41194", ["ListenPort"] = 41194 },
            ["Certificate"] = new JsonObject { ["Path"] = At("etc/tls/server.crt"), ["KeyPath"] = At("etc/tls/server.key") },
            ["Backup"] = new JsonObject { ["Recipients"] = new JsonArray(Recipient), ["HomeserverDatabase"] = Database, ["Files"] = new JsonArray(At("homeserver")) },
        }.ToJsonString());
    }
}
