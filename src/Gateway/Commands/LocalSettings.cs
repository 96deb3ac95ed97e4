using System.Collections;
using System.Globalization;

namespace Gateway.Commands;

/// <summary>
/// What the command line itself needs of the gateway's configuration. The gateway checks the whole; here a key that is
/// not there is its default, so that a revocation never fails for a fault in a part that it does not need.
/// </summary>
internal sealed record LocalSettings(string AdminSocket, string DataDirectory, double GrantMinutes, string? RegistrationFile)
{
    public const string DefaultFile = "/etc/gateway/gateway.json";

    private const string Prefix = "GATEWAY__";

    public string? CertificatePath { get; private init; }

    public string? CertificateKeyPath { get; private init; }

    public string ServerName { get; private init; } = "";

    private IConfiguration Configuration { get; init; } = new ConfigurationBuilder().Build();

    /// <summary>Null means the default file, if it exists.</summary>
    public static LocalSettings Read(string? namedFile, IDictionary environment)
    {
        var file = Path.GetFullPath(namedFile ?? DefaultFile);
        try
        {
            var configuration = new ConfigurationBuilder()
                .AddJsonFile(file, optional: namedFile is null)
                .AddInMemoryCollection(FromEnvironment(environment))
                .Build();
            return new(
                configuration["Admin:Socket"] ?? "/run/gateway/admin.sock",
                configuration["Gateway:DataDirectory"] ?? new GatewayOptions().DataDirectory,
                double.TryParse(configuration["Login:GrantMinutes"], CultureInfo.InvariantCulture, out var minutes) ? minutes : 15,
                configuration["Homeserver:RegistrationFile"] is { Length: > 0 } registration ? registration : null)
            {
                ServerName = configuration["Gateway:ServerName"] ?? "",
                CertificatePath = configuration["Certificate:Path"],
                CertificateKeyPath = configuration["Certificate:KeyPath"],
                Configuration = configuration,
            };
        }
        catch (FileNotFoundException gone)
        {
            throw new CommandException(CommandLine.WrongUsage, $"there is no configuration {file}", "name it with --config FILE or GATEWAY_CONFIG", gone);
        }
        catch (UnauthorizedAccessException denied)
        {
            throw new CommandException(CommandLine.Failed, $"no permission to read {file}", "use sudo, or join the group 'gateway'", denied);
        }
        catch (InvalidDataException broken)
        {
            throw new CommandException(CommandLine.WrongUsage, $"{file} is not readable as JSON", broken.InnerException?.Message ?? broken.Message, broken);
        }
    }

    /// <summary>One section, read when it is asked for; throws <see cref="CommandException"/> where it has a fault.</summary>
    public T Section<T>(string name)
        where T : class, new()
    {
        try
        {
            return Configuration.GetSection(name).Get<T>(binder => binder.ErrorOnUnknownConfiguration = true) ?? new();
        }
        catch (InvalidOperationException fault)
        {
            throw CommandException.Usage($"the section {name} of the configuration: {fault.Message}", "mend it, so that nothing is missing when it is needed");
        }
    }

    private static IEnumerable<KeyValuePair<string, string?>> FromEnvironment(IDictionary environment) =>
        from string name in environment.Keys
        where name.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase)
        select KeyValuePair.Create(name[Prefix.Length..].Replace("__", ":", StringComparison.Ordinal), (string?)environment[name]);
}
