namespace Gateway.Diagnosis;

/// <summary>How a check came out. Zero: what could not be looked at is never called well.</summary>
internal enum Verdict
{
    Unknown = 0,
    Ok,
    Warning,
    Fault,
}

/// <summary>One line of the doctor's report: what was looked at, how it is, and what to do where it is not as it should be.</summary>
internal sealed record Finding(string Name, Verdict Verdict, string Detail, string? WayOut = null)
{
    public static Finding Ok(string name, string detail) => new(name, Verdict.Ok, detail);

    public static Finding Warning(string name, string detail, string wayOut) => new(name, Verdict.Warning, detail, wayOut);

    public static Finding Fault(string name, string detail, string wayOut) => new(name, Verdict.Fault, detail, wayOut);

    public static Finding Unknown(string name, string detail) => new(name, Verdict.Unknown, detail);
}

/// <summary>Something that the doctor looks at. It leaves nothing changed, and may throw where it cannot see: that is a finding too.</summary>
internal interface ICheck
{
    /// <summary>What its finding is called where it throws.</summary>
    string Name { get; }

    Task<IReadOnlyList<Finding>> LookAsync(CancellationToken cancellationToken);
}
