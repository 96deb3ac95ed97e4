using System.Net;
using System.Text.Json.Nodes;
using Gateway.EndToEnd.Lab;

namespace Gateway.EndToEnd.Stories;

/// <summary>
/// The house is moved: two servers with their own namespaces and addresses, the real gateway and Synapse on each, one after the other,
/// with nothing but one encrypted file from the first to the second. Their files have the same paths, so the first one's are put
/// out of reach before the second begins.
/// </summary>
public sealed class MoveStory(ITestOutputHelper output) : IAsyncLifetime
{
    private const string EndpointName = "gw.lab.test";
    private const int NextHost = 20;

    private readonly TestLab lab = new()
    {
        PublicNames = [$"{TestLab.PublicAddress} {EndpointName}"],
        Configure = gateway => gateway.Settings["Tunnel:Endpoint"] = $"{EndpointName}:{GatewayHost.ListenPort}",
    };

    private NetworkNamespace? there;

    private static string NextAddress => $"{TestNetwork.DataCentre}.{NextHost}";

    private string Backups => Path.Combine(lab.Network.Name.Folder, "backups");

    private string Identity => Path.Combine(lab.Network.Name.Folder, "backup.key");

    public async ValueTask InitializeAsync()
    {
        await lab.InitializeAsync();
        (await Command.RunAsync("age-keygen", "-o", Identity)).Expect();
        lab.Gateway.Settings["Backup:Recipients"] = new JsonArray((await Command.RunAsync("age-keygen", "-y", Identity)).Expect().Trim());
        lab.Gateway.Settings["Backup:HomeserverDatabase"] = Path.Combine(lab.Homeserver.Folder, "homeserver.db");
        lab.Gateway.Settings["Backup:Files"] = new JsonArray(lab.Homeserver.Folder);
        await lab.Gateway.RestartAsync();
    }

    public ValueTask DisposeAsync() => lab.DisposeAsync();

    [Fact]
    public async Task A_planned_move_takes_everybody_along_and_nobody_scans_again()
    {
        var petra = await lab.SignInAsync("petra");
        var quentin = await lab.SignInAsync("quentin");
        var room = await petra.Client.CreateRoomAsync(quentin.UserId);
        await quentin.Client.JoinAsync(room);
        await petra.Client.SeeJoinAsync(room, quentin.UserId);
        await petra.Client.SendAsync(room, "before the move");
        await quentin.Client.ReceiveAsync("before the move");
        var next = await lab.Network.AddHostAsync("next", TestNetwork.DataCentre, NextHost);
        var start = TimeProvider.System.GetTimestamp();

        await lab.Gateway.StopAsync();
        (await lab.Gateway.RunAsync("backup", "--final", "--to", Backups)).Expect();
        var (code, said) = await lab.Gateway.StartInVainAsync();
        await LeaveAsync();
        var restored = (await next.RunAsync(Requirements.Gateway, "restore", Assert.Single(Directory.GetFiles(Backups)), "--identity", Identity)).Expect();
        await ArriveAsync(next);
        await lab.Homeserver.StartAsync();
        await Task.WhenAll(petra.Phone.ToggleAsync($"{NextAddress} {EndpointName}"), quentin.Phone.ToggleAsync($"{NextAddress} {EndpointName}"));
        var locked = await AskAsync(petra);
        (await lab.Gateway.RunAsync("unlock", "--all")).Expect();
        var open = await AskAsync(petra);
        output.WriteLine($"from the stop until a phone is served by the next server: {TimeProvider.System.GetElapsedTime(start).TotalSeconds:0.0} s");

        Assert.Equal(2, code);
        Assert.Contains("error: this gateway has moved to another server", said, StringComparison.Ordinal);
        Assert.Contains("gateway unlock --all", restored, StringComparison.Ordinal);
        Assert.Equal((HttpStatusCode.ServiceUnavailable, HttpStatusCode.OK), (locked.Status, open.Status));
        Assert.Equal(petra.UserId, open.Json.GetProperty("user_id").GetString());
        await petra.Client.SendAsync(room, "after the move");
        await quentin.Client.ReceiveAsync("after the move");
        Assert.InRange(TimeProvider.System.GetElapsedTime(start), TimeSpan.Zero, TimeSpan.FromMinutes(5));
    }

    [Fact]
    public async Task After_a_seizure_the_old_keys_open_nothing_and_everyone_is_enrolled_anew()
    {
        var rosa = await lab.SignInAsync("rosa");
        await rosa.CalmAsync();
        var oldKeys = await SecretsAsync();
        (await lab.Gateway.RunAsync("backup", "--to", Backups)).Expect();
        var next = await lab.Network.AddHostAsync("next", TestNetwork.DataCentre, NextHost);

        // The old server is in somebody else's hands, and goes on for all we know.
        await lab.Gateway.StopAsync();
        await LeaveAsync();
        (await next.RunAsync(Requirements.Gateway, "restore", Assert.Single(Directory.GetFiles(Backups)), "--identity", Identity, "--seized")).Expect();
        lab.Authority.Issue(GatewayHost.ServerName, lab.Gateway.CertificatePath, lab.Gateway.KeyPath);
        await ArriveAsync(next);
        (await lab.Gateway.RunAsync("homeserver-config", "--output", lab.Homeserver.ConfigFolder)).Expect();
        await lab.Homeserver.StartAsync();

        await Until.TrueAsync("the old session is gone", TimeSpan.FromSeconds(60), async () => await lab.Homeserver.WhoAmIAsync(rosa.Client.AccessToken) == HttpStatusCode.Unauthorized);
        Assert.DoesNotContain(rosa.Client.SessionId, await lab.Homeserver.SessionsAsync(rosa.UserId));
        Assert.Empty(oldKeys.Intersect(await SecretsAsync()));
        Assert.Empty(await lab.Gateway.PeersAsync());
        await rosa.Phone.ToggleAsync($"{NextAddress} {EndpointName}");
        var members = (await lab.Gateway.JsonAsync("members")).EnumerateArray().Select(member => member.GetProperty("member").GetString());
        Assert.Contains("rosa", members);
        var anew = await lab.Gateway.EnrolAsync("rosa", "phone-2");
        var phone = await Phone.ConnectAsync(await lab.Network.AddPhoneHostAsync(), lab.Network.Name, lab.Authority, lab.Gateway.TunnelAddress, anew.Config, $"{NextAddress} {EndpointName}");
        var login = await phone.LoginAsync("rosa", anew.LoginCode);
        Assert.Equal(HttpStatusCode.OK, login.Status);
        phone.Dispose();

        // It has tried all the while.
        Assert.Equal(0, await rosa.Phone.LastHandshakeAsync());
    }

    /// <summary>The interface's public key, the server's certificate and the token that rules the homeserver.</summary>
    private async Task<string[]> SecretsAsync()
    {
        var registration = (await File.ReadAllLinesAsync(Directory.GetFiles(lab.Homeserver.ConfigFolder, "*registration.yaml").Single())).Where(line => line.Contains("s_token:", StringComparison.Ordinal));
        return [(await RunAsync("wg", "show", lab.Gateway.Link, "public-key")).Trim(), await File.ReadAllTextAsync(lab.Gateway.KeyPath), .. registration];
    }

    private async Task<string> RunAsync(string program, params string[] arguments) => (await (there ?? lab.Server).RunAsync(program, arguments)).Expect();

    /// <summary>The first server ends, and its files with it.</summary>
    private async Task LeaveAsync()
    {
        await lab.Homeserver.StopAsync();
        await lab.Server.IpAsync("link", "delete", lab.Gateway.Link);
        await lab.Server.IpAsync("link", "set", "eth0", "down");
        var gone = Directory.CreateDirectory(Path.Combine(lab.Network.Name.Folder, "gone")).FullName;
        Directory.Move(lab.Gateway.Folder, Path.Combine(gone, "gateway"));
        Directory.Move(lab.Homeserver.Folder, Path.Combine(gone, "homeserver"));
    }

    private async Task ArriveAsync(NetworkNamespace next)
    {
        there = next;
        lab.Gateway.MoveTo(next);
        lab.Homeserver.MoveTo(next);
        await lab.Gateway.StartAsync();
        await new Firewall(next, lab.Gateway).LoadAsync();
    }

    private async Task<MatrixAnswer> AskAsync(Member member)
    {
        using var http = NamespaceHttp.Client(member.Phone.Space, lab.Gateway.TunnelAddress, new Uri($"https://{GatewayHost.ServerName}/"), lab.Authority.Trust);
        using var request = MatrixAnswer.Request(HttpMethod.Get, "_matrix/client/v3/account/whoami", member.Client.AccessToken);
        return await MatrixAnswer.ReadAsync(await http.SendAsync(request));
    }
}
