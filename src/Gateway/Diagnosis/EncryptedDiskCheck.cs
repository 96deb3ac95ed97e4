namespace Gateway.Diagnosis;

/// <summary>Whether what is on the disk is readable to whoever takes it out. <paramref name="system"/>: where proc(5) and sysfs(5) are.</summary>
internal sealed class EncryptedDiskCheck(GatewayOptions gateway, string system = "/") : ICheck
{
    private const string WayOut = "a server whose disk is encrypted with LUKS; or a store key that is not on it (the systemd credential store.key)";

    public string Name => "disk";

    public Task<IReadOnlyList<Finding>> LookAsync(CancellationToken cancellationToken)
    {
        var device = DeviceOf(Path.GetFullPath(gateway.DataDirectory));
        IReadOnlyList<Finding> findings = device is null || !Directory.Exists(Sysfs(device))
            ? [Finding.Warning(Name, $"{gateway.DataDirectory} is on no block device of its own: whether it is encrypted cannot be seen", WayOut)]
            : IsEncrypted(Sysfs(device))
                ? [Finding.Ok(Name, $"{gateway.DataDirectory} is on an encrypted disk")]
                : [Finding.Warning(Name, $"{gateway.DataDirectory} is on a disk that is not encrypted: whoever takes it out reads it", WayOut)];
        return Task.FromResult(findings);
    }

    private string Sysfs(string device) => Path.Join(system, "sys/dev/block", device);

    /// <summary>major:minor of what is mounted over the path: proc(5), mountinfo, fields 3 and 5.</summary>
    private string? DeviceOf(string path) =>
        File.ReadLines(Path.Join(system, "proc/self/mountinfo"))
            .Select(line => line.Split(' '))
            .Where(fields => fields.Length > 4 && (fields[4] == "/" || path == fields[4] || path.StartsWith(fields[4] + "/", StringComparison.Ordinal)))

            // Of two that are mounted at one place, the later one is seen.
            .OrderBy(fields => fields[4].Length)
            .LastOrDefault()?[2];

    /// <summary>It or all that it lies on: device-mapper's UUID begins with the kind of target (cryptsetup: CRYPT-).</summary>
    private static bool IsEncrypted(string block)
    {
        var uuid = Path.Join(block, "dm/uuid");
        if (File.Exists(uuid) && File.ReadAllText(uuid).StartsWith("CRYPT-", StringComparison.Ordinal))
        {
            return true;
        }

        var below = Path.Join(block, "slaves");
        var slaves = Directory.Exists(below) ? Directory.GetDirectories(below) : [];
        return slaves.Length > 0 && slaves.All(IsEncrypted);
    }
}
