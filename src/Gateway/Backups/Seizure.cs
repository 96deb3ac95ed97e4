using Gateway.Onboarding.Keys;
using Gateway.Onboarding.Revocation;
using Gateway.Onboarding.Store;

namespace Gateway.Backups;

/// <summary>
/// What a restore changes when somebody else has the old server: every secret that was on it is void, every device is cut off, and
/// its Matrix sessions end. The members stay, and are enrolled anew.
/// </summary>
internal static class Seizure
{
    private const string By = "admin, the server was seized";

    /// <summary>What is told in the audit could be read there already; with other keys nobody could read it here.</summary>
    private static readonly string[] Kept = ["audit-key", "audit-signing-key"];

    public static State Renew(string dataDirectory, TimeProvider time)
    {
        var now = time.GetUtcNow();
        return StoreRenewal.Renew(
            dataDirectory,
            Kept.Contains,
            state => [.. Revoker.All(state, By, now), .. state.Console.Code is null ? Array.Empty<Intent>() : [new CodeRemoved { At = now }]],
            new Entropy());
    }

    /// <summary>The certificate and its key, which have to be new as well: the paths that the configuration names.</summary>
    public static IEnumerable<string> TlsFiles(string configurationFile)
    {
        var configuration = new ConfigurationBuilder().AddJsonFile(configurationFile).Build();
        return new[] { configuration["Certificate:Path"], configuration["Certificate:KeyPath"] }.OfType<string>();
    }
}
