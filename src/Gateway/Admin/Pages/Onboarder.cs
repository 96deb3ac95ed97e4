using Gateway.Admin.Access;
using Gateway.Onboarding.Devices;
using Gateway.Onboarding.Keys;
using Gateway.Onboarding.Members;
using Gateway.Onboarding.QrCodes;
using Gateway.Onboarding.Store;

namespace Gateway.Admin.Pages;

/// <summary>Carries out an enrolment form: the page with the code, or the form again with what is wrong beside each field.</summary>
internal sealed class Onboarder(Enrolments enrolments, SentForms sent, EnrolViews views, ConsolePages pages, StateWriter writer, Entropy entropy)
{
    public async Task EnrolAsync(HttpContext context, EnrolFormPage.View form)
    {
        // First of all: what the form has made already is no fault of the form.
        if (sent.Begin(form.Once) is (false, var first))
        {
            context.SeeOther(await first is { } made ? $"/devices/{made}/steps" : "/");
            return;
        }

        DeviceId? enrolled = null;
        try
        {
            if (Faults(form) is { } wrong)
            {
                await ShowAsync(context, StatusCodes.Status400BadRequest, wrong);
                return;
            }

            var (view, refusal) = await enrolments.EnrolAsync(RequestOf(form), context.Session().By, CancellationToken.None);
            if (view is null)
            {
                await ShowAsync(context, StatusCodes.Status409Conflict, form with { Refusal = $"{refusal!.What}; {refusal.WayOut}", Once = OnboardingRoutes.Word(entropy) });
                return;
            }

            enrolled = DeviceId.Parse(view.Device.Id, null);
            var once = new EnrolCode.Once(QrCode.Of(view.Config).ToSvg(), view.Config, view.LoginCode);
            await pages.SendAsync<EnrolPage>(context, StatusCodes.Status201Created, views.Page(enrolled.Value, once)!);
        }
        finally
        {
            sent.Finish(form.Once, enrolled);
        }
    }

    private Task ShowAsync(HttpContext context, int status, EnrolFormPage.View form) => pages.SendAsync<EnrolFormPage>(context, status, form);

    private EnrolmentRequest RequestOf(EnrolFormPage.View form)
    {
        var member = form.Member ?? form.Localpart;
        var taken = Localpart.TryParse(member, null, out var localpart)
            ? writer.Current.DevicesOf(localpart).Where(device => device.IsLive).Select(device => device.Name).ToHashSet(StringComparer.Ordinal)
            : [];
        var device = form.Device.Length > 0 ? form.Device : form.System == "desktop" ? DeviceName.Free("laptop", taken.Contains) : null;
        return new(member, device, form.Member is null ? form.Name : null, form.System.Length == 0 ? null : form.System, Adopt: false);
    }

    /// <summary>Null where nothing is wrong with what was typed.</summary>
    private EnrolFormPage.View? Faults(EnrolFormPage.View form)
    {
        var state = writer.Current;
        var known = Localpart.TryParse(form.Member ?? form.Localpart, null, out var localpart);
        var member = known ? state.Members.GetValueOrDefault(localpart) : null;
        var checkedForm = form with
        {
            NameFault = form.Member is null && form.Name.Length is 0 or > 100 ? ConsoleTexts.NameMissing : null,
            LocalpartFault = form.Member is not null ? null
                : !known ? ConsoleTexts.LocalpartWrong
                : localpart.IsReserved ? ConsoleTexts.LocalpartReserved
                : member?.State == MemberState.Left ? ConsoleTexts.LocalpartLeft
                : member?.State == MemberState.Active ? ConsoleTexts.LocalpartTaken
                : null,
            DeviceFault = form.Device.Length > 0 && !DeviceName.IsValid(form.Device) ? ConsoleTexts.DeviceNameWrong
                : member is not null && state.DevicesOf(localpart).Any(device => device.IsLive && device.Name == form.Device) ? ConsoleTexts.DeviceNameTaken
                : null,
        };
        return checkedForm is { NameFault: null, LocalpartFault: null, DeviceFault: null } ? null : checkedForm;
    }
}
