using System.Text.Json.Nodes;

namespace Gateway.EndToEnd.Lab;

/// <summary>Other settings for the length of one story: the gateway restarts with them, and restarts as before when the story ends.</summary>
public sealed class ChangedSettings : IAsyncDisposable
{
    private readonly GatewayHost gateway;
    private readonly Dictionary<string, JsonNode?> before;

    private ChangedSettings(GatewayHost gateway)
    {
        this.gateway = gateway;
        before = new Dictionary<string, JsonNode?>(gateway.Settings, StringComparer.Ordinal);
    }

    public static async Task<ChangedSettings> ApplyAsync(GatewayHost gateway, params (string Key, JsonNode Value)[] settings)
    {
        var changed = new ChangedSettings(gateway);
        foreach (var (key, value) in settings)
        {
            gateway.Settings[key] = value;
        }

        await gateway.RestartAsync();
        return changed;
    }

    public async ValueTask DisposeAsync()
    {
        gateway.Settings.Clear();
        foreach (var (key, value) in before)
        {
            gateway.Settings[key] = value;
        }

        await gateway.RestartAsync();
    }
}
