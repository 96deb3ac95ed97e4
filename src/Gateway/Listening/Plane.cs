using Microsoft.AspNetCore.Connections;

namespace Gateway.Listening;

/// <summary>Who a connection's listener is for. Zero is nobody: a connection that nobody marked must be refused.</summary>
internal enum Plane
{
    None = 0,

    /// <summary>HTTPS on the tunnel address, through the interface.</summary>
    Member,

    /// <summary>The Unix socket of the command line and of scripts.</summary>
    Admin,

    /// <summary>The console on loopback, as an SSH tunnel reaches it. Every program of the machine does too.</summary>
    LocalConsole,

    /// <summary>The console on the tunnel address, through the interface, for devices that the admin has marked.</summary>
    TunnelConsole,

    /// <summary>Metrics and health on loopback. Every program of the machine reads them, so they name nobody.</summary>
    Monitoring,
}

/// <summary>The mark that a listener puts on its connections; not for requests to influence.</summary>
internal sealed record PlaneFeature(Plane Plane)
{
    /// <summary>A connection middleware that marks every connection as one of <paramref name="plane"/>.</summary>
    public static Func<ConnectionDelegate, ConnectionDelegate> Mark(Plane plane)
    {
        var feature = new PlaneFeature(plane);
        return next => connection =>
        {
            connection.Features.Set(feature);
            return next(connection);
        };
    }
}

/// <summary>The mark as the HTTP pipeline asks for it.</summary>
internal static class PlaneContext
{
    public static Plane Plane(this HttpContext context) => context.Features.Get<PlaneFeature>()?.Plane ?? Listening.Plane.None;

    public static bool IsConsole(this Plane plane) => plane is Listening.Plane.LocalConsole or Listening.Plane.TunnelConsole;
}
