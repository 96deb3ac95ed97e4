namespace Gateway;

/// <summary>Section <c>Gateway</c> of the configuration.</summary>
internal sealed class GatewayOptions
{
    /// <summary>The Matrix server name, which is also the host name that members use.</summary>
    public string ServerName { get; set; } = "";

    /// <summary>State and keys, mode 0700.</summary>
    public string DataDirectory { get; set; } = "/var/lib/gateway";

    public IEnumerable<string> Faults()
    {
        if (ServerName.Length == 0)
        {
            yield return "Gateway:ServerName is required: the domain in user IDs, for example chat.example";
        }
        else if (Onboarding.Matrix.ServerName.TryParse(ServerName) is null)
        {
            yield return $"Gateway:ServerName '{ServerName}' is not a host name in small letters with a dot, for example chat.example";
        }

        if (!Path.IsPathRooted(DataDirectory))
        {
            yield return $"Gateway:DataDirectory '{DataDirectory}' must be an absolute path";
        }
    }
}
