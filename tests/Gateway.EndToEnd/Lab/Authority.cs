using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Gateway.EndToEnd.Lab;

/// <summary>The certificate authority of one lab, and the gateway's certificates that it signs.</summary>
public sealed class Authority : IDisposable
{
    private readonly X509Certificate2 certificate;
    private byte serial = 1;

    public Authority()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=Lab authority", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, hasPathLengthConstraint: false, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, critical: true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        var now = TimeProvider.System.GetUtcNow();
        certificate = request.CreateSelfSigned(now.AddDays(-1), now.AddDays(91));
    }

    /// <summary>What a client must be told to trust.</summary>
    public string Pem => certificate.ExportCertificatePem();

    /// <summary>How a client of the test trusts this authority and nobody else.</summary>
    public SslClientAuthenticationOptions Trust => new()
    {
        CertificateChainPolicy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            RevocationMode = X509RevocationMode.NoCheck,
            CustomTrustStore = { certificate },
        },
    };

    /// <summary>Writes a new key and certificate for the name, first the key, each in one move. Returns the certificate's serial number.</summary>
    public string Issue(string name, string certificatePath, string keyPath) => Issue(name, certificatePath, keyPath, TimeSpan.FromHours(1), TimeSpan.FromDays(90));

    /// <summary>The same for one that has been in use for a while; the authority itself is a day old.</summary>
    public string Issue(string name, string certificatePath, string keyPath, TimeSpan age, TimeSpan left)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(name);
        request.CertificateExtensions.Add(names.Build());
        // Python is stricter than others and misses it (RFC 5280, section 4.2.1.1).
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(certificate, includeKeyIdentifier: true, includeIssuerAndSerial: false));
        var now = TimeProvider.System.GetUtcNow();
        using var leaf = request.Create(certificate, now - age, now + left, [serial++]);
        Replace(keyPath, key.ExportPkcs8PrivateKeyPem());
        Replace(certificatePath, leaf.ExportCertificatePem());
        return leaf.SerialNumber;
    }

    public void Dispose() => certificate.Dispose();

    private static void Replace(string path, string pem)
    {
        File.WriteAllText(path + ".new", pem);
        File.Move(path + ".new", path, overwrite: true);
    }
}
