using System.Net;
using System.Text;
using Gateway.Onboarding.Devices;
using Gateway.Onboarding.Enrolment;
using Gateway.Onboarding.Keys;
using Gateway.Onboarding.LoginGrants;
using Gateway.Onboarding.Matrix;
using Gateway.Onboarding.Revocation;
using Gateway.Onboarding.Store;
using Gateway.Proxy;
using Gateway.Tunnel;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Yarp.ReverseProxy.Forwarder;

namespace Gateway.Tests.Histories;

/// <summary>What the gate answered, and whether the request went to the homeserver.</summary>
internal sealed record GateAnswer(int Status, string Body, bool Forwarded)
{
    public bool OrdersToErase => Body.Contains("M_UNKNOWN_TOKEN", StringComparison.Ordinal) || Body.Contains("invalid_grant", StringComparison.Ordinal);
}

/// <summary>
/// One life of the gateway, from its start to its death: the program's own composition without listeners, its loops run by
/// hand. Nothing in it waits for real time.
/// </summary>
internal sealed class World
{
    private static readonly Settings Settings = SomeSettings();
    private static readonly CancellationToken Now = new(canceled: true);

    private readonly Outside _outside;
    private readonly ServiceProvider _services;
    private readonly Dictionary<string, Task> _running = new(StringComparer.Ordinal);
    private bool _forwarded;

    /// <summary>A start. Throws <see cref="StoreException"/> as the program does.</summary>
    public World(Outside outside, MasterKey key, Entropy entropy)
    {
        _outside = outside;
        Store = StoreFile.Open(outside.Disk, new Sealer(key, entropy), outside.Machine);
        var services = new ServiceCollection();
        services.AddLogging();
        Server.AddGateway(services, Settings, Store, entropy, outside.Machine);
        services.AddSingleton<IWireGuardInterface>(outside.Interface);
        services.AddSingleton<PeersApplied>(AppliedAsync);
        services.AddSingleton<PeersTaken>(TakenAsync);
        services.AddSingleton<IHttpForwarder>(new Forwarder(outside.Homeserver, () => _forwarded = true));
        services.AddSingleton(provider => new Homeserver(
            new HttpClient(outside.Homeserver, disposeHandler: false) { BaseAddress = new Uri(Settings.Homeserver.Origin), Timeout = Timeout.InfiniteTimeSpan },
            provider.GetRequiredService<ServerName>(),
            provider.GetRequiredService<AsToken>()));
        _services = services.BuildServiceProvider();
        Writer = Service<StateWriter>();
        Gate = Service<MemberGate>();
        Reconciler = Service<PeerReconciler>();
    }

    public StoreFile Store { get; }

    public StateWriter Writer { get; }

    public State State => Writer.Current;

    public PeerReconciler Reconciler { get; }

    public Revoker Revoker => Service<Revoker>();

    private MemberGate Gate { get; }

    public T Service<T>()
        where T : notnull => _services.GetRequiredService<T>();

    /// <summary>As the loops do it, each on its own: what still runs is not begun again, what cannot be stored is tried again.</summary>
    public void RunLoops(Entropy random)
    {
        Action[] loops =
        [
            () => Begin("expire", () =>
            {
                Service<EnrolmentWatch>().ExpireOnce();
                return Task.CompletedTask;
            }),
            () => Begin("keep", () => Service<SessionKeeper>().KeepOnceAsync(default)),
            () => Begin("admin account", () => Service<AdminAccount>().KeepOnceAsync(default)),
            () => Begin("locks", () => Service<AccountLocks>().WorkOnceAsync(default)),
            () => Begin("versions", () => Service<HomeserverWatch>().LookOnceAsync(default)),
            BeginSteps,
            () => _ = PassAsync(),
        ];
        foreach (var loop in loops.OrderBy(_ => random.Below(256)).ToList())
        {
            loop();
        }
    }

    /// <summary>The real worker, with its threads.</summary>
    public void Work() => Service<RevocationWorker>().WorkOnceAsync(default).GetAwaiter().GetResult();

    public async Task<GateAnswer> AskAsync(IPAddress from, string method, string target, string? token = null, string? body = null, CancellationToken aborted = default)
    {
        var context = new DefaultHttpContext { RequestAborted = aborted };
        context.Connection.RemoteIpAddress = from;
        context.Request.Method = method;
        context.Request.Protocol = "HTTP/2";
        context.Request.Scheme = "https";
        context.Request.Host = new HostString("chat.example");
        context.Request.Path = target;
        context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget = target;
        if (token is not null)
        {
            context.Request.Headers.Authorization = $"Bearer {token}";
        }

        if (body is not null)
        {
            context.Request.Body = new MemoryStream(Encoding.UTF8.GetBytes(body));
            context.Request.ContentType = "application/json";
            context.Request.ContentLength = body.Length;
        }

        var answer = new MemoryStream();
        context.Response.Body = answer;
        _forwarded = false;
        var asked = Gate.AnswerAsync(context);
        var forwarded = _forwarded;
        await asked;
        return new(context.Response.StatusCode, Encoding.UTF8.GetString(answer.ToArray()), forwarded);
    }

    private void BeginSteps()
    {
        var steps = Service<RevocationSteps>();
        foreach (var device in State.Devices.Values.Where(device => device.Revocation is not null).OrderBy(device => device.Id.ToString(), StringComparer.Ordinal))
        {
            Begin($"peer of {device.Id}", () => steps.EndPeerAsync(device.Id, default));
            Begin($"sessions of {device.Id}", () => steps.EndSessionsAsync(device.Id, default));
        }

        foreach (var member in State.Members.Values.Where(member => member.Leaving is { ClosedAt: null }).OrderBy(member => member.Localpart.ToString(), StringComparer.Ordinal))
        {
            Begin($"account of {member.Localpart}", () => steps.CloseAccountAsync(member, default));
        }
    }

    private void Begin(string name, Func<Task> work)
    {
        if (!_running.TryGetValue(name, out var running) || running.IsCompleted)
        {
            _running[name] = GuardAsync(work);
        }
    }

    private static async Task GuardAsync(Func<Task> work)
    {
        try
        {
            await work();
        }
        catch (StoreException)
        {
            // The loops say so in the log, and come again.
        }
    }

    /// <summary>One pass of the reconciler, or the one that is still at it.</summary>
    private Task PassAsync(bool follow = false)
    {
        lock (_running)
        {
            Begin("pass", async () =>
            {
                try
                {
                    if (!follow || !await Reconciler.FollowOnceAsync(default))
                    {
                        await Reconciler.ReconcileOnceAsync(default);
                    }
                }
                catch (TunnelException)
                {
                    // As above.
                }
            });
            return _running["pass"];
        }
    }

    /// <summary>As the gateway waits for its interface; who would wait longer than a hanging tool is not kept, but told.</summary>
    private async Task<string?> AppliedAsync(long generation, CancellationToken cancellationToken)
    {
        for (var pass = 0; pass < 2 && Reconciler.VerifiedGeneration < generation; pass++)
        {
            await PassAsync();
        }

        return await Reconciler.AppliedAsync(generation, Now);
    }

    /// <summary>The same for what only has to be confirmed.</summary>
    private async Task<string?> TakenAsync(long generation, CancellationToken cancellationToken)
    {
        for (var pass = 0; pass < 2 && await Reconciler.TakenAsync(generation, Now) is not null; pass++)
        {
            await PassAsync(follow: true);
        }

        return await Reconciler.TakenAsync(generation, Now);
    }

    private static Settings SomeSettings()
    {
        var (settings, faults) = Settings.Check(new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?>(StringComparer.Ordinal)
        {
            ["Gateway:ServerName"] = "chat.example",
            ["Gateway:DataDirectory"] = "/nonexistent",
            ["Tunnel:ListenPort"] = "51000",
            ["Tunnel:Endpoint"] = "gw.example:51000",
            ["Tunnel:Network"] = "198.19.0.0/28",
            ["Certificate:Path"] = "/nonexistent/cert.pem",
            ["Certificate:KeyPath"] = "/nonexistent/key.pem",
            ["Homeserver:BaseUrl"] = "http://127.0.0.1:8008",
            ["Admin:Socket"] = "/nonexistent/admin.sock",
        }).Build());
        // There is no certificate, and nothing here needs one.
        return faults.All(fault => fault.StartsWith("Certificate:", StringComparison.Ordinal)) ? settings : throw new InvalidOperationException(string.Join('\n', faults));
    }

    /// <summary>In YARP's place: the gate's own changes to the request and the answer, and the homeserver of the test.</summary>
    private sealed class Forwarder(MemoryHomeserver homeserver, Action forwarded) : IHttpForwarder
    {
        public async ValueTask<ForwarderError> SendAsync(
            HttpContext context, string destinationPrefix, HttpMessageInvoker httpClient, ForwarderRequestConfig requestConfig, HttpTransformer transformer, CancellationToken cancellationToken)
        {
            using var request = new HttpRequestMessage(new HttpMethod(context.Request.Method), destinationPrefix);
            await transformer.TransformRequestAsync(context, request, destinationPrefix, cancellationToken);
            if (cancellationToken.IsCancellationRequested)
            {
                return ForwarderError.RequestCanceled;
            }

            forwarded();
            try
            {
                using var reply = await homeserver.ForwardedAsync(request, cancellationToken);
                context.Response.StatusCode = (int)reply.StatusCode;
                if (await transformer.TransformResponseAsync(context, reply, cancellationToken))
                {
                    await reply.Content.CopyToAsync(context.Response.Body, cancellationToken);
                }

                return ForwarderError.None;
            }
            catch (Exception e) when (e is HttpRequestException or OperationCanceledException)
            {
                return ForwarderError.Request;
            }
        }

        public ValueTask<ForwarderError> SendAsync(
            HttpContext context, string destinationPrefix, HttpMessageInvoker httpClient, ForwarderRequestConfig requestConfig, HttpTransformer transformer) =>
            SendAsync(context, destinationPrefix, httpClient, requestConfig, transformer, CancellationToken.None);
    }
}
