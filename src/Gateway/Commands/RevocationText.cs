using Gateway.Admin;

namespace Gateway.Commands;

/// <summary>A revocation's steps in words: "cut off: 3 ms", "erase order delivered: waiting, for the phone".</summary>
internal static class RevocationText
{
    public static bool IsOpen(RevocationView? revocation) => revocation?.Steps.Any(IsOpen) ?? false;

    /// <summary>Not done, and not needless either.</summary>
    public static bool IsOpen(StepView step) => step.State is not ("done" or "skipped");

    public static IEnumerable<string> Steps(RevocationView revocation) => revocation.Steps.Select(step => Step(step, revocation.RequestedAt));

    public static string Step(StepView step, DateTimeOffset requestedAt)
    {
        var state = step switch
        {
            { State: "done", At: { } at } => Terminal.Span(at - requestedAt),
            { State: "skipped" } => "not needed",
            _ => step.State,
        };
        return $"{Name(step.Name)}: {state}{(step.Detail is { Length: > 0 } detail ? $" ({detail})" : "")}";
    }

    private static string Name(string step) => step switch
    {
        "blocked" => "cut off",
        "requests-cut" => "open requests ended",
        "peer" => "peer removed",
        "matrix-sessions" => "Matrix sessions deleted",
        "erase-order" => "erase order delivered",
        _ => step,
    };
}
