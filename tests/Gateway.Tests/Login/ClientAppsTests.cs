using Gateway.Login;
using Gateway.Onboarding.LoginGrants;
using Microsoft.Extensions.Configuration;

namespace Gateway.Tests.Login;

public sealed class ClientAppsTests
{
    private static readonly ClientApps Apps = new(new LoginOptions { RedirectUrls = ["https://web.example/element/?a=b", "https://group.example/"] });

    [Theory]
    [InlineData("io.element.android:/", "Element X")]
    [InlineData("https://element.io/oauth/ios/io.element.elementx", "Element X")]
    [InlineData("element://connect", "Element Classic")]
    [InlineData("element://connect?transaction_id=a%2Fb", "Element Classic")]
    [InlineData("element://vector/webapp/?element-desktop-ssoid=x&no_universal_links=true", "Element Desktop")]
    [InlineData("io.element.desktop:/vector/webapp/", "Element Desktop")]
    [InlineData("im.fluffychat.auth:/login", "FluffyChat")]
    [InlineData("https://web.example/element/?a=b", "web.example")]
    // Element Web says so of its own address when it signs in by OAuth: no native app shall take it.
    [InlineData("https://web.example/element/?a=b&no_universal_links=true", "web.example")]
    [InlineData("https://group.example/?no_universal_links=true", "group.example")]
    public void An_app_of_the_list_is_named(string address, string name) =>
        Assert.Equal(name, Apps.Find(address, system: null)?.Name);

    [Theory]
    [InlineData("http://127.0.0.1:49152/callback?x=y", "desktop", true)]
    [InlineData("http://localhost/", "desktop", true)]
    [InlineData("http://[::1]:3001/login", "desktop", true)]
    [InlineData("http://localhost:3001/login", "android", false)]
    [InlineData("http://localhost:3001/login", "ios", false)]
    [InlineData("http://localhost:3001/login", null, false)]
    [InlineData("https://localhost:3001/login", "desktop", false)]
    [InlineData("http://localhost.evil.example/", "desktop", false)]
    [InlineData("http://127.0.0.2/", "desktop", false)]
    [InlineData("http://2130706433/", "desktop", false)]
    [InlineData("http://0x7f.1/", "desktop", false)]
    [InlineData("http://user@localhost/", "desktop", false)]
    [InlineData("http://localhost@evil.example/", "desktop", false)]
    [InlineData("http:localhost", "desktop", false)]
    [InlineData("http:///localhost/", "desktop", false)]
    public void Loopback_is_for_computers(string address, string? system, bool allowed) =>
        Assert.Equal(allowed, Apps.Find(address, system) is not null);

    [Theory]
    [InlineData("io.element.android:/evil")]
    [InlineData("io.element.android://evil.example/")]
    [InlineData("IO.ELEMENT.ANDROID:/")]
    [InlineData("element://connect/")]
    [InlineData("element://connect?loginToken=mine")]
    [InlineData("element://connect#x")]
    [InlineData("element://connect\\evil")]
    [InlineData("https://web.example/element/")]
    [InlineData("https://web.example/element/?a=b&c")]
    [InlineData("https://web.example/element/?a=b?no_universal_links=true")]
    [InlineData("https://group.example/&no_universal_links=true")]
    [InlineData("https://group.example/?no_universal_links=true&no_universal_links=true")]
    [InlineData("https://group.example/?no_universal_links=false")]
    [InlineData("https://web.example.evil/element/?a=b")]
    [InlineData("https://element.io/oauth/ios/io.element.elementx/")]
    [InlineData("https://element.io:444/oauth/ios/io.element.elementx")]
    [InlineData("javascript:alert(1)")]
    [InlineData("data:text/html,x")]
    [InlineData("im.fluffychat.auth:/login\n")]
    [InlineData(" element://connect")]
    [InlineData("")]
    [InlineData(null)]
    public void Nothing_else_is(string? address) => Assert.Null(Apps.Find(address, "desktop"));

    [Theory]
    [InlineData("https://web.example/", null)]
    [InlineData("http://web.example/", "Login:RedirectUrls has 'http://web.example/'")]
    [InlineData("https://web.example", "Login:RedirectUrls has 'https://web.example'")]
    [InlineData("https://web.example/#x", "Login:RedirectUrls has 'https://web.example/#x'")]
    [InlineData("https://user@web.example/", "Login:RedirectUrls has 'https://user@web.example/'")]
    [InlineData("https://bücher.example/", "Login:RedirectUrls has 'https://bücher.example/'")]
    [InlineData("*", "Login:RedirectUrls has '*'")]
    public void A_configured_address_is_one_exact_place(string address, string? fault)
    {
        var (_, faults) = Settings.Check(new ConfigurationBuilder()
            .AddInMemoryCollection(new Dictionary<string, string?> { ["Login:RedirectUrls:0"] = address })
            .Build());
        var found = faults.SingleOrDefault(one => one.StartsWith("Login:", StringComparison.Ordinal));
        Assert.Equal(fault is null, found is null);
        Assert.StartsWith(fault ?? "", found ?? "", StringComparison.Ordinal);
    }
}
