using Gateway.Admin.Pages;
using Gateway.Diagnosis;
using Gateway.Tests.Testing;

namespace Gateway.Tests.Admin;

/// <summary>The doctor in the console.</summary>
public sealed class DoctorPageTests
{
    [Fact]
    public async Task A_press_of_the_button_shows_what_was_found_in_the_admins_language()
    {
        await using var gateway = await TestGateway.StartAsync();
        using var browser = ConsoleBrowser.SignedIn(gateway, "fr");
        await browser.OpenAsync("/health");
        Assert.Contains("Examiner maintenant", browser.Page, StringComparison.Ordinal);
        using var stream = await LiveEvents.FollowAsync(gateway, browser);

        await browser.SubmitAsync("/health/doctor");
        var card = await stream.NextAsync("doctor");
        while (!card.Contains("Look again", StringComparison.Ordinal))
        {
            card = await stream.NextAsync("doctor");
        }

        await browser.OpenAsync("/health");

        Assert.Contains("<b>Certificate’s authority</b>", card, StringComparison.Ordinal);
        Assert.Contains("<b>Autorité du certificat</b>", browser.Page, StringComparison.Ordinal);
        Assert.Contains("Prenez un certificat public", browser.Page, StringComparison.Ordinal);
        Assert.Contains("by an authority that phones do not come with", browser.Page, StringComparison.Ordinal);
        Assert.Contains("Aucune révocation n’est bloquée.", browser.Page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_page_waits_for_nothing_and_shows_how_far_it_is()
    {
        var (begun, goOn) = (new TaskCompletionSource(), new TaskCompletionSource());
        await using var gateway = await TestGateway.StartAsync();
        using var browser = ConsoleBrowser.SignedIn(gateway);
        await browser.OpenAsync("/health");
        gateway.Homeserver.Interfere = async context =>
        {
            if (context.Request.Path.Value!.EndsWith("/publicRooms", StringComparison.Ordinal))
            {
                begun.TrySetResult();
                await goOn.Task;
            }

            return false;
        };

        await browser.SubmitAsync("/health/doctor");
        await begun.Task.WaitAsync(TimeSpan.FromSeconds(10));
        await browser.OpenAsync("/health");
        Assert.Contains("<progress", browser.Page, StringComparison.Ordinal);
        Assert.DoesNotContain("action=\"/health/doctor\"", browser.Page, StringComparison.Ordinal);

        // Whoever presses meanwhile gets the same one.
        var examination = gateway.Service<Examination>();
        examination.Begin();
        goOn.SetResult();
        await Eventually.Is(() => !examination.State.IsRunning, TimeSpan.FromSeconds(20));

        Assert.Equal(examination.State.Checks, examination.State.Looked);
        Assert.Contains("Look again", (await browser.OpenAsync("/health")).Page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_form_that_is_not_the_sessions_own_examines_nothing()
    {
        await using var gateway = await TestGateway.StartAsync();
        using var browser = ConsoleBrowser.SignedIn(gateway);

        await browser.OpenAsync("/access/code");
        using var request = new HttpRequestMessage(HttpMethod.Post, "/health/doctor") { Content = new FormUrlEncodedContent([new("token", "x")]) };
        request.Headers.Add("Origin", browser.Origin);
        await browser.SendAsync(request);

        Assert.Equal(System.Net.HttpStatusCode.Forbidden, browser.Last.StatusCode);
        Assert.Null(gateway.Service<Examination>().State.At);
        Assert.False(gateway.Service<Examination>().State.IsRunning);
    }

    [Fact]
    public async Task What_nobody_has_words_for_is_shown_in_the_doctors_own_and_the_worst_comes_first()
    {
        await using var gateway = await TestGateway.StartAsync();
        var state = new ExaminationState(IsRunning: false, 4, 4, [
            Finding.Ok("firewall", "loaded"), Finding.Warning("weather", "nobody has looked out of the window", "gateway window"), Finding.Unknown("clock", "it hid"), Finding.Fault("backup <b>", "none", "gateway backup")], gateway.Clock.GetUtcNow());
        var frame = gateway.Service<ConsolePages>().FrameOf(new Microsoft.AspNetCore.Http.DefaultHttpContext());

        var card = System.Net.WebUtility.HtmlDecode(await gateway.Service<ConsolePages>().RenderAsync<DoctorCard>(frame, DoctorWords.Of(state)));

        Assert.Contains("<b lang=\"en\">weather</b>", card, StringComparison.Ordinal);
        Assert.Contains("nobody has looked out of the window<br>→ gateway window", card, StringComparison.Ordinal);
        Assert.Contains("It could not be looked at.", card, StringComparison.Ordinal);
        Assert.Contains("To look at: 3.", card, StringComparison.Ordinal);
        string[] order = ["backup <b>", "<b>Clock</b>", "weather", "<b>Firewall</b>"];
        Assert.Equal(order, order.OrderBy(word => card.IndexOf(word, StringComparison.Ordinal)));
    }

    [Fact]
    public async Task There_are_words_for_every_check_that_is_there()
    {
        await using var gateway = await TestGateway.StartAsync();

        var findings = await gateway.Service<Doctor>().ExamineAsync(default);

        // Without an account of its own, as here, one finding stands for three.
        Assert.Contains("messages", findings.Select(finding => finding.Name));
        string[] others = ["encryption", "retention", "purge"];
        Assert.Equal(findings.Select(finding => finding.Name).Concat(others).Order(StringComparer.Ordinal), DoctorWords.Known.Order(StringComparer.Ordinal));
    }
}
