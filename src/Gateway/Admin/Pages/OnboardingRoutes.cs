using Gateway.Admin.Access;

namespace Gateway.Admin.Pages;

/// <summary>A new member or device, from the name to "signed in", live.</summary>
internal static class OnboardingRoutes
{
    public static void MapOnboarding(this IEndpointRouteBuilder signedIn, IEndpointRouteBuilder fresh)
    {
        _ = signedIn;
        _ = fresh;
    }
}
