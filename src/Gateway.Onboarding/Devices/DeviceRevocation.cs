using System.Collections.Immutable;

namespace Gateway.Onboarding.Devices;

/// <summary>The steps of a revocation, in order. The names are stable: the admin's JSON and the tests' fail points use them.</summary>
public static class StepName
{
    public const string Blocked = "blocked";
    public const string RequestsCut = "requests-cut";
    public const string Peer = "peer";
    public const string MatrixSessions = "matrix-sessions";
    public const string EraseOrder = "erase-order";
}

/// <summary>Zero claims nothing.</summary>
public enum StepState
{
    Waiting = 0,
    Retrying,
    Done,
    Skipped,
    Expired,
}

/// <summary>One step: where it stands, since when, and in words for the admin what it waits for or why it is tried again.</summary>
public sealed record RevocationStep(string Name, StepState State, DateTimeOffset At, string? Detail)
{
    public bool IsOpen => State is StepState.Waiting or StepState.Retrying;
}

/// <summary>How a device ends, step by step. <see cref="Cut"/>: without waiting for the phone to be told.</summary>
public sealed record DeviceRevocation
{
    public required DateTimeOffset RequestedAt { get; init; }

    public required string RequestedBy { get; init; }

    public required bool Cut { get; init; }

    public required ImmutableArray<RevocationStep> Steps { get; init; }

    public bool IsFinished => !Steps.Any(step => step.IsOpen);

    public RevocationStep this[string name] => Steps.First(step => step.Name == name);

    public DeviceRevocation With(RevocationStep step) =>
        this with { Steps = [.. Steps.Select(old => old.Name == step.Name ? step : old)] };
}
