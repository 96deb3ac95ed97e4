using Gateway.Admin.Access;
using Gateway.Onboarding;
using Gateway.Onboarding.Store;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Gateway.Admin;

/// <summary>The console, from the admin's socket: a way into it for whoever is on the server already, and the devices it is there for.</summary>
internal static class ConsoleApi
{
    public static Results<Ok<DeviceView>, ProblemHttpResult> Mark(AdminDeviceRequest request, AdminDevices admins, DeviceViews views) =>
        admins.Mark(request.Device, request.Admin, AdminApi.By) switch
        {
            ({ } device, _) => TypedResults.Ok(views.Of(device)),
            (_, var refusal) => AdminApi.Problem(refusal!),
        };

    public static Results<Ok<ConsoleLinkView>, ProblemHttpResult> Make(ConsoleLinks links, ConsoleOptions console, GatewayOptions gateway, StateWriter writer, TimeProvider time)
    {
        if (console is { Port: 0, TunnelPort: 0 })
        {
            return AdminApi.Problem(new Refusal(RefusalKind.Conflict, "the console is switched off", "set Console:Port (8080) and restart the gateway"));
        }

        writer.Write(new ConsoleLinkMade { At = time.GetUtcNow() });
        var (secret, ends) = links.Make();
        return TypedResults.Ok(new ConsoleLinkView(
            console.Port == 0 ? null : $"http://localhost:{console.Port}/link/{secret}",
            console.TunnelPort == 0 ? null : $"https://{gateway.ServerName}:{console.TunnelPort}/link/{secret}",
            ends));
    }
}
