using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Gateway.Benchmarks.Beside;

/// <summary>What everybody in the comparison shares: a folder, a certificate, names, ports, the members' addresses and tokens.</summary>
internal static class Place
{
    public const string ServerName = "chat.example";

    /// <summary>Where what stands in for the homeserver answers every request with 300 bytes.</summary>
    public const int Backend = 8100;

    /// <summary>Where a homeserver answers everything but <c>/sync</c>, which it holds.</summary>
    public const int Holding = 8101;

    /// <summary>As phones ask most: what is new?</summary>
    public const string Target = "/_matrix/client/v3/sync?filter=1&timeout=0&since=s72594_4483_1934";

    public static string BackendUrl { get; } = $"http://127.0.0.1:{Backend}";

    /// <summary>The access token of the device with this number.</summary>
    public static string Token(int number) => $"syt_bWVtYmVy_{number:00000}AbCdEfGhIjKlMnO_1a2B3c";

    /// <summary>The last two bytes of the address that the device with this number has: 198.19.x.y, and on loopback 127.19.x.y.</summary>
    public static (byte Third, byte Fourth) Host(int number) => ((byte)((number + 2) >> 8), (byte)((number + 2) & 0xff));

    /// <summary>Makes <c>certificate.pem</c>, <c>key.pem</c> and, as HAProxy wants them, <c>both.pem</c>.</summary>
    public static void WriteCertificate(string folder)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={ServerName}", key, HashAlgorithmName.SHA256);
        var name = new SubjectAlternativeNameBuilder();
        name.AddDnsName(ServerName);
        request.CertificateExtensions.Add(name.Build());
        var now = TimeProvider.System.GetUtcNow();
        using var certificate = request.CreateSelfSigned(now.AddDays(-1), now.AddDays(30));
        var (leaf, secret) = (certificate.ExportCertificatePem(), key.ExportPkcs8PrivateKeyPem());
        File.WriteAllText(Path.Combine(folder, "certificate.pem"), leaf);
        File.WriteAllText(Path.Combine(folder, "key.pem"), secret);
        File.WriteAllText(Path.Combine(folder, "both.pem"), $"{leaf}\n{secret}\n");
    }
}
