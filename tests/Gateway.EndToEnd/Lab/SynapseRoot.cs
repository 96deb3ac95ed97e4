using System.Diagnostics;
using System.Globalization;

namespace Gateway.EndToEnd.Lab;

/// <summary>The Debian root that holds Synapse and the Python client library: how a program of it is started.</summary>
internal static class SynapseRoot
{
    /// <summary>"nobody", who runs every program of the root.</summary>
    public const uint User = 65534;

    /// <summary>A program of the root on one machine of the lab, in a folder that has the same path inside and outside.</summary>
    public static ProcessStartInfo Describe(NetworkNamespace space, string folder, params IEnumerable<string> program) =>
        space.Describe("unshare", Arguments(folder, program));

    /// <summary>The same for a program that ends by itself.</summary>
    public static Task<Finished> RunAsync(NetworkNamespace space, string folder, params IEnumerable<string> program) =>
        space.RunAsync("unshare", Arguments(folder, program));

    private static string[] Arguments(string folder, IEnumerable<string> program) =>
    [
        "--mount", "--propagation", "private", Path.Combine(AppContext.BaseDirectory, "Lab", "run-in-root"),
        Requirements.SynapseRoot, folder, User.ToString(CultureInfo.InvariantCulture), .. program,
    ];
}
