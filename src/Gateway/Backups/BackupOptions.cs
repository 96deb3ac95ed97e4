namespace Gateway.Backups;

/// <summary>Section <c>Backup</c> of the configuration: who can open the backups, and what of the homeserver is in them.</summary>
internal sealed class BackupOptions
{
    /// <summary>Public keys as age(1) takes them (<c>age1…</c>, <c>ssh-ed25519 …</c>). Whoever has one of the private keys opens every backup; this server has none.</summary>
    public IReadOnlyList<string> Recipients { get; set; } = [];

    /// <summary>How many backups stay in a folder; the oldest go first.</summary>
    public int Keep { get; set; } = 14;

    /// <summary>No backup is kept longer than the messages that are in it (<c>retention</c> in the homeserver's settings).</summary>
    public double KeepDays { get; set; } = 14;

    /// <summary>The homeserver's database: the path of an SQLite file, or a connection string of libpq (<c>host=/run/postgresql dbname=synapse</c>). Null: the homeserver is backed up elsewhere.</summary>
    public string? HomeserverDatabase { get; set; }

    /// <summary>Further files and folders: the homeserver's configuration, its signing key and its media; what else lies in /etc/gateway.</summary>
    public IReadOnlyList<string> Files { get; set; } = [];

    public IEnumerable<string> Faults() =>
    [
        .. Recipients.Where(IsSecret).Select(_ => "Backup:Recipients has a private key: give the public one (age-keygen -y), and keep the private one away from this server"),
        .. Recipients.Where(recipient => !IsSecret(recipient) && !IsRecipient(recipient))
            .Select(recipient => $"Backup:Recipients has '{recipient}': give a public key of age, age1…, or one of ssh, ssh-ed25519 …"),
        .. Keep is >= 1 and <= 1000 ? Array.Empty<string>() : [$"Backup:Keep is {Keep}: give a number from 1 to 1000"],
        .. KeepDays is > 0 and <= 3660 ? Array.Empty<string>() : [$"Backup:KeepDays is {KeepDays}: give a number of days above 0, at most 3660"],
        .. Files.Where(path => !Path.IsPathRooted(path)).Select(path => $"Backup:Files has '{path}': give absolute paths"),
        .. HomeserverDatabase?.Contains("password", StringComparison.OrdinalIgnoreCase) is true
            ? ["Backup:HomeserverDatabase has a password: it would stand in a list of processes; let root in by peer, or write it to /root/.pgpass"]
            : Array.Empty<string>(),
        .. HomeserverDatabase is { } database && !Path.IsPathRooted(database) && !Backups.HomeserverDatabase.IsPostgres(database)
            ? [$"Backup:HomeserverDatabase is '{database}': give the path of an SQLite file, or a connection string with dbname= or service="]
            : Array.Empty<string>(),
    ];

    private static bool IsSecret(string recipient) => recipient.Contains("SECRET-KEY", StringComparison.OrdinalIgnoreCase) || recipient.Contains("PRIVATE KEY", StringComparison.OrdinalIgnoreCase);

    private static bool IsRecipient(string recipient) =>
        recipient.StartsWith("age1", StringComparison.Ordinal) || recipient.StartsWith("ssh-ed25519 ", StringComparison.Ordinal) || recipient.StartsWith("ssh-rsa ", StringComparison.Ordinal);
}
