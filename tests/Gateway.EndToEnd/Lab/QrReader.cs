namespace Gateway.EndToEnd.Lab;

/// <summary>Reads a QR code as a phone does: from a picture.</summary>
public static class QrReader
{
    /// <summary>The text of the picture's one QR code; null where none can be read.</summary>
    public static async Task<string?> ReadAsync(string picture)
    {
        var scanned = await Command.RunAsync("zbarimg", "--quiet", "--raw", "-Sdisable", "-Sqrcode.enable", picture);
        // zbarimg ends what it read with a line feed of its own.
        return scanned.ExitCode == 0 ? scanned.Output[..^1] : null;
    }
}
