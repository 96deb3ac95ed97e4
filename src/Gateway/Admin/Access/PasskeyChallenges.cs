using Gateway.Listening;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.Identity;

namespace Gateway.Admin.Access;

/// <summary>ASP.NET Core's passkeys, as strict as they can be set; the challenge is the only thing that they keep in the browser.</summary>
internal static class PasskeyChallenges
{
    public static void AddPasskeys(this IServiceCollection services)
    {
        services.AddHttpContextAccessor();
        services.AddIdentityCore<ConsoleAdmin>().AddUserStore<PasskeyStore>().AddSignInManager();

        // A challenge lives for minutes: after a restart the admin taps once more.
        services.AddDataProtection().UseEphemeralDataProtectionProvider();
        services.AddAuthentication().AddCookie(IdentityConstants.TwoFactorUserIdScheme, cookie =>
        {
            cookie.CookieManager = new StrictCookies();
            cookie.Cookie.Name = "console-challenge";
            cookie.Cookie.HttpOnly = true;
            cookie.Cookie.SameSite = SameSiteMode.Strict;
            cookie.Cookie.SecurePolicy = CookieSecurePolicy.SameAsRequest;
            cookie.ExpireTimeSpan = TimeSpan.FromMinutes(5);
            cookie.SlidingExpiration = false;
        });
        services.Configure<IdentityPasskeyOptions>(passkeys =>
        {
            // The relying party is the host name that the door admitted: localhost, or the server's name in the tunnel.
            passkeys.UserVerificationRequirement = "required";
            passkeys.ResidentKeyRequirement = "required";
            passkeys.AttestationConveyancePreference = "none";
            passkeys.ValidateOrigin = context => ValueTask.FromResult(
                !context.CrossOrigin && context.Origin == $"{context.HttpContext.Request.Scheme}://{context.HttpContext.Request.Host}");
        });
    }

    /// <summary>The prefix where there is TLS, without which browsers refuse it.</summary>
    private sealed class StrictCookies : ICookieManager
    {
        private readonly ChunkingCookieManager _cookies = new();

        public string? GetRequestCookie(HttpContext context, string key) => _cookies.GetRequestCookie(context, Name(context, key));

        public void AppendResponseCookie(HttpContext context, string key, string? value, CookieOptions options) =>
            _cookies.AppendResponseCookie(context, Name(context, key), value, options);

        public void DeleteCookie(HttpContext context, string key, CookieOptions options) => _cookies.DeleteCookie(context, Name(context, key), options);

        private static string Name(HttpContext context, string key) => context.Plane() == Plane.TunnelConsole ? $"__Host-{key}" : key;
    }
}
