using System.Net;
using System.Reflection;
using Gateway.Admin;
using Gateway.Proxy;
using Gateway.Tests.Login;
using Gateway.Tests.Testing;
using Gateway.Welcome;

namespace Gateway.Tests.Welcome;

/// <summary>What a member sees who opens https://server/ in the tunnel.</summary>
public sealed class WelcomeTests
{
    private const string OnAndroid = "Mozilla/5.0 (Linux; Android 15; Pixel 9) Chrome/140";
    private const string OnIphone = "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Safari/605";

    [Theory]
    [InlineData("fr", "La connexion est établie")]
    [InlineData("en", "You are connected")]
    public async Task It_says_that_the_tunnel_works_and_whose_device_it_is(string language, string title)
    {
        await using var gateway = await TestGateway.StartAsync();
        var (noor, _) = await gateway.Admin.EnrolAsync(new EnrolmentRequest("noor", "phone", "Noor <b>", "android", Adopt: false), default);

        var (reply, page) = await OpenAsync(gateway, noor.Device.TunnelAddress, language, OnAndroid);

        Assert.Equal(HttpStatusCode.OK, reply.StatusCode);
        Assert.Contains($"<h1>{title}</h1>", WebUtility.HtmlDecode(page), StringComparison.Ordinal);
        Assert.Contains("Noor &lt;b&gt;", page, StringComparison.Ordinal);
        Assert.DoesNotContain("Noor <b>", page, StringComparison.Ordinal);
        Assert.Contains("https://mobile.element.io/element/?account_provider=chat.example\"", page, StringComparison.Ordinal);
        Assert.DoesNotContain(noor.LoginCode, page, StringComparison.Ordinal);
        Assert.DoesNotContain("<script", page, StringComparison.Ordinal);
        Assert.StartsWith("default-src 'none'; ", reply.Headers.GetValues("Content-Security-Policy").Single(), StringComparison.Ordinal);
        Assert.Equal("no-referrer", reply.Headers.GetValues("Referrer-Policy").Single());
        Assert.True(reply.Headers.CacheControl!.NoStore);
    }

    [Theory]
    [InlineData("android", OnIphone, ElementApp.FDroid, ElementApp.AppStore)]
    [InlineData(null, OnAndroid, ElementApp.GooglePlay, ElementApp.AppStore)]
    [InlineData(null, OnIphone, ElementApp.AppStore, ElementApp.FDroid)]
    [InlineData("desktop", OnAndroid, ElementApp.Desktop, ElementApp.GooglePlay)]
    public async Task The_shop_is_the_one_of_this_system(string? enrolledFor, string browser, string shop, string otherShop)
    {
        await using var gateway = await TestGateway.StartAsync();
        var noor = await gateway.EnrolAsync("noor", os: enrolledFor);

        var (_, page) = await OpenAsync(gateway, noor.Device.TunnelAddress, "en", browser);

        Assert.Contains(shop, page, StringComparison.Ordinal);
        Assert.DoesNotContain(otherShop, page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_quarantined_a_locked_and_an_unconfirmed_device_learn_nothing()
    {
        await using var gateway = await TestGateway.StartAsync();
        var noor = await gateway.SignInAsync(await gateway.EnrolAsync("noor"));
        noor.Dispose();
        var address = gateway.Device("noor/phone").TunnelAddress.ToString();
        var (_, open) = await OpenAsync(gateway, address, "en", OnAndroid);

        await gateway.Admin.LockAsync(default);
        var (locked, lockedPage) = await OpenAsync(gateway, address, "en", OnAndroid);
        await gateway.Admin.UnlockAsync(null, all: false, default);
        await gateway.Admin.RevokeAsync(new RevocationRequest("noor/phone", null, Cut: false, Erase: false), default);
        var (quarantined, quarantinedPage) = await OpenAsync(gateway, address, "en", OnAndroid);

        Assert.Contains("noor", open, StringComparison.Ordinal);
        Assert.Equal((HttpStatusCode.ServiceUnavailable, HttpStatusCode.ServiceUnavailable), (locked.StatusCode, quarantined.StatusCode));
        Assert.Equal(lockedPage, quarantinedPage);
        Assert.All(["noor", "phone", "chat.example", "Element", "WireGuard"], word => Assert.DoesNotContain(word, quarantinedPage, StringComparison.OrdinalIgnoreCase));
    }

    [Fact]
    public void It_is_there_to_be_read_and_for_nothing_else()
    {
        Assert.Equal(Passage.Welcome, AccessPolicy.Of("GET", "/"));
        Assert.Equal(Passage.Welcome, AccessPolicy.Of("GET", "/?from=phone"));
        Assert.Equal(Passage.WrongMethod, AccessPolicy.Of("POST", "/"));
        Assert.Equal(Passage.None, AccessPolicy.Of("GET", "//"));
    }

    [Fact]
    public void Its_texts_exist_in_both_languages_and_are_set_as_the_language_sets_them()
    {
        var names = typeof(WelcomeTexts).GetFields(BindingFlags.Public | BindingFlags.Static).Where(field => field.IsLiteral).Select(field => (string)field.GetRawConstantValue()!).Order().ToList();
        var (english, french) = (LoginTextTests.Texts(typeof(WelcomeTexts), "en"), LoginTextTests.Texts(typeof(WelcomeTexts), "fr"));

        Assert.Equal(names, english.Keys.Order());
        Assert.Equal(names, french.Keys.Order());
        LoginTextTests.AssertTypography(french, english, longest: 170);
    }

    private static async Task<(HttpResponseMessage Reply, string Page)> OpenAsync(TestGateway gateway, string address, string language, string browser)
    {
        using var phone = gateway.At(address);
        phone.DefaultRequestHeaders.Add("Accept-Language", language);
        phone.DefaultRequestHeaders.TryAddWithoutValidation("User-Agent", browser);
        var reply = await phone.GetAsync("/");
        return (reply, await reply.Content.ReadAsStringAsync());
    }
}
