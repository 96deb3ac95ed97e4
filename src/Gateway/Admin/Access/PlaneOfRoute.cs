using Gateway.Listening;
using Microsoft.AspNetCore.Authorization;

namespace Gateway.Admin.Access;

/// <summary>The listeners on which a route is there at all.</summary>
internal sealed record PlaneOfRoute(params Plane[] Planes);

/// <summary>Keeps each route to its listener.</summary>
internal static class PlanesOfRoutes
{
    public static readonly PlaneOfRoute Socket = new(Plane.Admin);
    public static readonly PlaneOfRoute Console = new(Plane.LocalConsole, Plane.TunnelConsole);
    public static readonly PlaneOfRoute Monitoring = new(Plane.Admin, Plane.Monitoring);

    /// <summary>A route that belongs to another listener, to none, or that says nothing of who may call it, is not there.</summary>
    public static void UsePlaneOfRoute(this IApplicationBuilder app) => app.Use((context, next) =>
    {
        if (context.GetEndpoint() is { } endpoint && !(IsOf(endpoint, context.Plane()) && HasDecision(endpoint)))
        {
            context.SetEndpoint(null);
        }

        return next(context);
    });

    public static bool HasDecision(Endpoint endpoint) =>
        endpoint.Metadata.GetMetadata<IAuthorizeData>() is not null || endpoint.Metadata.GetMetadata<IAllowAnonymous>() is not null;

    private static bool IsOf(Endpoint endpoint, Plane plane) => endpoint.Metadata.GetMetadata<PlaneOfRoute>()?.Planes.Contains(plane) == true;
}
