using System.Net;
using System.Net.Http.Headers;

namespace Gateway.EndToEnd.Lab;

/// <summary>
/// The pages of a sign-in as they go over the wire, for clients whose browser is not the point: follows what the page says
/// and keeps its cookie, nothing more.
/// </summary>
public sealed class SignInPages(Phone phone)
{
    private string cookie = "";
    private string page = "";
    private string place = "";

    /// <summary>Opens the page, taps "Sign in", and returns the number that it shows.</summary>
    public async Task<int> StartAsync(string address)
    {
        await SendAsync(HttpMethod.Get, address);
        await TapAsync("start");
        return int.Parse(Part("id=\"number\">", '<'), System.Globalization.CultureInfo.InvariantCulture);
    }

    /// <summary>Types the login code instead.</summary>
    public Task TypeAsync(string code) => TapAsync("code", code);

    /// <summary>Where the page leads the app back to.</summary>
    public async Task<string> WayBackAsync()
    {
        await SendAsync(HttpMethod.Get, place);
        return Part("id=\"continue\" href=\"");
    }

    private async Task TapAsync(string button, string? code = null)
    {
        place = Part("action=\"");
        await SendAsync(HttpMethod.Post, place, new FormUrlEncodedContent(
        [
            new("token", Part("name=\"token\" value=\"")),
            new("do", button),
            .. code is null ? Array.Empty<KeyValuePair<string, string>>() : [new("code", code)],
        ]));
    }

    private async Task SendAsync(HttpMethod method, string address, HttpContent? form = null)
    {
        using var request = new HttpRequestMessage(method, address) { Content = form };
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("text/html"));
        if (cookie.Length > 0)
        {
            request.Headers.Add("Cookie", cookie);
        }

        using var answer = await phone.Http.SendAsync(request);
        if (answer.Headers.TryGetValues("Set-Cookie", out var cookies))
        {
            cookie = cookies.Single().Split(';')[0];
        }

        if (answer.StatusCode == HttpStatusCode.SeeOther)
        {
            await SendAsync(HttpMethod.Get, answer.Headers.Location!.ToString());
            return;
        }

        page = await answer.Content.ReadAsStringAsync();
    }

    /// <summary>The value of an attribute, or the text of an element, that starts after <paramref name="before"/>.</summary>
    private string Part(string before, char end = '"')
    {
        var start = page.IndexOf(before, StringComparison.Ordinal);
        return start < 0
            ? throw new InvalidOperationException($"the page has no {before}: {page}")
            : WebUtility.HtmlDecode(page[(start + before.Length)..page.IndexOf(end, start + before.Length)]);
    }
}
