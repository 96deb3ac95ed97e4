namespace Gateway.EndToEnd.Lab;

/// <summary>What <c>tests/run</c> prepares and names in the environment.</summary>
internal static class Requirements
{
    /// <summary>The published gateway.</summary>
    public static string Gateway => Path("GATEWAY_BIN", File.Exists);

    /// <summary>A root file system with Debian's matrix-synapse in it.</summary>
    public static string SynapseRoot => Path("GATEWAY_SYNAPSE_ROOT", Directory.Exists);

    /// <summary>Node 22: the Matrix client library asks for it.</summary>
    public static string Node => Path("GATEWAY_NODE", File.Exists);

    /// <summary>The folder that holds matrix-js-sdk.</summary>
    public static string NodeModules => Path("GATEWAY_NODE_MODULES", Directory.Exists);

    private static string Path(string variable, Func<string, bool> exists)
    {
        var path = Environment.GetEnvironmentVariable(variable);
        if (string.IsNullOrEmpty(path))
        {
            throw new InvalidOperationException($"{variable} is not set: run the end-to-end tests with tests/run, as root.");
        }

        return exists(path) ? path : throw new InvalidOperationException($"{variable} names {path}, which is not there: run tests/run, which makes it.");
    }
}
