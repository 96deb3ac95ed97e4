namespace Gateway.Monitoring;

/// <summary>What a request is to the person who waits for it.</summary>
internal enum RequestClass
{
    Other = 0,

    /// <summary>Long polls: the answer comes when there is something to say.</summary>
    Sync,

    /// <summary>A message on its way.</summary>
    Send,

    /// <summary>As long as the file is large.</summary>
    Media,

    /// <summary>Signing in and out, and the pages of it.</summary>
    Login,
}

/// <summary>Names the class of a raw target, whatever stands in it: nothing of it is kept.</summary>
internal static class RequestClasses
{
    private static readonly string[] LoginWords = ["/login", "/logout", "/refresh", "/auth_metadata"];

    public static RequestClass Of(ReadOnlySpan<char> target)
    {
        var query = target.IndexOf('?');
        var path = query < 0 ? target : target[..query];
        if (!path.StartsWith("/_matrix/", StringComparison.Ordinal))
        {
            return path.StartsWith("/sign-in/", StringComparison.Ordinal) || path.StartsWith("/oauth2/", StringComparison.Ordinal) ? RequestClass.Login : RequestClass.Other;
        }

        return path.EndsWith("/sync", StringComparison.Ordinal) ? RequestClass.Sync
            : path.Contains("/media/", StringComparison.Ordinal) ? RequestClass.Media
            : path.Contains("/send/", StringComparison.Ordinal) || path.Contains("/sendToDevice/", StringComparison.Ordinal) ? RequestClass.Send
            : IsLogin(path) ? RequestClass.Login
            : RequestClass.Other;
    }

    private static bool IsLogin(ReadOnlySpan<char> path)
    {
        foreach (var word in LoginWords)
        {
            if (path.Contains(word, StringComparison.Ordinal))
            {
                return true;
            }
        }

        return false;
    }
}
