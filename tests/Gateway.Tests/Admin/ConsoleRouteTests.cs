using Gateway.Admin.Access;
using Gateway.Listening;
using Gateway.Tests.Testing;
using Microsoft.AspNetCore.Routing;

namespace Gateway.Tests.Admin;

/// <summary>Every route that the program has, on the socket and in the console.</summary>
public sealed class ConsoleRouteTests
{
    [Fact]
    public async Task Each_route_belongs_to_listeners_and_says_who_may_call_it()
    {
        await using var gateway = await TestGateway.StartAsync();
        var routes = gateway.Service<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>().ToList();

        Assert.Contains(routes, route => route.RoutePattern.RawText == "/v1/devices");
        Assert.Contains(routes, route => route.RoutePattern.RawText == "/sign-in");
        Assert.All(routes, route =>
        {
            Assert.True(PlanesOfRoutes.HasDecision(route), $"{route.DisplayName} says nothing of who may call it");
            var planes = route.Metadata.GetRequiredMetadata<PlaneOfRoute>().Planes;
            Assert.True(planes is [Plane.Admin] or [Plane.LocalConsole, Plane.TunnelConsole] or [Plane.Admin, Plane.Monitoring], $"{route.DisplayName}: {string.Join(", ", planes)}");
        });
    }
}
