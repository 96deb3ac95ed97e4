using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Gateway.Listening;

/// <summary>The program's listeners, HTTPS for members, the admin's socket and the console, with their limits and marks.</summary>
internal static class Listeners
{
    /// <summary>Synapse's own limit for a request that is not media (200 events of 64 KiB); uploads raise it for themselves.</summary>
    private const int MaxBody = 200 * 65536;

    /// <summary>Puts our transports in the place of Kestrel's own, which would bind to an address alone.</summary>
    public static void UseBoundListeners(this IServiceCollection services)
    {
        services.RemoveAll<IConnectionListenerFactory>();
        services.Replace(ServiceDescriptor.Singleton<IMemoryPoolFactory<byte>, RecordBlocks>());
        services.AddSingleton<IConnectionListenerFactory, InterfaceListenerFactory>();
        services.AddSingleton<IConnectionListenerFactory, AdminSocketFactory>();
        services.AddSingleton<IConnectionListenerFactory, LoopbackListenerFactory>();
    }

    public static void ListenForMembers(this KestrelServerOptions kestrel, IPAddress tunnelAddress, int port, MemberCertificate certificate)
    {
        Limit(kestrel);
        kestrel.Listen(tunnelAddress, port, listener =>
        {
            listener.Protocols = HttpProtocols.Http1AndHttp2;
            listener.Use(PlaneFeature.Mark(Plane.Member));
            listener.Use(ConnectionShare.OfEachAddress());
            listener.UseHttps(certificate.Callback());
        });
    }

    public static void ListenForAdmin(this KestrelServerOptions kestrel, string socketPath) =>
        kestrel.ListenUnixSocket(socketPath, listener =>
        {
            listener.Protocols = HttpProtocols.Http1;
            listener.Use(PlaneFeature.Mark(Plane.Admin));
        });

    /// <summary>For a browser at the other end of an SSH tunnel, which is where its encryption is.</summary>
    public static void ListenForLocalConsole(this KestrelServerOptions kestrel, int port) =>
        kestrel.Listen(new LoopbackEndPoint(port, "Console:Port"), listener =>
        {
            listener.Protocols = HttpProtocols.Http1;
            listener.Use(PlaneFeature.Mark(Plane.LocalConsole));
        });

    /// <summary>For a Prometheus and a health check on this host.</summary>
    public static void ListenForMonitoring(this KestrelServerOptions kestrel, int port) =>
        kestrel.Listen(new LoopbackEndPoint(port, "Metrics:Port"), listener =>
        {
            listener.Protocols = HttpProtocols.Http1;
            listener.Use(PlaneFeature.Mark(Plane.Monitoring));
        });

    public static void ListenForTunnelConsole(this KestrelServerOptions kestrel, IPAddress tunnelAddress, int port, MemberCertificate certificate) =>
        kestrel.Listen(tunnelAddress, port, listener =>
        {
            listener.Protocols = HttpProtocols.Http1AndHttp2;
            listener.Use(PlaneFeature.Mark(Plane.TunnelConsole));
            listener.Use(ConnectionShare.OfEachAddress());
            listener.UseHttps(certificate.Callback());
        });

    private static TlsHandshakeCallbackOptions Callback(this MemberCertificate certificate) => new()
    {
        OnConnection = _ => ValueTask.FromResult(certificate.HandshakeOptions()),
    };

    private static void Limit(KestrelServerOptions kestrel)
    {
        // A bare LF as a line's end is where two parsers disagree about where a request ends.
        AppContext.SetSwitch("Microsoft.AspNetCore.Server.Kestrel.DisableHttp1LineFeedTerminators", true);

        kestrel.AddServerHeader = false;

        // Counted for each listener apart, so that members cannot use up the admin's.
        kestrel.Limits.MaxConcurrentConnections = OpenFiles.MostConnections;
        kestrel.Limits.MaxConcurrentUpgradedConnections = 0;
        kestrel.Limits.MaxRequestBodySize = MaxBody;

        // Phones in trains: slow is not hostile, but nothing is not an upload.
        var slow = new MinDataRate(bytesPerSecond: 100, gracePeriod: TimeSpan.FromSeconds(30));
        kestrel.Limits.MinRequestBodyDataRate = slow;
        kestrel.Limits.MinResponseDataRate = slow;
    }
}
