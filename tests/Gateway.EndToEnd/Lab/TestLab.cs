namespace Gateway.EndToEnd.Lab;

/// <summary>
/// The whole world of the stories: the Internet, the rented server with the gateway and Synapse on it, and phones as they
/// are needed. Everything in it is real except the distance.
/// </summary>
public sealed class TestLab : IAsyncLifetime
{
    private readonly List<NetworkNamespace> guests = [];
    private readonly List<IDisposable> phones = [];
    private readonly List<InstructedProgram> programs = [];
    private int neighbours;
    private int consoles;
    private GatewayHost? gateway;
    private HomeserverHost? homeserver;
    private NetworkNamespace? server;
    private Firewall? firewall;

    /// <summary>The server's address in the data centre, where the Internet finds it.</summary>
    public static string PublicAddress => $"{TestNetwork.DataCentre}.10";

    public Authority Authority { get; } = new();

    public TestNetwork Network { get; } = new();

    public NetworkNamespace Server => server!;

    public GatewayHost Gateway => gateway!;

    public HomeserverHost Homeserver => homeserver!;

    public Firewall Firewall => firewall!;

    /// <summary>Changed before the gateway first starts, by labs that need it otherwise.</summary>
    public Action<GatewayHost> Configure { get; init; } = _ => { };

    /// <summary>What phones can resolve besides the server name, as lines of hosts(5).</summary>
    public IReadOnlyList<string> PublicNames { get; init; } = [];

    /// <summary>The homeserver in this folder of the server, not started yet; replaced by labs that need it otherwise.</summary>
    public Func<NetworkNamespace, string, Task<HomeserverHost>> MakeHomeserver { get; init; } = (server, folder) => Task.FromResult(new HomeserverHost(server, folder));

    public async ValueTask InitializeAsync()
    {
        await Network.StartAsync();
        server = await Network.AddHostAsync("server", TestNetwork.DataCentre, 10);
        gateway = new GatewayHost(server, Network.Name, PublicAddress, Authority);
        Configure(gateway);
        homeserver = await MakeHomeserver(server, Directory.CreateDirectory(Path.Combine(Network.Name.Folder, "homeserver")).FullName);
        await gateway.StartAsync();
        firewall = new Firewall(server, gateway);
        await firewall.LoadAsync();
        (await gateway.RunAsync("homeserver-config", "--output", homeserver.ConfigFolder)).Expect();
        await homeserver.StartAsync();
    }

    /// <summary>Enrols a device and brings up a phone with its QR's text.</summary>
    public async Task<(Enrolment Enrolment, Phone Phone)> JoinAsync(string member, string device = "phone")
    {
        var enrolment = await Gateway.EnrolAsync(member, device);
        return (enrolment, await ConnectAsync(enrolment.Config));
    }

    /// <summary>The same, up to a Matrix app that is signed in and syncing.</summary>
    public async Task<Member> SignInAsync(string member, string device = "phone")
    {
        var (enrolment, phone) = await JoinAsync(member, device);
        var client = Open(phone);
        await client.LoginAsync(member, enrolment.LoginCode);
        await client.StartAsync();
        return new Member(enrolment, phone, client);
    }

    /// <summary>A phone that was given this text.</summary>
    public async Task<Phone> ConnectAsync(string config)
    {
        var space = await Network.AddPhoneHostAsync();
        guests.Add(space);
        var phone = await Phone.ConnectAsync(space, Network.Name, Authority, Gateway.TunnelAddress, config, PublicNames);
        phones.Add(phone);
        return phone;
    }

    /// <summary>A machine in the same data centre that sends packets for the tunnel address to the server: nobody on the Internet is nearer.</summary>
    public async Task<NetworkNamespace> AddNeighbourAsync()
    {
        // An address of its own each time: the server remembers which card the last one had.
        var neighbour = await Network.AddHostAsync("neighbour", TestNetwork.DataCentre, 100 + ++neighbours);
        guests.Add(neighbour);
        await neighbour.IpAsync("route", "add", Gateway.TunnelAddress.ToString(), "via", PublicAddress);
        return neighbour;
    }

    /// <summary>A Matrix app on the phone, not signed in yet.</summary>
    public MatrixClient Open(Phone phone)
    {
        var client = new MatrixClient(phone);
        programs.Add(client);
        return client;
    }

    /// <summary>The browser on the phone, with a web app beside it.</summary>
    public async Task<WebBrowser> BrowseAsync(Phone phone)
    {
        var browser = await WebBrowser.StartAsync(phone, Authority);
        programs.Add(browser);
        return browser;
    }

    /// <summary>The admin's browser, at the server's end of an SSH tunnel.</summary>
    public ConsoleBrowser BrowseConsole()
    {
        var browser = ConsoleBrowser.Start(Server, Directory.CreateDirectory(Path.Combine(Network.Name.Folder, $"console-{++consoles}")).FullName);
        programs.Add(browser);
        return browser;
    }

    /// <summary>The same, signed in by a link and at the start page; <paramref name="signIn"/> is what the link's button says in this language.</summary>
    public async Task<ConsoleBrowser> SignInToConsoleAsync(string language, Viewport viewport, string signIn)
    {
        var admin = BrowseConsole();
        await admin.OpenAsync(language, viewport);
        await admin.VisitAsync((await Gateway.JsonAsync("console-link")).GetProperty("local").GetString()!);
        await admin.TapAsync(signIn, "nav");
        await admin.VisitAsync($"{ConsoleBrowser.Console}/");
        return admin;
    }

    /// <summary>Switches off all phones and other guests, so that nobody of this story is in the way of the next.</summary>
    public async ValueTask EndStoryAsync()
    {
        foreach (var program in programs)
        {
            await program.DisposeAsync();
        }

        phones.ForEach(phone => phone.Dispose());
        foreach (var guest in guests)
        {
            await Network.RemoveAsync(guest);
        }

        programs.Clear();
        phones.Clear();
        guests.Clear();
    }

    /// <summary>Also after a start that failed half way.</summary>
    public async ValueTask DisposeAsync()
    {
        await EndStoryAsync();
        if (homeserver is not null)
        {
            await homeserver.DisposeAsync();
        }

        if (gateway is not null)
        {
            await gateway.DisposeAsync();
        }

        Authority.Dispose();
        await Network.DisposeAsync();
    }
}

/// <summary>Somebody who is in: the device, the phone and the app on it.</summary>
public sealed record Member(Enrolment Enrolment, Phone Phone, MatrixClient Client)
{
    public string Device => Enrolment.DeviceId;

    public string UserId => Enrolment.MatrixUserId;

    /// <summary>
    /// Waits until the app has done its first chores, above all the upload of its keys: Synapse brings a session back,
    /// without a token, that is deleted while it works on that upload.
    /// </summary>
    public Task<string> CalmAsync() => Phone.CalmAsync(Client.AccessToken);
}

/// <summary>The lab that the stories share; its end asserts that nothing of it is left on the machine.</summary>
[CollectionDefinition(Name)]
public sealed class SharedLab : ICollectionFixture<TestLab>
{
    public const string Name = "lab";
}
