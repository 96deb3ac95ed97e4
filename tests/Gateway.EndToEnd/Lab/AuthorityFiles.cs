using System.Text.Json.Nodes;

namespace Gateway.EndToEnd.Lab;

/// <summary>
/// What a public certificate authority and a DNS provider are told in a world of ours: pebble, which speaks ACME as Let's
/// Encrypt does, and Knot, whose zone can be changed with a key (RFC 2136). All lies in one folder.
/// </summary>
internal sealed record AuthorityFiles(string Folder, string Zone, string Address, string Secret)
{
    /// <summary>Where pebble asks, and nobody else.</summary>
    public const string Lookup = "127.0.0.2";

    /// <summary>Each order with challenges of its own, and no faults but the story's.</summary>
    public static IReadOnlyList<string> PebbleEnvironment { get; } = ["PEBBLE_VA_NOSLEEP=1", "PEBBLE_WFE_NONCEREJECT=0", "PEBBLE_AUTHZREUSE=0"];

    public IReadOnlyList<string> Pebble => ["pebble", "-config", $"{Folder}/pebble.json", "-dnsserver", $"{Lookup}:53"];

    public IReadOnlyList<string> Knot => ["knotd", "-c", $"{Folder}/knot.conf"];

    public string Host => $"acme.{Zone}";

    public string Directory => $"https://{Host}:14000/dir";

    /// <summary>The authorities of a machine in this world.</summary>
    public string Authorities => $"{Folder}/authorities.pem";

    /// <summary>What the admin writes into certificate.conf.</summary>
    public string Settings => $"""
        DNS_PROVIDER=rfc2136
        RFC2136_NAMESERVER={Address}:53
        RFC2136_TSIG_ALGORITHM=hmac-sha256.
        RFC2136_TSIG_KEY=acme
        RFC2136_TSIG_SECRET={Secret}
        RFC2136_POLLING_INTERVAL=1
        EMAIL=admin@{Zone}
        ACME_DIRECTORY={Directory}
        SSL_CERT_FILE={Authorities}

        """;

    /// <summary>The files by their names; pebble's own certificate, acme.pem and acme.key, comes from elsewhere.</summary>
    public IReadOnlyDictionary<string, string> Texts(string tunnelAddress) => new Dictionary<string, string>(StringComparer.Ordinal)
    {
        ["pebble.json"] = new JsonObject
        {
            ["pebble"] = new JsonObject
            {
                ["listenAddress"] = $"{Address}:14000",
                ["managementListenAddress"] = $"{Address}:15000",
                ["certificate"] = $"{Folder}/acme.pem",
                ["privateKey"] = $"{Folder}/acme.key",
            },
        }.ToJsonString(),
        ["zone"] = $"""
            @    300 SOA ns admin 1 3600 600 86400 60
            @    300 NS  ns
            ns   300 A   {Address}
            acme 300 A   {Address}
            chat 300 A   {tunnelAddress}

            """,
        ["knot.conf"] = $"""
            server:
                rundir: {Folder}
                listen: [{Address}@53, {Lookup}@53]
            log:
              - target: stdout
                any: info
            database:
                storage: {Folder}
            key:
              - id: acme
                algorithm: hmac-sha256
                secret: {Secret}
            acl:
              - id: acme
                key: acme
                action: update
            zone:
              - domain: {Zone}
                storage: {Folder}
                file: zone
                acl: acme

            """,
    };
}
