namespace Gateway.Admin;

/// <summary>Section <c>Admin</c> of the configuration.</summary>
internal sealed class AdminOptions
{
    /// <summary>sockaddr_un holds 108 bytes, the last of them zero (<c>unix(7)</c>).</summary>
    private const int MaxLength = 107;

    /// <summary>The Unix socket of the command line and of scripts.</summary>
    public string Socket { get; set; } = "/run/gateway/admin.sock";

    public IEnumerable<string> Faults()
    {
        if (!Path.IsPathRooted(Socket) || Socket.Length > MaxLength)
        {
            yield return $"Admin:Socket '{Socket}' must be an absolute path of at most {MaxLength} characters";
        }
    }
}
