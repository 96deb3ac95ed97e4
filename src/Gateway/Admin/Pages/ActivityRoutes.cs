using System.Globalization;
using Gateway.Onboarding.Audit;

namespace Gateway.Admin.Pages;

/// <summary>The audit, newest first, page by page.</summary>
internal static class ActivityRoutes
{
    private const int PageSize = 50;

    public static void MapActivity(this IEndpointRouteBuilder signedIn) => signedIn.MapGet("/activity", ShowAsync);

    /// <summary>A page begins below the entry <paramref name="before"/>: what is written meanwhile moves nothing.</summary>
    private static Task ShowAsync(HttpContext context, string? device, string? before, string? check, ConsolePages pages, AuditLog audit)
    {
        var word = device?.Trim() ?? "";
        var from = long.TryParse(before, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : long.MaxValue;
        var found = audit.Read()
            .Where(entry => entry.Number < from && (word.Length == 0 || entry.Device == word || entry.DeviceId == word))
            .OrderByDescending(entry => entry.Number)
            .Take(PageSize + 1)
            .Select(entry => new ActivityPage.Entry(entry.Number, entry.At, entry.Action, entry.Member, entry.Device, entry.DeviceId, entry.Detail))
            .ToList();
        return pages.SendAsync<ActivityPage>(context, view: new ActivityPage.View
        {
            Device = word,
            Entries = [.. found.Take(PageSize)],
            Older = found.Count > PageSize ? $"/activity?before={found[PageSize - 1].Number}{(word.Length == 0 ? "" : $"&device={Uri.EscapeDataString(word)}")}" : null,
            IsOlder = from != long.MaxValue,
            Check = check == "yes" ? Check(audit) : null,
        });
    }

    private static ActivityPage.CheckResult Check(AuditLog audit)
    {
        var check = audit.Verify(headLine: null);
        return new(check.Fault is null, check.Entries, check.Fault?.Number ?? 0, check.Gaps.Count);
    }
}
