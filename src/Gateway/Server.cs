using Gateway.Admin;
using Gateway.Admin.Access;
using Gateway.Admin.Pages;
using Gateway.Backups;
using Gateway.Commands;
using Gateway.Listening;
using Gateway.Monitoring;
using Gateway.Onboarding;
using Gateway.Onboarding.Keys;
using Gateway.Onboarding.Revocation;
using Gateway.Onboarding.Store;
using Gateway.Proxy;
using Gateway.Tunnel;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging.Console;

namespace Gateway;

/// <summary>
/// <c>gateway serve</c>, as a table of contents: options → store → services → listeners → pipeline → run.
/// </summary>
internal static partial class Server
{
    /// <summary>Open long polls end within this when the gateway stops; clients ask again at once.</summary>
    private static readonly TimeSpan ShutdownTime = TimeSpan.FromSeconds(3);

    public static async Task<int> ServeAsync(string? configFile, CancellationToken cancellationToken)
    {
        var (settings, faults) = Settings.Read(configFile);
        if (faults.Count > 0)
        {
            await TellAsync(configFile, faults);
            return CommandLine.WrongUsage;
        }

        if (Fence.Of(settings.Gateway.DataDirectory) is { } moved)
        {
            await Console.Error.WriteLineAsync($"error: {moved}\nhint: {Fence.WayOut(settings.Gateway.DataDirectory)}");
            return CommandLine.WrongUsage;
        }

        SocketThreads.Use();
        try
        {
            var entropy = new Entropy();
            using var directory = DataDirectory.Open(settings.Gateway.DataDirectory, entropy, TimeProvider.System);
            await using var app = Build(settings, directory.Store, entropy, TimeProvider.System, _ => { });
            await RunAsync(app, cancellationToken);

            // It stopped without being told to: one of its loops is broken, and the supervisor shall start it anew.
            return cancellationToken.IsCancellationRequested ? CommandLine.Done : CommandLine.Failed;
        }
        catch (StoreException e)
        {
            await Console.Error.WriteLineAsync($"error: {e.Message}\nhint: {e.Hint}");
            return CommandLine.Failed;
        }
        catch (IOException e)
        {
            await Console.Error.WriteLineAsync($"error: {e.Message}\nhint: nothing is served; mend it and start again");
            return CommandLine.Failed;
        }
    }

    private static async Task TellAsync(string? configFile, IReadOnlyList<string> faults)
    {
        await Console.Error.WriteLineAsync($"error: the configuration has {(faults.Count == 1 ? "a fault" : $"{faults.Count} faults")}, nothing was started");
        foreach (var fault in faults)
        {
            await Console.Error.WriteLineAsync($"  {fault}");
        }

        await Console.Error.WriteLineAsync($"hint: mend {configFile ?? Settings.DefaultFile} and start again");
    }

    /// <summary>As the host's own RunAsync, but a start that failed also ends what had started, in order.</summary>
    private static async Task RunAsync(WebApplication app, CancellationToken cancellationToken)
    {
        try
        {
            await app.StartAsync(cancellationToken);

            // To read the store took several times the memory that is needed from now on.
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        }
        catch
        {
            await app.StopAsync(CancellationToken.None);
            throw;
        }

        await app.WaitForShutdownAsync(cancellationToken);
    }

    /// <summary>The program around an open store. <paramref name="replace"/> lets tests put their own seams in place.</summary>
    internal static WebApplication Build(Settings settings, StoreFile store, Entropy entropy, TimeProvider time, Action<IServiceCollection> replace)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Logging.AddSimpleConsole(console =>
        {
            console.SingleLine = true;
            console.TimestampFormat = "yyyy-MM-ddTHH:mm:ssZ ";
            console.UseUtcTimestamp = true;
        });

        // A log that nobody takes holds up no request.
        builder.Services.Configure<ConsoleLoggerOptions>(console => console.QueueFullMode = ConsoleLoggerQueueFullMode.DropWrite);

        // The framework's own lines name URLs and addresses, which our log must not; a failed start is told by ServeAsync.
        builder.Logging.AddFilter("Microsoft", LogLevel.Error).AddFilter("Yarp", LogLevel.None).AddFilter("System", LogLevel.Error);
        builder.Logging.AddFilter("Microsoft.Extensions.Hosting.Internal.Host", LogLevel.Critical);

        // While somebody might log it, each request is given an Activity with an ID that nobody reads.
        builder.Logging.AddFilter("Microsoft.AspNetCore.Hosting", LogLevel.None);

        AddGateway(builder.Services, settings, store, entropy, time);
        builder.Services.AddAudit(settings.Gateway.DataDirectory);
        builder.Services.AddAdmin();
        builder.Services.AddDoctor();
        builder.Services.AddMonitoring();
        AddListeners(builder, settings);
        replace(builder.Services);

        var app = builder.Build();

        // First, so that it hears of everything from the beginning.
        app.Services.GetRequiredService<Scrape>();
        UsePlanes(app);
        WakeTunnelOnChange(app.Services);
        app.Services.GetRequiredService<StateWriter>().Watch(app.Services.GetRequiredService<Announcements>().Follow);
        app.Services.FollowWithAudit();
        WatchThreads(app.Services);
        app.Services.GetRequiredService<RevocationSpool>().ApplyAll();
        return app;
    }

    /// <summary>All that the program consists of behind its listeners; the tests of histories run it without them.</summary>
    internal static void AddGateway(IServiceCollection services, Settings settings, StoreFile store, Entropy entropy, TimeProvider time)
    {
        services.AddSingleton(entropy).AddSingleton(store).AddSingleton<StateWriter>();
        services.AddSingleton(provider => new SteadyClock(
            time, provider.GetRequiredService<StateWriter>().Current.LastAt, provider.GetRequiredService<ILogger<SteadyClock>>()));
        services.AddSingleton<TimeProvider>(provider => provider.GetRequiredService<SteadyClock>());
        services.AddSettings(settings);
        services.AddSecrets(store, entropy);
        services.AddOnboarding(settings);
        services.AddTunnel(settings);
        services.AddGate();
    }

    private static void AddListeners(WebApplicationBuilder builder, Settings settings)
    {
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = ShutdownTime);
        builder.Services.AddLoop<MemberCertificate>();
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel =>
        {
            kestrel.ListenForMembers(
                settings.Tunnel.GatewayAddress, settings.Listen.HttpsPort, kestrel.ApplicationServices.GetRequiredService<MemberCertificate>());
            kestrel.ListenForAdmin(settings.Admin.Socket);
            ListenOnDemand(kestrel, settings);
        });
        builder.Services.UseBoundListeners();
    }

    private static void ListenOnDemand(KestrelServerOptions kestrel, Settings settings)
    {
        if (settings.Console.Port != 0)
        {
            kestrel.ListenForLocalConsole(settings.Console.Port);
        }

        if (settings.Metrics.Port != 0)
        {
            kestrel.ListenForMonitoring(settings.Metrics.Port);
        }

        if (settings.Console.TunnelPort != 0)
        {
            kestrel.ListenForTunnelConsole(
                settings.Tunnel.GatewayAddress, settings.Console.TunnelPort, kestrel.ApplicationServices.GetRequiredService<MemberCertificate>());
        }
    }

    /// <summary>
    /// Order matters: the plane first. What came over the tunnel sees the gate and nothing else; a connection that no
    /// listener marked is ended.
    /// </summary>
    private static void UsePlanes(WebApplication app)
    {
        var gate = app.Services.GetRequiredService<MemberGate>();
        var console = app.Services.GetRequiredService<ConsoleDoor>();
        app.Use((context, next) => context.Plane() switch
        {
            Plane.Member => gate.AnswerAsync(context),
            Plane.Admin => next(context),
            Plane.Monitoring => MonitoringRoutes.AnswerAsync(context, next),
            Plane.LocalConsole or Plane.TunnelConsole => SocketThreads.LeaveAsync(() => console.AnswerAsync(context, next)),
            _ => Refuse(context),
        });
        app.UseWhen(context => context.Plane() == Plane.Admin, socket => socket.UseMiddleware<AdminErrors>().UseStatusCodePages());
        app.UseRouting();
        app.UsePlaneOfRoute();
        app.UseAuthentication();
        app.UseAuthorization();
        app.MapAdmin();
        app.MapConsole();
        app.MapMonitoring();
    }

    /// <summary>So that a revoked peer does not wait for the next tick.</summary>
    private static void WakeTunnelOnChange(IServiceProvider services)
    {
        var reconciler = services.GetRequiredService<PeerReconciler>();
        services.GetRequiredService<StateWriter>().Watch(change =>
        {
            if (change.Intents.Any(intent => intent is DeviceEnrolled or EnrolmentEnded or DeviceRevoked or QuarantineEnded))
            {
                reconciler.Wake();
            }
        });
    }

    /// <summary>No test can miss it: see <see cref="SocketThreads"/>.</summary>
    private static void WatchThreads(IServiceProvider services)
    {
        var log = services.GetRequiredService<ILoggerFactory>().CreateLogger(typeof(SocketThreads));
        services.GetRequiredService<StateWriter>().Watch(_ =>
        {
            if (SocketThreads.IsOne)
            {
                LogMisused(log, Environment.StackTrace);
            }
        });
    }

    [LoggerMessage(LogLevel.Error, "A thread that serves sockets waited for the disk: {Where}")]
    private static partial void LogMisused(ILogger log, string where);

    private static Task Refuse(HttpContext context)
    {
        context.Abort();
        return Task.CompletedTask;
    }
}
