using Microsoft.Extensions.Options;

namespace Gateway.Listening;

/// <summary>The <c>Certificate</c> section: PEM files, the leaf first and then its chain, and the leaf's key; one file may hold it all.</summary>
internal sealed class CertificateOptions
{
    public string Path { get; set; } = "";

    public string KeyPath { get; set; } = "";
}

/// <summary>Tries the very files at start, so that a wrong pair is a configuration fault and not a refused handshake.</summary>
internal sealed class CertificateOptionsValidator : IValidateOptions<CertificateOptions>
{
    public ValidateOptionsResult Validate(string? name, CertificateOptions options)
    {
        string?[] faults =
        [
            FileFault("Certificate:Path", options.Path, "the PEM file with the certificate and its chain"),
            FileFault("Certificate:KeyPath", options.KeyPath, "the PEM file with its private key"),
        ];
        var found = faults.OfType<string>().ToList();
        if (found.Count == 0 && PairFault(options) is { } fault)
        {
            found.Add(fault);
        }

        return found.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(found);
    }

    private static string? FileFault(string key, string path, string wanted)
    {
        if (path.Length == 0)
        {
            return $"{key} is missing: give {wanted}";
        }

        try
        {
            File.OpenHandle(path).Dispose();
            return null;
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            return $"{key} cannot be read: {fault.Message} Give {wanted}, readable for the gateway's user";
        }
    }

    private static string? PairFault(CertificateOptions options)
    {
        try
        {
            PemPair.Read(options).Load();
            return null;
        }
        catch (CertificateException fault)
        {
            return $"Certificate:Path and Certificate:KeyPath: {fault.Message}";
        }
    }
}
