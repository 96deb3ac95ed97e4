namespace Gateway.Onboarding;

/// <summary>Why an operation was refused, as far as the caller must tell the cases apart.</summary>
public enum RefusalKind
{
    /// <summary>Something that is needed does not work now; the same call may succeed later.</summary>
    Unavailable = 0,

    /// <summary>What was asked for cannot be meant.</summary>
    Invalid,

    /// <summary>There is no such thing.</summary>
    NotFound,

    /// <summary>It clashes with what is there.</summary>
    Conflict,
}

/// <summary>A refusal in words for the admin: <see cref="What"/> names the item, <see cref="WayOut"/> says what to do. Nothing was changed.</summary>
public sealed record Refusal(RefusalKind Kind, string What, string WayOut)
{
    /// <summary>A new code would be as good for whoever has the copy.</summary>
    public static Refusal KeyCopied(string device) => new(
        RefusalKind.Conflict,
        $"the key of {device} is in use on two phones at once, so it may not sign in again",
        $"gateway revoke {device}, then enrol it anew: the new QR for the member's own eyes");
}
