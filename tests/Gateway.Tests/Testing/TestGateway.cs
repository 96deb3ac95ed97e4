using System.Net;
using System.Net.Http.Json;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using Gateway.Admin;
using Gateway.Commands;
using Gateway.Diagnosis;
using Gateway.Listening;
using Gateway.Onboarding.Audit;
using Gateway.Onboarding.Devices;
using Gateway.Onboarding.Enrolment;
using Gateway.Onboarding.Keys;
using Gateway.Onboarding.Store;
using Gateway.Tests.Store;
using Gateway.Tunnel;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;
using Microsoft.Extensions.Time.Testing;

namespace Gateway.Tests.Testing;

/// <summary>
/// The real program with its real pipeline, on Kestrel: only the clock, the interface, the transport and the disk are
/// replaced, and the homeserver is a small real one.
/// </summary>
internal sealed class TestGateway : IAsyncDisposable
{
    private readonly DirectoryInfo _directory;
    private readonly LoopbackListeners _listeners = new();
    private readonly X509Certificate2 _certificate;
    private readonly MasterKey _key = new(new Entropy().Bytes(SecretKey.Length));
    private (string Key, string Value)[] _settings = [];
    private StoreFile? _store;
    private WebApplication? _app;

    private TestGateway(DirectoryInfo directory, FakeHomeserver homeserver)
    {
        _directory = directory;
        Homeserver = homeserver;
        Machine = new MachineClock(Clock);
        _certificate = WriteCertificate();
    }

    public FakeTimeProvider Clock { get; } = new(new DateTimeOffset(2026, 11, 22, 9, 0, 0, TimeSpan.Zero));

    /// <summary>What the program takes for the machine's clock: <see cref="Clock"/>, and by how much somebody set it.</summary>
    public MachineClock Machine { get; }

    public FakeInterface Interface { get; } = new();

    public FakeHomeserver Homeserver { get; }

    /// <summary>Under the store: what is on it survives, and it can fail.</summary>
    public PowerLossDisk Disk { get; private init; } = new();

    /// <summary>Where members' connections arrive.</summary>
    public int MemberPort => _listeners.Port;

    /// <summary>Where the console listens on loopback.</summary>
    public int ConsolePort => _listeners.PortOf(IPAddress.Loopback, 8080);

    /// <summary>Where metrics and health listen on loopback (<c>Metrics:Port</c> 9464).</summary>
    public int MonitoringPort => _listeners.PortOf(IPAddress.Loopback, 9464);

    public string DataDirectory => _directory.FullName;

    public FakeLogCollector Log => Service<FakeLogCollector>();

    public AdminClient Admin { get; private set; } = null!;

    public State State => Service<StateWriter>().Current;

    public static async Task<TestGateway> StartAsync(params (string Key, string Value)[] settings)
    {
        var gateway = new TestGateway(Directory.CreateTempSubdirectory("gateway-"), await FakeHomeserver.StartAsync());
        gateway._settings = settings;
        await gateway.RunAsync();
        return gateway;
    }

    /// <summary>The program ends and starts anew on what it had stored; <paramref name="meanwhile"/> happens while it is down.</summary>
    public async Task RestartAsync(Action? meanwhile = null)
    {
        await StopAsync();
        meanwhile?.Invoke();
        await RunAsync();
    }

    public T Service<T>()
        where T : notnull => _app!.Services.GetRequiredService<T>();

    /// <summary>A raw TLS connection in the tunnel.</summary>
    public Task<SslStream> RawAt(string tunnelAddress, SslApplicationProtocol protocol) => _listeners.RawAt(IPAddress.Parse(tunnelAddress), _certificate, protocol);

    /// <summary>A client in the tunnel, seen at the device's address.</summary>
    public HttpClient At(string tunnelAddress) => _listeners.ClientAt(IPAddress.Parse(tunnelAddress), _certificate);

    /// <summary>The same at the console's port in the tunnel (<c>Console:TunnelPort</c> 8443).</summary>
    public HttpClient ConsoleAt(string tunnelAddress) => _listeners.ClientAt(IPAddress.Parse(tunnelAddress), _certificate, 8443);

    public async Task<EnrolmentView> EnrolAsync(string member, string? device = null, bool connect = true, string? os = null)
    {
        var (enrolment, _) = await Admin.EnrolAsync(new EnrolmentRequest(member, device, null, os, Adopt: false), default);
        if (connect)
        {
            Service<EnrolmentWatch>().HandshakeSeen(Gateway.Onboarding.Keys.PublicKey.Parse(enrolment.Device.PublicKey, null), Clock.GetUtcNow());
        }

        return enrolment;
    }

    /// <summary>Logs in with the enrolment's code and returns the client with its token set.</summary>
    public async Task<HttpClient> SignInAsync(EnrolmentView enrolment)
    {
        var client = At(enrolment.Device.TunnelAddress);
        using var reply = await LoginAsync(client, enrolment.LoginCode);
        Assert.Equal(HttpStatusCode.OK, reply.StatusCode);
        var login = await reply.Content.ReadFromJsonAsync<JsonNode>();
        client.DefaultRequestHeaders.Authorization = new("Bearer", (string)login!["access_token"]!);
        return client;
    }

    public static Task<HttpResponseMessage> LoginAsync(HttpClient client, string password, string? deviceId = null) =>
        client.PostAsJsonAsync("/_matrix/client/v3/login", new JsonObject
        {
            ["type"] = "m.login.password",
            ["identifier"] = new JsonObject { ["type"] = "m.id.user", ["user"] = "whatever was typed" },
            ["password"] = password,
            ["device_id"] = deviceId,
            ["initial_device_display_name"] = "Element X",
        });

    /// <summary>The admin's socket without the command line's client.</summary>
    public HttpClient RawAdmin() => new(new SocketsHttpHandler
    {
        ConnectCallback = async (_, token) =>
        {
            var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(AdminSocket), token);
            return new NetworkStream(socket, ownsSocket: true);
        },
    })
    {
        BaseAddress = new Uri("http://admin"),
    };

    /// <summary>The metrics, through the admin's socket.</summary>
    public async Task<Exposition> ScrapeAsync()
    {
        using var admin = RawAdmin();
        return new(await admin.GetStringAsync("/metrics"));
    }

    /// <summary>What the audit says so far, oldest first.</summary>
    public IReadOnlyList<AuditEntry> Audited() => [.. Service<AuditLog>().Read().Where(entry => entry.Action != "gateway's own account ready")];

    public Device Device(string word) => State.Find(word)[0];

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        await Homeserver.DisposeAsync();
        _certificate.Dispose();
        _key.Dispose();
        _directory.Delete(recursive: true);
    }

    private async Task RunAsync()
    {
        var values = new Dictionary<string, string?>(StringComparer.OrdinalIgnoreCase)
        {
            ["Gateway:ServerName"] = "chat.example",
            ["Gateway:DataDirectory"] = _directory.FullName,
            ["Tunnel:ListenPort"] = "51000",
            ["Tunnel:Endpoint"] = "gw.example:51000",
            ["Certificate:Path"] = Path.Combine(_directory.FullName, "cert.pem"),
            ["Certificate:KeyPath"] = Path.Combine(_directory.FullName, "key.pem"),
            ["Homeserver:BaseUrl"] = Homeserver.Url,
            ["Admin:Socket"] = AdminSocket,
        };
        foreach (var (name, value) in _settings)
        {
            values[name] = value;
        }

        var (parsed, faults) = Settings.Check(new ConfigurationBuilder().AddInMemoryCollection(values).Build());
        Assert.Empty(faults);
        _store = StoreFile.Open(Disk, new Sealer(_key, new Entropy()), Clock);
        _app = Server.Build(parsed, _store, new Entropy(), Machine, services =>
        {
            services.AddLogging(logging => logging.ClearProviders().AddFakeLogging());
            services.Replace(ServiceDescriptor.Singleton<IWireGuardInterface>(Interface));

            // No question leaves this machine.
            services.Replace(ServiceDescriptor.Singleton<NameLookup>((_, _) => Task.FromResult<IPAddress[]>([parsed.Tunnel.GatewayAddress])));
            services.Remove(services.First(service => service.ImplementationType?.Equals(typeof(InterfaceListenerFactory)) == true));
            services.Remove(services.First(service => service.ImplementationType?.Equals(typeof(LoopbackListenerFactory)) == true));
            services.AddSingleton<IConnectionListenerFactory>(_listeners);
        });
        await _app.StartAsync();
        Admin = AdminClient.OverSocket(AdminSocket);
    }

    private string AdminSocket => Path.Combine(_directory.FullName, "admin.sock");

    private async Task StopAsync()
    {
        Admin.Dispose();
        await _app!.DisposeAsync();
        _store!.Dispose();
    }

    private X509Certificate2 WriteCertificate()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=chat.example", key, HashAlgorithmName.SHA256);
        var name = new SubjectAlternativeNameBuilder();
        name.AddDnsName("chat.example");
        name.AddDnsName("attacker.example");
        request.CertificateExtensions.Add(name.Build());
        var certificate = request.CreateSelfSigned(Clock.GetUtcNow().AddYears(-2), Clock.GetUtcNow().AddYears(2));
        File.WriteAllText(Path.Combine(_directory.FullName, "cert.pem"), certificate.ExportCertificatePem());
        File.WriteAllText(Path.Combine(_directory.FullName, "key.pem"), key.ExportPkcs8PrivateKeyPem());
        return certificate;
    }
}
