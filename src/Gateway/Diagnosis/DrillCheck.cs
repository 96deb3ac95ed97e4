using System.Globalization;
using Gateway.Drills;

namespace Gateway.Diagnosis;

/// <summary>Whether a lost phone was played not too long ago, and how that went.</summary>
internal sealed class DrillCheck(GatewayOptions gateway, TimeProvider time) : ICheck
{
    /// <summary>A quarter: long enough for an upgrade or a changed setting to have broken what nobody needed meanwhile.</summary>
    private static readonly TimeSpan TooLongAgo = TimeSpan.FromDays(90);

    private const string WayOut = "sudo gateway drill: it takes seconds, and no member notices";

    public string Name => "drill";

    public Task<IReadOnlyList<Finding>> LookAsync(CancellationToken cancellationToken) => Task.FromResult<IReadOnlyList<Finding>>([Judge(LastDrill.Read(gateway.DataDirectory))]);

    private Finding Judge(LastDrill? last) => last switch
    {
        { FailedAt: { } failedAt, Failure: var failure } => Finding.Fault(Name, $"the last one failed, {Ago(failedAt)}: {failure}", "sudo gateway drill plays it again and says each step"),
        { At: { } at } when time.GetUtcNow() - at > TooLongAgo => Finding.Warning(Name, $"a lost phone was last played {Ago(at)}", WayOut),
        { At: { } at } => Finding.Ok(Name, $"a lost phone was played {Ago(at)}, and lost everything"),
        _ => Finding.Warning(Name, "a lost phone was never played", WayOut),
    };

    private string Ago(DateTimeOffset at) => (time.GetUtcNow() - at).TotalDays is var days and >= 2 ? $"{Whole(days)} days ago" : $"{Whole((time.GetUtcNow() - at).TotalHours)} h ago";

    private static string Whole(double number) => Math.Floor(number).ToString(CultureInfo.InvariantCulture);
}
