using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text.RegularExpressions;

namespace Gateway.EndToEnd.Lab;

/// <summary>
/// The phone's browser while its member signs in: one window that keeps its cookie, follows the server's redirects, presses
/// the page's buttons and sends the headers by which a server tells a person's window from a script. Runs no script.
/// </summary>
public sealed partial class PlainBrowser(Phone phone, string language = "en")
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private string? cookie;
    private string page = "";
    private Uri at = new($"https://{GatewayHost.ServerName}/");

    /// <summary>The page's heading.</summary>
    public string Title => WebUtility.HtmlDecode(TitlePattern().Match(page).Groups["it"].Value);

    /// <summary>What the page says in all, for a failure's message.</summary>
    public string Page => page;

    /// <summary>The number that the member reads to the admin.</summary>
    public string Number => NumberPattern().Match(page).Groups["it"].Value;

    /// <summary>Where the page leads back to, or null while it does not.</summary>
    public string? WayBack => ContinuePattern().Match(page) is { Success: true } match ? WebUtility.HtmlDecode(match.Groups["it"].Value) : null;

    /// <summary>An app opens this address, as a link that came from nowhere on the web.</summary>
    public Task OpenAsync(string address) => GoAsync(HttpMethod.Get, address, "none");

    public Task PressAsync(string button) =>
        GoAsync(HttpMethod.Post, ActionPattern().Match(page).Groups["it"].Value, "same-origin", new FormUrlEncodedContent(
        [
            KeyValuePair.Create("token", TokenPattern().Match(page).Groups["it"].Value),
            KeyValuePair.Create("do", button),
        ]));

    /// <summary>Reloads, as the page asks, until it leads back to the app.</summary>
    public Task<string> WaitForWayBackAsync() => Until.ValueAsync(
        "the page leads back to the app",
        Patience,
        async () =>
        {
            await GoAsync(HttpMethod.Get, at.ToString(), "same-origin");
            return WayBack!;
        },
        back => back is not null);

    /// <summary>The whole visit with the admin at hand: tap, compare the number, approve on the command line, go back.</summary>
    public async Task<string> SignInAsync(string address, GatewayHost gateway, string device)
    {
        await OpenAsync(address);
        await PressAsync("start");
        Assert.True(int.TryParse(Number, NumberStyles.None, CultureInfo.InvariantCulture, out _), page);
        (await gateway.RunAsync("approve", device, "--number", Number)).Expect();
        return await WaitForWayBackAsync();
    }

    private async Task GoAsync(HttpMethod method, string address, string site, HttpContent? form = null)
    {
        using var request = new HttpRequestMessage(method, new Uri(at, address)) { Version = HttpVersion.Version20, Content = form };
        request.Headers.AcceptLanguage.Add(new StringWithQualityHeaderValue(language));
        request.Headers.Add("Sec-Fetch-Mode", "navigate");
        request.Headers.Add("Sec-Fetch-Dest", "document");
        request.Headers.Add("Sec-Fetch-Site", site);
        if (form is not null)
        {
            request.Headers.Add("Origin", "null");
        }

        if (cookie is not null)
        {
            request.Headers.Add("Cookie", cookie);
        }

        using var answer = await phone.Http.SendAsync(request);
        if (answer.Headers.TryGetValues("Set-Cookie", out var cookies))
        {
            cookie = cookies.Single().Split(';')[0];
        }

        at = request.RequestUri!;
        if (answer.StatusCode == HttpStatusCode.SeeOther)
        {
            await GoAsync(HttpMethod.Get, answer.Headers.Location!.OriginalString, site);
            return;
        }

        page = await answer.Content.ReadAsStringAsync();
        if (ActionPattern().Match(page) is { Success: true } action)
        {
            at = new Uri(at, action.Groups["it"].Value);
        }
    }

    [GeneratedRegex("<h1>(?<it>.*?)</h1>", RegexOptions.None, 1000)]
    private static partial Regex TitlePattern();

    [GeneratedRegex("id=\"number\">(?<it>\\d\\d)<", RegexOptions.None, 1000)]
    private static partial Regex NumberPattern();

    [GeneratedRegex("id=\"continue\" href=\"(?<it>[^\"]*)\"", RegexOptions.None, 1000)]
    private static partial Regex ContinuePattern();

    [GeneratedRegex("action=\"(?<it>[^\"]*)\"", RegexOptions.None, 1000)]
    private static partial Regex ActionPattern();

    [GeneratedRegex("name=\"token\" value=\"(?<it>[^\"]*)\"", RegexOptions.None, 1000)]
    private static partial Regex TokenPattern();
}
