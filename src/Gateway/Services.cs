using System.Text.Json.Serialization;
using Gateway.Admin;
using Gateway.Admin.Access;
using Gateway.Admin.Pages;
using Gateway.Diagnosis;
using Gateway.Login;
using Gateway.Monitoring;
using Gateway.Onboarding.Devices;
using Gateway.Onboarding.Enrolment;
using Gateway.Onboarding.Keys;
using Gateway.Onboarding.LoginGrants;
using Gateway.Onboarding.Matrix;
using Gateway.Onboarding.Revocation;
using Gateway.Onboarding.Store;
using Gateway.Proxy;
using Gateway.Tunnel;
using Gateway.Welcome;
using Microsoft.Extensions.Options;

namespace Gateway;

/// <summary>What the program is made of, folder by folder.</summary>
internal static class Services
{
    public static void AddSettings(this IServiceCollection services, Settings settings)
    {
        services.AddSingleton(settings.Console).AddSingleton(settings.Listen).AddSingleton(settings.Gateway).AddSingleton(settings.Tunnel).AddSingleton(settings.Homeserver);
        services.AddSingleton(settings.Enrolment).AddSingleton(settings.Login).AddSingleton(settings.Revocation).AddSingleton(settings.Audit).AddSingleton(settings.Backup);
        services.AddSingleton(Options.Create(settings.Certificate));
        services.AddSingleton(ServerName.TryParse(settings.Gateway.ServerName)!);
    }

    /// <summary>All are made once, at the first start, and sealed in the store.</summary>
    public static void AddSecrets(this IServiceCollection services, StoreFile store, Entropy entropy)
    {
        services.AddSingleton(new TokenHasher(new HashKey(store.Secret("token-hash-key", () => entropy.Bytes(SecretKey.Length)))));
        services.AddSingleton(new AsToken(Text("as-token")));
        services.AddSingleton(new HsToken(Text("hs-token")));
        services.AddSingleton(new RegistrationSecret(Text("registration-secret")));

        string Text(string name) => Convert.ToHexStringLower(store.Secret(name, () => entropy.Bytes(32)));
    }

    public static void AddOnboarding(this IServiceCollection services, Settings settings)
    {
        services.AddSingleton(new AddressPool(settings.Tunnel.Subnet));
        services.AddSingleton<GrantArmoury>().AddSingleton<AccountMaker>().AddSingleton<Enroller>().AddSingleton<HomeserverAdmin>().AddSingleton<Logins>().AddSingleton<Logouts>().AddSingleton<GuardedActs>().AddSingleton<SessionAdoption>().AddSingleton<Renamer>().AddSingleton<Revoker>().AddSingleton<RevocationSteps>();
        services.AddSingleton(provider => new RevocationSpool(
            settings.Gateway.DataDirectory, provider.GetRequiredService<Revoker>(), provider.GetRequiredService<ILogger<RevocationSpool>>()));
        services.AddSingleton(provider => new Homeserver(
            new HttpClient(HomeserverConnection.Handler(settings.Homeserver)) { BaseAddress = new Uri(settings.Homeserver.Origin), Timeout = Timeout.InfiniteTimeSpan },
            provider.GetRequiredService<ServerName>(),
            provider.GetRequiredService<AsToken>()));
        services.AddSingleton<ShutDoor>(provider => provider.GetRequiredService<DeviceResolver>().Shut);
        services.AddLoop<EnrolmentWatch>();
        services.AddLoop<AdminAccount>();
        services.AddLoop<AccountLocks>();
        services.AddLoop<RevocationWorker>();
        services.AddLoop<SessionKeeper>();
    }

    public static void AddTunnel(this IServiceCollection services, Settings settings)
    {
        services.AddSingleton(new NetworkLink(settings.Tunnel.Interface, settings.Tunnel.UserspaceMode));
        services.AddSingleton<IWireGuardInterface, WireGuardInterface>();
        services.AddSingleton(provider =>
        {
            var entropy = provider.GetRequiredService<Entropy>();
            var key = provider.GetRequiredService<StoreFile>().Secret("interface-private-key", () => PrivateKey.Generate(entropy).Bytes.ToArray());
            return new InterfaceSettings(
                new PrivateKey(key), settings.Tunnel.ListenPort, settings.Tunnel.GatewayAddress, settings.Tunnel.Subnet.PrefixLength);
        });
        services.AddSingleton<Func<DesiredPeers>>(provider => new PeerPlan(provider.GetRequiredService<StateWriter>()).Current);
        services.AddSingleton(provider => new HandshakeWatch(
            provider.GetRequiredService<EnrolmentWatch>().HandshakeSeen,
            key => provider.GetRequiredService<GrantArmoury>().KeyCopied(provider.GetRequiredService<StateWriter>(), key),
            provider.GetRequiredService<SteadyClock>()));
        services.AddSingleton<PeersTaken>(provider => provider.GetRequiredService<PeerReconciler>().TakenAsync);
        services.AddSingleton<PeersApplied>(provider => provider.GetRequiredService<PeerReconciler>().AppliedAsync);
        services.AddLoop<PeerReconciler>();
    }

    public static void AddGate(this IServiceCollection services)
    {
        services.AddHttpForwarder();
        services.AddSingleton(RequestLimits.OfOneDevice);
        services.AddSingleton<DeviceResolver>().AddSingleton<TokenBinding>().AddSingleton<TokenLeaks>();
        services.AddSingleton<CrossOrigin>().AddSingleton<PusherList>().AddSingleton<Quarantine>();
        services.AddSingleton<LoginThrottle>().AddSingleton<SignIns>().AddSingleton<ClientApps>().AddSingleton<MemberPage>();
        services.AddSingleton<LoginEndpoint>().AddSingleton<SignInEndpoint>().AddSingleton<OAuthEndpoint>().AddSingleton<GuardedEndpoint>().AddSingleton<LogoutEndpoint>().AddSingleton<WelcomeEndpoint>();
        services.AddSingleton<GatewayMeter>().AddSingleton<GateMetrics>().AddSingleton<HomeserverForwarder>().AddSingleton<MemberGate>();
        services.AddLoop<HomeserverWatch>();
    }

    public static void AddDoctor(this IServiceCollection services)
    {
        services.AddSingleton<NameLookup>(System.Net.Dns.GetHostAddressesAsync).AddSingleton<Doctor>().AddSingleton<Examination>();
        services.AddSingleton<ICheck, SocketChecks>().AddSingleton<ICheck, WireGuardCheck>();
        services.AddSingleton<HomeserverTrials>().AddSingleton<ICheck, ServiceTokenCheck>().AddSingleton<ICheck, MessageChecks>().AddSingleton<ICheck, VersionChecks>();
        services.AddSingleton<ICheck, HomeserverChecks>().AddSingleton<ICheck, CertificateCheck>().AddSingleton<ICheck, NameCheck>();
        services.AddSingleton<ICheck, ClockCheck>().AddSingleton<ICheck, RevocationCheck>().AddSingleton<ICheck, BackupCheck>().AddSingleton<ICheck, DrillCheck>();
        services.AddSingleton<ICheck>(provider => new EncryptedDiskCheck(provider.GetRequiredService<GatewayOptions>()));
    }

    public static void AddAdmin(this IServiceCollection services)
    {
        services.AddSingleton<DeviceViews>().AddSingleton<SignInDecisions>().AddSingleton<StatusReport>().AddSingleton<Announcements>();
        services.AddSingleton<Enrolments>().AddSingleton<SentForms>().AddSingleton<EnrolViews>().AddSingleton<Onboarder>();
        services.AddSingleton<ConsolePages>().AddSingleton<ChangeFeed>().AddSingleton<LiveStream>().AddSingleton<Roster>();
        services.AddConsoleAccess();
        services.AddRouting().AddProblemDetails().AddOpenApi();
        services.ConfigureHttpJsonOptions(json =>
        {
            json.SerializerOptions.TypeInfoResolverChain.Insert(0, AdminJson.Default);
            json.SerializerOptions.UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow;
            json.SerializerOptions.RespectNullableAnnotations = true;
            json.SerializerOptions.WriteIndented = true;
        });
    }

    /// <summary>A background loop that others also call.</summary>
    public static void AddLoop<T>(this IServiceCollection services)
        where T : class, IHostedService =>
        services.AddSingleton<T>().AddHostedService(provider => provider.GetRequiredService<T>());
}
