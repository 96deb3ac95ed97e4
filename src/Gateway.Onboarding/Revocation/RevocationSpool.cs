using System.Text.Json;
using Gateway.Onboarding.Store;
using Microsoft.Extensions.Logging;

namespace Gateway.Onboarding.Revocation;

/// <summary>A revocation that the command line left for a gateway that did not answer: of a device, or of a member who leaves.</summary>
public sealed record SpooledRevocation(string? Device, string? Member, bool Cut, bool Erase, DateTimeOffset At);

/// <summary>
/// Revocations that wait in the data directory, each a synced file. They are applied before any listener opens, and every
/// few seconds, since a gateway that did not answer may be alive. A file goes once its revocation is stored.
/// </summary>
public sealed partial class RevocationSpool(string directory, Revoker revoker, ILogger<RevocationSpool> log)
{
    private const string Pattern = "spool-*.json";
    private const string By = "admin, while the gateway did not answer";
    private const int MaxLength = 4096;

    /// <summary>On the disk when it returns. Throws <see cref="IOException"/> or <see cref="UnauthorizedAccessException"/>.</summary>
    public static void Leave(string directory, SpooledRevocation revocation) =>
        LeftFile.Write(directory, $"spool-{Guid.CreateVersion7(revocation.At):N}.json", JsonSerializer.SerializeToUtf8Bytes(revocation));

    public void ApplyAll()
    {
        foreach (var file in Directory.GetFiles(directory, Pattern).Order(StringComparer.Ordinal))
        {
            try
            {
                Apply(file);
            }
            catch (Exception e) when (e is StoreException or IOException or UnauthorizedAccessException)
            {
                // Blocked in memory all the same, where it names a device; it stays and is tried again.
                NotStored(Path.GetFileName(file), e.Message);
            }
        }
    }

    private void Apply(string file)
    {
        var name = Path.GetFileName(file);
        var result = Read(file) switch
        {
            { Device: { } device, Member: null } one => revoker.RevokeDevice(device, one.Cut, By),
            { Device: null, Member: { } member } one => revoker.RevokeMember(member, one.Cut, one.Erase, By),
            _ => new RevokeResult.Refused(new Refusal(RefusalKind.Invalid, "it is no revocation", "")),
        };
        if (result is RevokeResult.Refused(var why))
        {
            // Kept under another name: somebody wanted a device to end, and shall be able to see that it did not.
            Refused(name, why.What);
            File.Move(file, file + ".refused", overwrite: true);
            return;
        }

        File.Delete(file);
        Applied(name);
    }

    private static SpooledRevocation? Read(string file)
    {
        try
        {
            return new FileInfo(file).Length <= MaxLength ? JsonSerializer.Deserialize<SpooledRevocation>(File.ReadAllBytes(file)) : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "The revocation {File}, left while the gateway did not answer, is stored")]
    private partial void Applied(string file);

    [LoggerMessage(Level = LogLevel.Error, Message = "The revocation {File}, left while the gateway did not answer, names nothing to revoke: {Why}. It stands beside as .refused: revoke by hand")]
    private partial void Refused(string file, string why);

    [LoggerMessage(Level = LogLevel.Error, Message = "The revocation {File} could not be stored, and will be tried again: {Why}")]
    private partial void NotStored(string file, string why);
}
