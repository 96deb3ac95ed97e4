using System.Globalization;
using System.Security.Cryptography.X509Certificates;
using Gateway.Listening;
using Microsoft.Extensions.Options;

namespace Gateway.Diagnosis;

/// <summary>The certificate as a phone judges it: the name, the time left, and an authority that it knows.</summary>
internal sealed class CertificateCheck(MemberCertificate certificate, IOptions<CertificateOptions> files, GatewayOptions gateway, TimeProvider time) : ICheck
{
    public string Name => "certificate";

    public Task<IReadOnlyList<Finding>> LookAsync(CancellationToken cancellationToken) =>
        Task.FromResult<IReadOnlyList<Finding>>([Judge(certificate.Leaf, certificate.Fault, gateway.ServerName, time.GetUtcNow()), Trust()]);

    internal static Finding Judge(X509Certificate2 leaf, string? fault, string serverName, DateTimeOffset now)
    {
        const string name = "certificate";
        var left = leaf.NotAfter.ToUniversalTime() - now.UtcDateTime;
        var until = string.Create(CultureInfo.InvariantCulture, $"valid until {leaf.NotAfter.ToUniversalTime():yyyy-MM-dd}, {Math.Floor(left.TotalDays)} days");
        return fault is not null ? Finding.Fault(name, $"the files cannot be used, the old one stays: {fault}", "see Certificate:Path and Certificate:KeyPath")
            : !leaf.MatchesHostname(serverName) ? Finding.Fault(name, $"it is not for {serverName}: every phone refuses it", "a certificate for this name, in Certificate:Path: deploy/certificate")
            : left <= TimeSpan.Zero ? Finding.Fault(name, $"it has ended: {until}", "deploy/certificate --now; it is taken up while running")
            : left <= MemberCertificate.SoonOver ? Finding.Warning(name, $"it ends soon: {until}", "see why it was not renewed: journalctl -u gateway-certificate, where deploy/certificate set that up")
            : Finding.Ok(name, until);
    }

    /// <summary>By the authorities of this host, which are those that phones come with. It fetches nothing.</summary>
    private Finding Trust()
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.DisableCertificateDownloads = true;
        chain.ChainPolicy.VerificationTime = time.GetUtcNow().UtcDateTime;

        // Its time is looked at above.
        chain.ChainPolicy.VerificationFlags = X509VerificationFlags.IgnoreNotTimeValid;
        chain.ChainPolicy.ExtraStore.ImportFromPemFile(files.Value.Path);
        return chain.Build(certificate.Leaf)
            ? Finding.Ok("trust", "by an authority that phones know")
            : Finding.Warning(
                "trust",
                "by an authority that phones do not come with: Element X accepts it only where its certificate is installed on the phone",
                "deploy/certificate gets a publicly trusted one, without an open port (docs/certificates.md)");
    }
}
