namespace Gateway.Admin.Access;

/// <summary>Where a page may lead back to: a path of the console, and nowhere else.</summary>
internal static class LocalPath
{
    public const string Start = "/";

    /// <summary>The path, or the start where it is none. Browsers take a backslash for a slash, and two slashes for another host.</summary>
    public static string Of(string? wished) =>
        wished is ['/', ..] and not ['/', '/' or '\\', ..] && wished.Length <= 512 && wished.All(letter => letter is > ' ' and < '\x7f' and not '\\') ? wished : Start;
}
