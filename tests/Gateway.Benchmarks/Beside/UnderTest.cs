using System.Collections.Immutable;
using System.Net;
using System.Text;
using Gateway.Listening;
using Gateway.Onboarding;
using Gateway.Onboarding.Devices;
using Gateway.Onboarding.Keys;
using Gateway.Onboarding.Members;
using Gateway.Onboarding.Store;
using Gateway.Proxy;
using Gateway.Tunnel;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Yarp.ReverseProxy.Forwarder;

namespace Gateway.Benchmarks.Beside;

/// <summary>
/// <c>serve gate|yarp FOLDER PLAIN TLS BACKEND DEVICES</c>: the gateway's whole program on loopback, or YARP's forwarder with the
/// same connections and nothing else. Only the tunnel is missing, and the limit of requests for one device, which one
/// load generator stands in for many of. Says <c>ready</c> and how its clock goes, and ends with its input.
/// </summary>
internal static class UnderTest
{
    public static async Task<int> RunAsync(string[] arguments)
    {
        var (mode, folder, plain, tls, backend, devices) = (arguments[0], arguments[1], int.Parse(arguments[2], null), int.Parse(arguments[3], null), arguments[4], int.Parse(arguments[5], null));
        var values = new Dictionary<string, string?>
        {
            ["Gateway:ServerName"] = Place.ServerName,
            ["Gateway:DataDirectory"] = Path.Combine(folder, "data"),
            ["Tunnel:ListenPort"] = "51000",
            ["Tunnel:Endpoint"] = "gw.example:51000",
            ["Listen:HttpsPort"] = arguments[3],
            ["Certificate:Path"] = Path.Combine(folder, "certificate.pem"),
            ["Certificate:KeyPath"] = Path.Combine(folder, "key.pem"),
            ["Homeserver:BaseUrl"] = backend,
            ["Admin:Socket"] = Path.Combine(folder, "admin.sock"),
            ["Console:Port"] = "0",
        };
        var (settings, faults) = Settings.Check(new ConfigurationBuilder().AddInMemoryCollection(values).Build());
        if (faults.Count > 0)
        {
            throw new InvalidOperationException(string.Join("; ", faults));
        }

        SocketThreads.Use();
        await using var app = mode == "gate" ? Gate(settings, plain, devices) : Forwarder(settings, plain, tls, folder);
        await app.StartAsync();
        Console.WriteLine($"ready, its clock is ahead by {Ahead(app).TotalMilliseconds} ms");
        await Console.In.ReadToEndAsync();
        return 0;
    }

    /// <summary>By how much the program's steady clock differs from the machine's, which the comparison reads.</summary>
    private static TimeSpan Ahead(WebApplication app) =>
        app.Services.GetService<SteadyClock>() is { } clock ? clock.GetUtcNow() - TimeProvider.System.GetUtcNow() : TimeSpan.Zero;

    private static WebApplication Gate(Settings settings, int plain, int devices)
    {
        var entropy = new Entropy();
        var directory = DataDirectory.Open(settings.Gateway.DataDirectory, entropy, TimeProvider.System);
        var app = Server.Build(settings, directory.Store, entropy, TimeProvider.System, services =>
        {
            services.Replace(ServiceDescriptor.Singleton<IWireGuardInterface, NoInterface>());
            services.Replace(ServiceDescriptor.Singleton(new RequestLimits(MostAtOnce: 1_000_000, Burst: 10_000_000, PerSecond: 10_000_000)));
            services.Remove(services.First(service => service.ImplementationType == typeof(InterfaceListenerFactory)));
            services.AddSingleton<IConnectionListenerFactory, LoopbackTransport>();
            services.Configure<KestrelServerOptions>(kestrel => kestrel.Listen(settings.Tunnel.GatewayAddress, plain, listener =>
            {
                listener.Protocols = HttpProtocols.Http1;
                listener.Use(PlaneFeature.Mark(Plane.Member));
                listener.Use(ConnectionShare.OfEachAddress());
            }));
        });
        Seed(app.Services.GetRequiredService<StateWriter>(), app.Services.GetRequiredService<TokenHasher>(), entropy, devices);
        return app;
    }

    /// <summary>As <c>gateway serve</c> listens and forwards, without a gate: what the framework costs by itself.</summary>
    private static WebApplication Forwarder(Settings settings, int plain, int tls, string folder)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.AddHttpForwarder();
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Listen(IPAddress.Loopback, plain, listener => listener.Protocols = HttpProtocols.Http1);
            kestrel.Listen(IPAddress.Loopback, tls, listener => listener.UseHttps(
                System.Security.Cryptography.X509Certificates.X509Certificate2.CreateFromPemFile(Path.Combine(folder, "certificate.pem"), Path.Combine(folder, "key.pem"))));
        });
        builder.Services.RemoveAll<IConnectionListenerFactory>();
        builder.Services.Replace(ServiceDescriptor.Singleton<IMemoryPoolFactory<byte>, RecordBlocks>());
        builder.Services.AddSingleton<IConnectionListenerFactory, LoopbackTransport>();
        var app = builder.Build();
        var forwarder = app.Services.GetRequiredService<IHttpForwarder>();
        var invoker = new HttpMessageInvoker(HomeserverConnection.Handler(settings.Homeserver));
        app.Run(async context => await forwarder.SendAsync(context, settings.Homeserver.Origin, invoker));
        return app;
    }

    /// <summary>Devices that are signed in, as they are after their first request.</summary>
    internal static void Seed(StateWriter writer, TokenHasher hasher, Entropy entropy, int devices)
    {
        var now = TimeProvider.System.GetUtcNow();
        for (var from = 0; from < devices; from += 500)
        {
            writer.Write([.. Enumerable.Range(from, Math.Min(500, devices - from)).SelectMany(number => Enrolled(number, hasher, entropy, now))]);
        }
    }

    private static IEnumerable<Intent> Enrolled(int number, TokenHasher hasher, Entropy entropy, DateTimeOffset now)
    {
        var (third, fourth) = Place.Host(number);
        var member = Localpart.Parse($"member-{number:00000}", null);
        using var key = PrivateKey.Generate(entropy);
        yield return new MemberAdded(member, null, Adopted: false) { At = now };
        yield return new AccountMade(member) { At = now };
        yield return new DeviceEnrolled(
            new Device
            {
                Id = DeviceId.Generate(entropy),
                Member = member,
                Name = "phone",
                TunnelAddress = new IPAddress([198, 19, third, fourth]),
                PublicKey = key.PublicKey(),
                PresharedKey = PresharedKey.Generate(entropy),
                Standing = Standing.Admitted,
                EnrolledAt = now,
                EnrolmentEnds = now.AddMinutes(30),
                FirstHandshake = now,
                Grant = null,
                Revocation = null,
                Sessions =
                [
                    new MatrixSession
                    {
                        MatrixDeviceId = $"BENCH{number:00000}",
                        State = MatrixSessionState.Open,
                        GrantId = "g",
                        AskedAt = now,
                        OpenedAt = now,
                        FirstUsed = now,
                        EndedAt = null,
                        LoggedOut = false,
                        ToDelete = false,
                        TokenHash = [.. hasher.Hash(Encoding.ASCII.GetBytes(Place.Token(number)))],
                        Client = "Bench",
                        EraseDelivered = null,
                    },
                ],
            },
            "bench")
        { At = now };
    }

    /// <summary>An interface that has taken everything it was told.</summary>
    private sealed class NoInterface : IWireGuardInterface
    {
        private ImmutableDictionary<PublicKey, Peer> _peers = ImmutableDictionary<PublicKey, Peer>.Empty;

        public Task<bool> EnsureAsync(InterfaceSettings settings, CancellationToken cancellationToken) => Task.FromResult(false);

        public Task<IReadOnlyList<Peer>> DumpAsync(CancellationToken cancellationToken) => Task.FromResult<IReadOnlyList<Peer>>([.. _peers.Values]);

        public Task SetAsync(IReadOnlyList<DesiredPeer> peers, CancellationToken cancellationToken)
        {
            _peers = _peers.SetItems(peers.Select(peer => KeyValuePair.Create(peer.PublicKey, new Peer(peer.PublicKey, peer.PresharedKey, null, [new IPNetwork(peer.TunnelAddress, 32)], null, 0, 0))));
            return Task.CompletedTask;
        }

        public Task RemoveAsync(PublicKey peer, CancellationToken cancellationToken)
        {
            _peers = _peers.Remove(peer);
            return Task.CompletedTask;
        }
    }
}
