using System.Security.Cryptography;

namespace Gateway.Backups;

/// <summary>Copies a stream to its end, and says how long it was and its SHA-256 in hexadecimal.</summary>
internal static class DigestedCopy
{
    public static async Task<(long Size, string Sha256)> MakeAsync(Stream from, Stream to, CancellationToken cancellationToken)
    {
        using var digest = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = new byte[128 * 1024];
        var size = 0L;
        while (await from.ReadAsync(buffer, cancellationToken) is > 0 and var read)
        {
            digest.AppendData(buffer, 0, read);
            await to.WriteAsync(buffer.AsMemory(0, read), cancellationToken);
            size += read;
        }

        return (size, Convert.ToHexStringLower(digest.GetCurrentHash()));
    }
}
