using System.Text.Json;

namespace Gateway.EndToEnd.Lab;

/// <summary>What <c>gateway enrol --json</c> printed.</summary>
public sealed class Enrolment(JsonElement json)
{
    public string DeviceId { get; } = json.GetProperty("device").GetProperty("id").GetString()!;

    public string Member { get; } = json.GetProperty("device").GetProperty("member").GetString()!;

    public string TunnelAddress { get; } = json.GetProperty("device").GetProperty("tunnelAddress").GetString()!;

    public string PublicKey { get; } = json.GetProperty("device").GetProperty("publicKey").GetString()!;

    /// <summary>The text that the QR holds.</summary>
    public string Config { get; } = json.GetProperty("config").GetString()!;

    public string LoginCode { get; } = json.GetProperty("loginCode").GetString()!;

    public string MatrixUserId => $"@{Member}:{GatewayHost.ServerName}";
}
