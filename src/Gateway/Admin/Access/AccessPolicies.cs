using Gateway.Listening;
using Microsoft.AspNetCore.Authentication;

namespace Gateway.Admin.Access;

/// <summary>Who may call a route. Each route names one of these, or says that it is for everybody who reaches its plane.</summary>
internal static class AccessPolicies
{
    /// <summary>Whom the operating system let connect to the admin's socket.</summary>
    public const string Socket = "socket";

    /// <summary>A browser with a session of the console.</summary>
    public const string SignedIn = "signed-in";

    /// <summary>The same, and the admin has proved again, a moment ago, that it is them: for what gives somebody a way in.</summary>
    public const string Fresh = "fresh";

    public static void AddConsoleAccess(this IServiceCollection services)
    {
        services.AddSingleton<ConsoleSessions>().AddSingleton<ConsoleLinks>().AddSingleton<ConsoleWays>().AddSingleton<ConsoleDoor>().AddSingleton<AdminDevices>();
        services.AddPasskeys();
        services.AddAuthentication(ConsoleAuthentication.Scheme)
            .AddScheme<AuthenticationSchemeOptions, ConsoleAuthentication>(ConsoleAuthentication.Scheme, configureOptions: null);
        services.AddAuthorizationBuilder()
            .AddPolicy(Socket, policy => policy.RequireAssertion(context => context.Resource is HttpContext http && http.Plane() == Plane.Admin))
            .AddPolicy(SignedIn, policy => policy.RequireAuthenticatedUser())
            .AddPolicy(Fresh, policy => policy.RequireAuthenticatedUser().RequireAssertion(context =>
                context.Resource is HttpContext http
                // Asked also where nobody is signed in: then the other half says no.
                && http.Features.Get<ConsoleSession>()?.IsFresh(http.RequestServices.GetRequiredService<TimeProvider>().GetUtcNow()) == true));
    }
}
