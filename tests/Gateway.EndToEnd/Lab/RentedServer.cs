namespace Gateway.EndToEnd.Lab;

/// <summary>
/// The rented server as <c>deploy/up</c> left it, for the scripts of <c>deploy/</c>: they run in the lab's namespace, as root,
/// and what they change of the machine is a copy. The gateway reads its certificate there.
/// </summary>
internal sealed class RentedServer
{
    private static readonly string Deploy = Path.Combine(AppContext.BaseDirectory, "deploy");
    private static readonly string OnCopy = Path.Combine(AppContext.BaseDirectory, "Lab", "run-on-copy");

    private readonly TestLab lab;
    private readonly string folder;

    private RentedServer(TestLab lab, string folder) => (this.lab, this.folder) = (lab, folder);

    /// <summary>As the gateway, which runs outside of the copy, finds it.</summary>
    public string Certificate => Path.Combine(folder, "etc/gateway/tls/server.pem");

    public string Settings => Path.Combine(folder, "etc/gateway/certificate.conf");

    public string Log => Path.Combine(folder, "log/gateway/certificate.log");

    /// <summary>What a script left in the memory that programs share, where it works with keys.</summary>
    public IReadOnlyList<string> LeftInMemory => Directory.GetFileSystemEntries(Path.Combine(folder, "shm"));

    public static async Task<RentedServer> MakeAsync(TestLab lab, string nameServer)
    {
        var server = new RentedServer(lab, Path.Combine(lab.Network.Name.Folder, lab.Network.Name.NextLink() + "-server"));
        (await server.RunAsync("true")).Expect();
        var etc = Path.Combine(server.folder, "etc");
        await File.WriteAllTextAsync(Path.Combine(etc, "netns", lab.Server.Name, "resolv.conf"), $"nameserver {nameServer}\n");
        (await server.RunAsync("sh", "-c", "getent group gateway >/dev/null || groupadd --system gateway; install -d -g gateway -m 0750 /etc/gateway /etc/gateway/tls")).Expect();
        await File.WriteAllTextAsync(Path.Combine(etc, "gateway/gateway.json"), $$"""
            {
              "Gateway": { "ServerName": "{{GatewayHost.ServerName}}" },
              "Certificate": { "Path": "/etc/gateway/tls/server.pem", "KeyPath": "/etc/gateway/tls/server.pem" }
            }
            """);
        var key = server.Certificate + ".key";
        lab.Authority.Issue(GatewayHost.ServerName, server.Certificate, key);
        await File.AppendAllTextAsync(server.Certificate, "\n" + await File.ReadAllTextAsync(key));
        File.Delete(key);
        return server;
    }

    /// <summary>A script of <c>deploy/</c>, by its name.</summary>
    public Task<Finished> ScriptAsync(string name, params string[] arguments) => RunAsync(Script(name), arguments);

    public static string Script(string name) => Path.Combine(Deploy, name);

    /// <summary>Root's alone, as the script demands.</summary>
    public void WriteSettings(string text)
    {
        File.WriteAllText(Settings, text);
        File.SetUnixFileMode(Settings, UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }

    public Task<Finished> RunAsync(string program, params string[] arguments) =>
        Command.RunAsync("unshare", ["--mount", OnCopy, folder, "ip", "netns", "exec", lab.Server.Name, "env", "GATEWAY_DEPLOY_LOCKED=1", program, .. arguments]);
}
