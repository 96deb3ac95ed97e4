using System.Globalization;
using Gateway.Onboarding.Devices;
using Gateway.Onboarding.Store;

namespace Gateway.Admin.Pages;

/// <summary>An onboarding under way: its page without the secrets, and its stream.</summary>
internal static class EnrolStepsRoutes
{
    public static void Map(IEndpointRouteBuilder signedIn)
    {
        signedIn.MapGet("/devices/{id}/steps", ShowAsync);
        signedIn.MapGet("/live/devices/{id}/steps", FollowAsync);
    }

    private static Task ShowAsync(HttpContext context, string id, ConsolePages pages, EnrolViews views) =>
        DeviceId.TryParse(id, CultureInfo.InvariantCulture, out var device) && views.Page(device) is { } page
            ? pages.SendAsync<EnrolPage>(context, view: page)
            : pages.SayAsync(context, StatusCodes.Status404NotFound, ConsoleTexts.CodeOverTitle, ConsoleTexts.EnrolmentGone);

    private static Task FollowAsync(HttpContext context, string id, ConsolePages pages, EnrolViews views, StateWriter writer, LiveStream stream)
    {
        if (!DeviceId.TryParse(id, CultureInfo.InvariantCulture, out var device) || writer.Current.Devices.GetValueOrDefault(device) is not { } shown)
        {
            return pages.NotThereAsync(context);
        }

        var frame = pages.FrameOf(context);
        var sent = new PartsSent();
        return stream.SendAsync(context, (changes, _) => PartsAsync(changes));

        async IAsyncEnumerable<Patch> PartsAsync(Changes changes)
        {
            if (!changes.Concern(shown.Member))
            {
                yield break;
            }

            var now = writer.Current.Devices.GetValueOrDefault(device);
            var steps = new Patch("enrol-steps", await pages.RenderAsync<EnrolSteps>(frame, views.Steps(now ?? shown, now is not null)));
            if (!sent.IsNew(steps))
            {
                yield break;
            }

            yield return steps;

            // As long as the code is to be scanned only the page itself has it.
            var code = views.Code(now ?? shown, now is not null);
            if (code.Step != EnrolSteps.Step.Scan)
            {
                yield return new Patch("enrol-code", await pages.RenderAsync<EnrolCode>(frame, code));
            }
        }
    }
}
