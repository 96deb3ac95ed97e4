using Gateway.Admin;
using Gateway.Backups;
using Gateway.Listening;
using Gateway.Monitoring;
using Gateway.Onboarding.Audit;
using Gateway.Onboarding.Enrolment;
using Gateway.Onboarding.LoginGrants;
using Gateway.Onboarding.Revocation;
using Gateway.Proxy;
using Gateway.Tunnel;
using Microsoft.Extensions.Options;

namespace Gateway;

/// <summary>The whole configuration: <c>gateway.json</c>, then environment variables (<c>GATEWAY__Section__Key</c>), checked before anything listens.</summary>
internal sealed class Settings
{
    public const string DefaultFile = "/etc/gateway/gateway.json";

    public GatewayOptions Gateway { get; private init; } = new();

    public TunnelOptions Tunnel { get; private init; } = new();

    public ListenOptions Listen { get; private init; } = new();

    public CertificateOptions Certificate { get; private init; } = new();

    public HomeserverOptions Homeserver { get; private init; } = new();

    public AdminOptions Admin { get; private init; } = new();

    public ConsoleOptions Console { get; private init; } = new();

    public MetricsOptions Metrics { get; private init; } = new();

    public EnrolmentOptions Enrolment { get; private init; } = new();

    public LoginOptions Login { get; private init; } = new();

    public RevocationOptions Revocation { get; private init; } = new();

    public AuditOptions Audit { get; private init; } = new();

    public BackupOptions Backup { get; private init; } = new();

    /// <summary>Reads and checks everything; all faults at once, each naming its key and the way out.</summary>
    public static (Settings Settings, IReadOnlyList<string> Faults) Read(string? file)
    {
        var path = Path.GetFullPath(file ?? DefaultFile);
        try
        {
            return Check(new ConfigurationBuilder()
                .AddJsonFile(path, optional: file is null)
                .AddEnvironmentVariables("GATEWAY__")
                .Build());
        }
        catch (Exception e) when (e is InvalidDataException or IOException or UnauthorizedAccessException)
        {
            return (new Settings(), [$"{path} cannot be read: {e.InnerException?.Message ?? e.Message}"]);
        }
    }

    public static (Settings Settings, IReadOnlyList<string> Faults) Check(IConfiguration configuration)
    {
        var faults = new List<string>();
        var settings = new Settings
        {
            Gateway = Section<GatewayOptions>(nameof(Gateway)),
            Tunnel = Section<TunnelOptions>(nameof(Tunnel)),
            Listen = Section<ListenOptions>(nameof(Listen)),
            Certificate = Section<CertificateOptions>(nameof(Certificate)),
            Homeserver = Section<HomeserverOptions>(nameof(Homeserver)),
            Admin = Section<AdminOptions>(nameof(Admin)),
            Console = Section<ConsoleOptions>(nameof(Console)),
            Metrics = Section<MetricsOptions>(nameof(Metrics)),
            Enrolment = Section<EnrolmentOptions>(nameof(Enrolment)),
            Login = Section<LoginOptions>(nameof(Login)),
            Revocation = Section<RevocationOptions>(nameof(Revocation)),
            Audit = Section<AuditOptions>(nameof(Audit)),
            Backup = Section<BackupOptions>(nameof(Backup)),
        };
        var known = typeof(Settings).GetProperties().Select(property => property.Name).ToHashSet(StringComparer.OrdinalIgnoreCase);
        faults.AddRange(configuration.GetChildren().Where(section => !known.Contains(section.Key)).Select(section =>
            $"'{section.Key}' is no section of the configuration: there are {string.Join(", ", known)}"));
        faults.AddRange(settings.SectionFaults());
        return (settings, faults);

        T Section<T>(string name)
            where T : class, new()
        {
            try
            {
                return configuration.GetSection(name).Get<T>(binder => binder.ErrorOnUnknownConfiguration = true) ?? new T();
            }
            catch (InvalidOperationException e)
            {
                faults.Add($"{name}: {e.Message}");
                return new T();
            }
        }
    }

    private IEnumerable<string> SectionFaults() =>
    [
        .. Gateway.Faults(),
        .. Failures(new TunnelOptionsValidator().Validate(null, Tunnel)),
        .. Failures(new ListenOptionsValidator().Validate(null, Listen)),
        .. Failures(new CertificateOptionsValidator().Validate(null, Certificate)),
        .. Homeserver.Faults(), .. Admin.Faults(), .. Console.Faults(Listen.HttpsPort), .. Metrics.Faults(Console.Port), .. Login.Faults(), .. Audit.Faults(), .. Backup.Faults(), .. TimeFaults(),
    ];

    private static IEnumerable<string> Failures(ValidateOptionsResult result) => result.Failures ?? [];

    private IEnumerable<string> TimeFaults() =>
        from setting in new[]
        {
            (Key: "Enrolment:ExpireMinutes", Value: Enrolment.ExpireMinutes, Most: 60.0 * 24),
            (Key: "Login:GrantMinutes", Value: Login.GrantMinutes, Most: 60.0 * 24),
            (Key: "Revocation:QuarantineDays", Value: Revocation.QuarantineDays, Most: 365.0),
            (Key: "Revocation:GraceHours", Value: Revocation.GraceHours, Most: 24.0 * 365),
        }
        where !(setting.Value > 0 && setting.Value <= setting.Most)
        select $"{setting.Key} is {setting.Value}: give a number above 0, at most {setting.Most}";
}
