using Gateway.EndToEnd.Lab;

namespace Gateway.EndToEnd.Stories;

/// <summary>
/// The three services of deploy/compose.yaml as they speak with each other there, without the containers: through Unix sockets and
/// nothing else, Synapse on PostgreSQL with a password.
/// </summary>
public sealed class ComposedStory
{
    [Fact]
    public async Task Gateway_homeserver_and_database_need_no_port_between_them()
    {
        PostgresHost? database = null;
        await using var lab = new TestLab
        {
            Configure = gateway =>
            {
                gateway.Settings["Homeserver:BaseUrl"] = $"unix:{Socket(Path.GetDirectoryName(gateway.Folder)!)}";
                gateway.Settings["Revocation:GraceHours"] = 1;
            },
            MakeHomeserver = async (server, folder) =>
            {
                database = await PostgresHost.StartAsync(server, Path.Combine(folder, "database"));
                return new HomeserverHost(server, folder, Socket(Path.GetDirectoryName(folder)!)) { Database = database.Setting };
            },
        };
        try
        {
            await lab.InitializeAsync();
            var sofiane = await lab.SignInAsync("sofiane");
            var room = await sofiane.Client.CreateRoomAsync();
            await sofiane.Client.SendAsync(room, "over three sockets");

            var listening = (await lab.Server.RunAsync("ss", "--listening", "--tcp", "--numeric", "--no-header")).Expect();
            var drill = await lab.Gateway.JsonAsync("drill");
            (await lab.Gateway.RunAsync("revoke", sofiane.Device)).Expect();

            // The gateway's own two doors in the tunnel, and its console.
            string[] ours = [$" {lab.Gateway.TunnelAddress}%{lab.Gateway.Link}:443 ", $" {lab.Gateway.TunnelAddress}%{lab.Gateway.Link}:9443 ", " 127.0.0.1:8080 "];
            Assert.All(listening.Split('\n', StringSplitOptions.RemoveEmptyEntries), line => Assert.Contains(ours, door => line.Contains(door, StringComparison.Ordinal)));
            Assert.True(drill.GetProperty("ok").GetBoolean());
            await Until.TrueAsync("Synapse has no session", TimeSpan.FromSeconds(10), async () => (await lab.Homeserver.SessionsAsync(sofiane.UserId)).Count == 0);
        }
        finally
        {
            await (database?.DisposeAsync() ?? ValueTask.CompletedTask);
        }
    }

    private static string Socket(string lab) => Path.Combine(lab, "homeserver", "main.sock");
}
