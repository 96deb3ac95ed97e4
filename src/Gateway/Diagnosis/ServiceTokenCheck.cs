using Gateway.Onboarding.Matrix;
using Gateway.Tunnel;

namespace Gateway.Diagnosis;

/// <summary>
/// The application service's token is as powerful as the server, so Synapse must take it from this machine alone. (A member who has it
/// meets the gateway first, which takes nothing but their own device's token; the end-to-end tests try that, from a phone.)
/// </summary>
internal sealed class ServiceTokenCheck(HomeserverTrials trials, TunnelOptions tunnel) : ICheck
{
    public string Name => "service token";

    public async Task<IReadOnlyList<Finding>> LookAsync(CancellationToken cancellationToken) =>
        [await trials.TakesServiceTokenFromAsync(tunnel.GatewayAddress, cancellationToken)
            ? Finding.Fault(
                Name,
                $"Synapse takes it from an address of the tunnel too ({tunnel.GatewayAddress}): who has learned it rules the server from any phone",
                "ip_range_whitelist in the registration, as gateway homeserver-config writes it; and x_forwarded: true in Synapse's listener")
            : Finding.Ok(Name, "Synapse takes it from this machine alone")];
}
