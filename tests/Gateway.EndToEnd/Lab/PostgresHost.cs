using System.Globalization;
using System.Security.Cryptography;

namespace Gateway.EndToEnd.Lab;

/// <summary>A real PostgreSQL of Debian's on the server, which answers on a Unix socket alone and asks for a password, as deploy/compose.yaml sets it up.</summary>
public sealed class PostgresHost : IAsyncDisposable
{
    private readonly RunningProgram program;

    private PostgresHost(RunningProgram program, string folder, string password)
    {
        this.program = program;
        Setting = $"{{name: psycopg2, args: {{host: {folder}, user: synapse, password: {password}, dbname: synapse}}}}";
    }

    /// <summary>Synapse's <c>database</c> for it.</summary>
    public string Setting { get; }

    /// <summary>In a folder of Synapse's, whose user it shares: it refuses to be root.</summary>
    public static async Task<PostgresHost> StartAsync(NetworkNamespace server, string folder)
    {
        var password = RandomNumberGenerator.GetHexString(32);
        var user = SynapseRoot.User.ToString(CultureInfo.InvariantCulture);
        string[] become = ["--reuid", user, "--regid", user, "--clear-groups"];
        var tools = Directory.GetDirectories("/usr/lib/postgresql").Max(StringComparer.Ordinal) + "/bin/";
        var cluster = Path.Combine(Directory.CreateDirectory(folder).FullName, "cluster");
        var secret = Path.Combine(folder, "database-password");
        await File.WriteAllTextAsync(secret, password + "\n");
        foreach (var path in (string[])[Path.GetDirectoryName(folder)!, folder, secret])
        {
            _ = Libc.ChangeOwner(path, SynapseRoot.User, SynapseRoot.User) == 0 ? 0 : throw new IOException($"cannot give {path} away");
        }

        (await server.RunAsync(
            "setpriv", [.. become, tools + "initdb", $"--pgdata={cluster}", "--username=synapse", "--encoding=UTF8", "--locale=C", "--auth=scram-sha-256", $"--pwfile={secret}", "--no-sync"])).Expect();
        var started = new RunningProgram(
            server.Describe("setpriv", [.. become, tools + "postgres", "-D", cluster, "-c", "listen_addresses=", "-c", $"unix_socket_directories={folder}", "-c", "fsync=off"]), "postgres");
        try
        {
            await Until.TrueAsync("the database answers", TimeSpan.FromSeconds(20), async () => (await server.RunAsync(tools + "pg_isready", "--host", folder)).ExitCode == 0);
            (await server.RunAsync("env", $"PGPASSWORD={password}", tools + "createdb", "--host", folder, "--username=synapse", "--maintenance-db=postgres", "synapse")).Expect();
            return new PostgresHost(started, folder, password);
        }
        catch
        {
            await started.DisposeAsync();
            throw;
        }
    }

    public ValueTask DisposeAsync() => program.DisposeAsync();
}
