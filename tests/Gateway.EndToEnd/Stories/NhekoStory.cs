using System.Net;
using System.Text.Json;
using Gateway.EndToEnd.Lab;

namespace Gateway.EndToEnd.Stories;

/// <summary>A member with a laptop and a desktop app that none of us wrote: nheko, from Debian, through SSO.</summary>
[Collection(SharedLab.Name)]
public sealed class NhekoStory(TestLab lab) : IAsyncDisposable
{
    public ValueTask DisposeAsync() => lab.EndStoryAsync();

    [Fact]
    public async Task A_desktop_app_signs_in_through_the_browser_and_syncs()
    {
        var enrolment = new Enrolment(await lab.Gateway.JsonAsync("enrol", "yoko", "--device", "laptop", "--os", "desktop"));
        var laptop = await lab.ConnectAsync(enrolment.Config);
        await using var nheko = await Nheko.StartAsync(laptop);
        var before = await lab.Homeserver.RequestsAsync("/_matrix/client/v3/sync");

        var address = await nheko.AskForBrowserAsync(enrolment.MatrixUserId);
        var back = new Uri(await new PlainBrowser(laptop).SignInAsync(address, lab.Gateway, enrolment.DeviceId));

        Assert.Equal("SSO success", await LeadBackAsync(laptop, back));
        var sessions = await Until.ValueAsync("its session", TimeSpan.FromSeconds(20), () => lab.Homeserver.SessionsAsync(enrolment.MatrixUserId), found => found.Count > 0);
        var session = Assert.Single(sessions);
        await Until.ValueAsync("its keys", TimeSpan.FromSeconds(20), () => KeysAsync(enrolment.MatrixUserId), keys => keys.TryGetProperty(session, out _));
        await Until.ValueAsync("its sync", TimeSpan.FromSeconds(20), () => lab.Homeserver.RequestsAsync("/_matrix/client/v3/sync"), count => count > before + 1);
        await nheko.PhotographAsync();
        Assert.Equal("signed-in", (await lab.Gateway.DeviceAsync(enrolment.DeviceId)).GetProperty("state").GetString());
    }

    /// <summary>The browser asks the app itself, which listens on the laptop's loopback. It goes on when the browser has hung up.</summary>
    private static async Task<string> LeadBackAsync(Phone laptop, Uri back)
    {
        using var loopback = NamespaceHttp.Client(laptop.Space, IPAddress.Loopback, back);
        return await loopback.GetStringAsync(back);
    }

    /// <summary>The keys of a member's sessions, as the homeserver has them.</summary>
    private async Task<JsonElement> KeysAsync(string user)
    {
        var query = $$$"""{"device_keys":{"{{{user}}}":[]}}""";
        var answer = await lab.Homeserver.AskAsync(HttpMethod.Post, $"_matrix/client/v3/keys/query?user_id={Uri.EscapeDataString(user)}", query);
        return answer.GetProperty("device_keys").GetProperty(user);
    }
}
