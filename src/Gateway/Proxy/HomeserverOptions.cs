namespace Gateway.Proxy;

/// <summary>Section <c>Homeserver</c> of the configuration.</summary>
internal sealed class HomeserverOptions
{
    private const string UnixPrefix = "unix:";

    /// <summary>Where the homeserver listens: <c>http://127.0.0.1:8008</c>, or <c>unix:/path</c>.</summary>
    public string BaseUrl { get; set; } = "http://127.0.0.1:8008";

    /// <summary>Where <c>gateway homeserver-config</c> puts the application service's registration; empty: in the data directory.</summary>
    public string RegistrationFile { get; set; } = "";

    /// <summary>Where pushers may send notifications besides the servers of the apps that the gateway knows: exact https URLs.</summary>
    public IReadOnlyList<string> PushUrls { get; set; } = [];

    /// <summary>How many days the homeserver keeps messages and files; told to it by <c>gateway homeserver-config</c>.</summary>
    public int RetentionDays { get; set; } = 14;

    /// <summary>The path of the homeserver's Unix socket, or null where it listens on TCP.</summary>
    public string? UnixSocket => BaseUrl.StartsWith(UnixPrefix, StringComparison.Ordinal) ? BaseUrl[UnixPrefix.Length..] : null;

    /// <summary>Scheme, host and port, without a slash at the end. Over a Unix socket the host is a name only.</summary>
    public string Origin => UnixSocket is null ? BaseUrl.TrimEnd('/') : "http://homeserver";

    public IEnumerable<string> Faults()
    {
        foreach (var push in PushUrls.Where(push => !(Uri.TryCreate(push, UriKind.Absolute, out var uri) && uri.Scheme == "https" && uri.AbsoluteUri == push)))
        {
            yield return $"Homeserver:PushUrls has '{push}': give an exact https URL, for example https://push.example/_matrix/push/v1/notify";
        }

        if (RetentionDays is < 1 or > 365)
        {
            yield return $"Homeserver:RetentionDays is {RetentionDays}: give a number of days from 1 to 365";
        }

        if (UnixSocket is { } path)
        {
            if (!Path.IsPathRooted(path))
            {
                yield return $"Homeserver:BaseUrl '{BaseUrl}' must name an absolute path, as in unix:/run/matrix-synapse/main.sock";
            }
        }
        else if (!Uri.TryCreate(BaseUrl, UriKind.Absolute, out var url) || url.Scheme is not ("http" or "https") || url.PathAndQuery != "/")
        {
            yield return $"Homeserver:BaseUrl '{BaseUrl}' must be like http://127.0.0.1:8008 or unix:/path, without a path of its own";
        }
    }
}
