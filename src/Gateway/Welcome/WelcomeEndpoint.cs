using Gateway.Admin;
using Gateway.Login;
using Gateway.Onboarding.Store;
using Gateway.Proxy;

namespace Gateway.Welcome;

/// <summary>
/// GET https://server/ inside the tunnel: that the tunnel works, whose device this is, and the way to Element. No code and
/// nothing secret: whoever holds the phone may read it. A device that is not in learns nothing, not even why.
/// </summary>
internal sealed class WelcomeEndpoint(MemberPage pages, StateWriter writer, GatewayOptions gateway)
{
    public Task AnswerAsync(HttpContext context, DeviceEntry entry, bool isIn)
    {
        var state = writer.Current;
        if (!isIn || state.Devices.GetValueOrDefault(entry.Id) is not { IsLive: true } device)
        {
            return pages.SendAsync<WelcomePage>(context, StatusCodes.Status503ServiceUnavailable, new WelcomePage.View { Who = null });
        }

        var member = state.Members.GetValueOrDefault(device.Member);
        return pages.SendAsync<WelcomePage>(context, StatusCodes.Status200OK, new WelcomePage.View
        {
            ServerName = gateway.ServerName,
            Who = $"{member?.DisplayName ?? device.Member.ToString()} · {device.Name}",
            System = device.System ?? SystemOf(context.Request.Headers.UserAgent.ToString()),
            ElementLink = ElementApp.Link(gateway.ServerName),
        });
    }

    /// <summary>Only which shop is shown depends on it.</summary>
    private static string? SystemOf(string userAgent) =>
        userAgent.Contains("Android", StringComparison.Ordinal) ? "android"
        : userAgent.Contains("iPhone", StringComparison.Ordinal) || userAgent.Contains("iPad", StringComparison.Ordinal) ? "ios"
        : userAgent.Contains("Windows", StringComparison.Ordinal) || userAgent.Contains("Macintosh", StringComparison.Ordinal) || userAgent.Contains("X11", StringComparison.Ordinal) ? "desktop"
        : null;
}
