using System.Globalization;
using Gateway.Onboarding.Matrix;

namespace Gateway.Diagnosis;

/// <summary>A hole that was known when this was written. <see cref="FixedIn"/>: the first version without it.</summary>
internal sealed record KnownHole(Version FixedIn, string Name);

/// <summary>
/// Whether Synapse and .NET run in versions with known holes. Nothing is asked of anybody outside: the table is as old as its
/// date, which each finding says. Of each program only what its last versions repaired: an older one is told by the first row.
/// </summary>
internal sealed class VersionChecks(HomeserverAdmin homeserver) : ICheck
{
    private const string Date = "2026-11-28";

    // element-hq/synapse: the release notes of 1.157.2 (2026-07-28, six holes of high severity that members of a server can use);
    // GHSA-8q93-326v-3m7g.
    internal static readonly IReadOnlyList<KnownHole> Synapse =
    [
        new(new Version(1, 157, 2), "ELEMENTSEC-2026-1717 and others"),
        new(new Version(1, 152, 1), "CVE-2026-45078"),
    ];

    // Microsoft's records of 2026-10-13: denial of service, elevation of privilege and bypass of a security feature in ASP.NET Core.
    internal static readonly IReadOnlyList<KnownHole> DotNet =
    [
        new(new Version(10, 0, 13), "CVE-2026-96233, CVE-2026-70183, CVE-2026-70188"),
    ];

    public string Name => "versions";

    public async Task<IReadOnlyList<Finding>> LookAsync(CancellationToken cancellationToken) =>
        [OfSynapse(await homeserver.ServerVersionAsync(cancellationToken)), OfDotNet(Environment.Version)];

    internal static Finding OfSynapse(string says)
    {
        const string name = "Synapse";

        // Debian's and others' say more after the number: 1.160.0 (b=…), 1.161.0rc1. What comes before a release has not all of it.
        var number = new string([.. says.TakeWhile(c => char.IsAsciiDigit(c) || c == '.')]);
        return !Version.TryParse(number, out var version)
            ? Finding.Unknown(name, $"its version '{says}' is not understood")
            : Holes(Synapse, version) is { } holes
                ? Finding.Fault(name, $"{says} has known holes: {holes}", "apt update && apt upgrade, then restart Synapse")
                : Finding.Ok(name, $"{says}: {NoneSince}");
    }

    /// <summary>A warning: the gateway's own doors stand before it, and a new one has to be built first.</summary>
    internal static Finding OfDotNet(Version version) =>
        Holes(DotNet, version) is { } holes
            ? Finding.Warning(".NET", $"the gateway runs on {version}, which has known holes: {holes}", "a newer .NET 10, and the gateway built and installed anew with it")
            : Finding.Ok(".NET", $"{version}: {NoneSince}");

    private static string NoneSince => $"no hole was known on {Date}; not checked against news since";

    private static string? Holes(IReadOnlyList<KnownHole> table, Version version)
    {
        var holes = table.Where(hole => version < hole.FixedIn)
            .Select(hole => string.Create(CultureInfo.InvariantCulture, $"{hole.Name} (fixed in {hole.FixedIn})")).ToList();
        return holes.Count == 0 ? null : string.Join(", ", holes);
    }
}
