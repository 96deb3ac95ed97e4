namespace Gateway.Onboarding.Audit;

/// <summary>Section <c>Audit</c> of the configuration.</summary>
public sealed class AuditOptions
{
    private const double Longest = 36500;

    /// <summary>Days that an entry is kept; 0: for ever.</summary>
    public double RetentionDays { get; set; } = 365;

    public IEnumerable<string> Faults()
    {
        if (RetentionDays is not (0 or (>= 1 and <= Longest)))
        {
            yield return $"Audit:RetentionDays is {RetentionDays}: give a number of days from 1 to {Longest}, or 0 to keep everything";
        }
    }
}
