using System.Diagnostics.CodeAnalysis;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Gateway.Listening;

/// <summary>
/// The two files' contents as they were at one look. Compared as a whole: a renewal that replaces them one after the
/// other, by rename or through a moved link, shows as a new pair, whatever the files' times say.
/// </summary>
internal sealed class PemPair(string chain, string key)
{
    private readonly string _chain = chain;
    private readonly string _key = key;

    public static PemPair Read(CertificateOptions options)
    {
        try
        {
            // One file for both is looked at once: a rename between two looks would show halves of two pairs.
            var chain = File.ReadAllText(options.Path);
            return new(chain, options.KeyPath == options.Path ? chain : File.ReadAllText(options.KeyPath));
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw new CertificateException(fault.Message, fault);
        }
    }

    public bool Same(PemPair? other) => other is not null && _chain == other._chain && _key == other._key;

    /// <summary>Certificate, key and chain, ready for handshakes; throws where they are unreadable or do not belong together.</summary>
    [SuppressMessage("Reliability", "CA2000", Justification = "The context keeps the leaf for as long as handshakes use it.")]
    public SslStreamCertificateContext Load()
    {
        try
        {
            var certificates = new X509Certificate2Collection();
            certificates.ImportFromPem(_chain);
            var leaf = X509Certificate2.CreateFromPem(_chain, _key);

            // Offline: it must not fetch missing chain certificates or revocation answers from the Internet.
            return SslStreamCertificateContext.Create(leaf, certificates, offline: true);
        }
        catch (Exception fault) when (fault is CryptographicException or ArgumentException)
        {
            throw new CertificateException($"the certificate and the key are unreadable or do not belong together: {fault.Message}", fault);
        }
    }
}

/// <summary>The certificate's files cannot be used; the message says why and quotes nothing of the key.</summary>
internal sealed class CertificateException(string message, Exception? inner = null) : Exception(message, inner);
