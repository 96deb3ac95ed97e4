using System.Net;

namespace Gateway.Drills;

/// <summary>What each answer to a lost phone means: in words where it is as it should be, a <see cref="DrillException"/> where something stayed open.</summary>
internal static class DrillJudge
{
    /// <summary>
    /// The open request. It must have been open until the word was given, and not have been answered since: the homeserver tells every
    /// session of the end of another. A cut one may be asked again at once, and is then refused.
    /// </summary>
    public static void OpenRequest(DrillPoll poll, long revokedAt)
    {
        if (poll.Ended < revokedAt)
        {
            throw new DrillException($"it had ended before ({poll.Last?.ToString() ?? "cut"}), so nothing was seen");
        }

        if (poll.Answered > revokedAt)
        {
            throw new DrillException("it was answered after the revocation");
        }

        if (poll.Last is { } answer && !IsEnd(answer))
        {
            throw new DrillException($"it ended with {answer}");
        }
    }

    /// <summary>Also the order to erase: an app that hears this forgets its messages.</summary>
    public static string Token(DrillAnswer answer) =>
        answer.Status == HttpStatusCode.OK ? throw new DrillException("it still opens everything")
        : IsEnd(answer) ? "refused, and the app told to erase its messages"
        : throw new DrillException($"refused with {answer}, which erases nothing");

    public static string Code(DrillAnswer answer) => answer.Status switch
    {
        HttpStatusCode.Forbidden => "the one that lay ready opens nothing",
        HttpStatusCode.OK => throw new DrillException("the one that lay ready still opens a session"),
        _ => throw new DrillException($"the one that lay ready was answered {answer}, not 403"),
    };

    /// <summary>Of the homeserver itself. Null: ask again, the deletion may be under way.</summary>
    public static string? Session(DrillAnswer answer) => answer.Status == HttpStatusCode.Unauthorized ? "gone from the homeserver, which was asked directly" : null;

    private static bool IsEnd(DrillAnswer answer) => answer is { Status: HttpStatusCode.Unauthorized, ErrorCode: "M_UNKNOWN_TOKEN" } && !answer.Flag("soft_logout");
}
