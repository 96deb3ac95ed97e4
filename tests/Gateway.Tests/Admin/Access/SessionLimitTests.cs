using System.Net;
using Gateway.Admin.Access;
using Gateway.Listening;
using Gateway.Tests.Testing;

namespace Gateway.Tests.Admin.Access;

/// <summary>When a session of the console ends by itself.</summary>
public sealed class SessionLimitTests
{
    [Fact]
    public async Task A_session_ends_after_half_an_hour_without_a_request()
    {
        await using var gateway = await TestGateway.StartAsync();
        using var used = ConsoleBrowser.SignedIn(gateway);
        using var idle = ConsoleBrowser.SignedIn(gateway);

        gateway.Clock.Advance(ConsoleSession.Idle - TimeSpan.FromSeconds(1));
        var seen = (await used.OpenAsync("/")).Last.StatusCode;
        gateway.Clock.Advance(TimeSpan.FromSeconds(1));

        Assert.Equal(TimeSpan.FromMinutes(30), ConsoleSession.Idle);
        Assert.Equal(HttpStatusCode.OK, seen);
        Assert.Equal(HttpStatusCode.OK, (await used.OpenAsync("/")).Last.StatusCode);
        Assert.Equal(HttpStatusCode.SeeOther, (await idle.OpenAsync("/")).Last.StatusCode);
    }

    [Fact]
    public async Task A_session_ends_after_twelve_hours_however_much_it_is_used()
    {
        await using var gateway = await TestGateway.StartAsync();
        using var browser = ConsoleBrowser.SignedIn(gateway);

        for (var minutes = 0; minutes < (12 * 60) - 20; minutes += 20)
        {
            gateway.Clock.Advance(TimeSpan.FromMinutes(20));
            Assert.Equal(HttpStatusCode.OK, (await browser.OpenAsync("/")).Last.StatusCode);
        }

        gateway.Clock.Advance(TimeSpan.FromMinutes(20));

        Assert.Equal(HttpStatusCode.SeeOther, (await browser.OpenAsync("/")).Last.StatusCode);
    }

    [Fact]
    public async Task A_stream_keeps_no_session_alive_and_ends_with_it()
    {
        await using var gateway = await TestGateway.StartAsync();
        using var browser = await ConsoleBrowser.SignedIn(gateway).OpenAsync("/");
        using var stream = await LiveEvents.FollowAsync(gateway, browser);
        gateway.Clock.Advance(ConsoleSession.Idle - TimeSpan.FromMinutes(1));
        using var again = await LiveEvents.FollowAsync(gateway, browser);

        gateway.Clock.Advance(TimeSpan.FromMinutes(1));
        using var late = await LiveEvents.FollowAsync(gateway, browser);

        Assert.Equal(HttpStatusCode.OK, again.Status);
        Assert.Equal(HttpStatusCode.Unauthorized, late.Status);
        await stream.EndAsync();
        await again.EndAsync();
    }

    [Fact]
    public async Task Of_more_than_sixteen_sessions_the_oldest_ends()
    {
        await using var gateway = await TestGateway.StartAsync();
        var sessions = gateway.Service<ConsoleSessions>();
        var all = Enumerable.Range(0, 17).Select(_ => sessions.Open(Plane.LocalConsole, device: null, "test")).ToList();

        Assert.Equal(16, sessions.All().Count);
        Assert.Null(sessions.Find(all[0].Secret, Plane.LocalConsole, device: null));
        Assert.True(all[0].Session.Over.IsCancellationRequested);
        Assert.All(all[1..], one => Assert.Same(one.Session, sessions.Find(one.Secret, Plane.LocalConsole, device: null)));
    }
}
