using Gateway.Admin;

namespace Gateway.Diagnosis;

/// <summary>The doctor on the admin's socket.</summary>
internal static class DoctorReport
{
    public static void MapDoctor(this IEndpointRouteBuilder routes) => routes.MapGet(AdminRoutes.Doctor, ExamineAsync);

    private static async Task<IReadOnlyList<FindingView>> ExamineAsync(Doctor doctor, CancellationToken cancellationToken) =>
        [.. (await doctor.ExamineAsync(cancellationToken)).Select(finding =>
            new FindingView(finding.Name, finding.Verdict.ToString().ToLowerInvariant(), finding.Detail, finding.WayOut))];
}
