using Gateway.Admin.Access;

namespace Gateway.Admin.Pages;

/// <summary>Members and their devices: the list, a device, a lost one, the lock, the history, the health.</summary>
internal static class MembersRoutes
{
    public static void MapMembers(this IEndpointRouteBuilder signedIn, IEndpointRouteBuilder fresh)
    {
        signedIn.MapGet("/", (HttpContext context, ConsolePages pages) => pages.SendAsync<MembersPage>(context));
        _ = fresh;
    }
}
