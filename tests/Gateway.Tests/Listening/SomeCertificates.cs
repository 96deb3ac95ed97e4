using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Gateway.Listening;

namespace Gateway.Tests.Listening;

/// <summary>A root and an intermediate of the test's own, and leaves written as a certificate tool writes them: to a new file, renamed into place.</summary>
internal sealed class SomeCertificates : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("gateway-certificates-");
    private readonly X509Certificate2 _intermediate;

    public SomeCertificates()
    {
        Root = Make("CN=Test root", issuer: null, authority: true);
        _intermediate = Make("CN=Test intermediate", Root, authority: true);
    }

    public X509Certificate2 Root { get; }

    public CertificateOptions Options => new() { Path = PathOf("chain.pem"), KeyPath = PathOf("key.pem") };

    /// <summary>Makes a leaf and puts it and its chain, its key, or both in place.</summary>
    public void Write(string subject, bool chain = true, bool key = true)
    {
        using var leaf = Make($"CN={subject}", _intermediate, authority: false);
        if (chain)
        {
            Replace("chain.pem", leaf.ExportCertificatePem() + "\n" + _intermediate.ExportCertificatePem() + "\n");
        }

        if (key)
        {
            Replace("key.pem", leaf.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem());
        }
    }

    public void Replace(string name, string text)
    {
        File.WriteAllText(PathOf(name + ".new"), text);
        File.Move(PathOf(name + ".new"), PathOf(name), overwrite: true);
    }

    public void Delete(string name) => File.Delete(PathOf(name));

    public void Dispose()
    {
        Root.Dispose();
        _intermediate.Dispose();
        _directory.Delete(recursive: true);
    }

    private string PathOf(string name) => Path.Combine(_directory.FullName, name);

    private static X509Certificate2 Make(string subject, X509Certificate2? issuer, bool authority)
    {
        var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(subject, key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(authority, hasPathLengthConstraint: false, 0, critical: true));
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        var (from, until) = (new DateTimeOffset(2020, 1, 1, 0, 0, 0, TimeSpan.Zero), new DateTimeOffset(2120, 1, 1, 0, 0, 0, TimeSpan.Zero));
        if (issuer is null)
        {
            return request.CreateSelfSigned(from, until);
        }

        var serial = SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(subject))[..8];
        using var certificate = request.Create(issuer, from, until, serial);
        return certificate.CopyWithPrivateKey(key);
    }
}
