using System.Net;
using System.Web;
using Gateway.EndToEnd.Lab;

namespace Gateway.EndToEnd.Stories;

/// <summary>
/// The same life with another Matrix library, written by others in another language (matrix-nio): what works in one only
/// by that one's kindness shows here.
/// </summary>
[Collection(SharedLab.Name)]
public sealed class SecondClientStory(TestLab lab) : IAsyncDisposable
{
    private const int OneMegabyte = 1_000_000;

    public ValueTask DisposeAsync() => lab.EndStoryAsync();

    [Fact]
    public async Task Two_libraries_exchange_encrypted_messages()
    {
        var olivia = await lab.SignInAsync("olivia");
        var (pablo, pablosPhone) = await lab.JoinAsync("pablo");
        await using var nio = new NioClient(pablosPhone);
        await nio.LoginAsync("pablo", pablo.LoginCode);
        await nio.StartAsync();
        var room = await nio.CreateRoomAsync(olivia.UserId);
        await olivia.Client.JoinAsync(room);
        await nio.SeeJoinAsync(room, olivia.UserId);
        await olivia.Client.SeeJoinAsync(room, pablo.MatrixUserId);

        await nio.SendAsync(room, "bonjour de Python");
        var heard = await olivia.Client.ReceiveAsync("bonjour de Python");
        await olivia.Client.SendAsync(room, "salut de JavaScript");
        var answered = await nio.ReceiveAsync("salut de JavaScript");

        Assert.Equal(pablo.MatrixUserId, heard.GetProperty("sender").GetString());
        Assert.Equal("m.room.encrypted", heard.GetProperty("sentAs").GetString());
        Assert.Equal(olivia.UserId, answered.GetProperty("sender").GetString());
        Assert.Equal("m.room.encrypted", answered.GetProperty("sentAs").GetString());
    }

    [Fact]
    public async Task Two_members_with_it_talk_list_their_sessions_and_sign_out()
    {
        var (quinn, quinnsPhone) = await lab.JoinAsync("quinn");
        var (rosalie, rosaliesPhone) = await lab.JoinAsync("rosalie");
        await using var first = new NioClient(quinnsPhone);
        await using var second = new NioClient(rosaliesPhone);
        Assert.Equal(["m.login.sso", "m.login.token", "m.login.password"], await first.FlowsAsync());
        var session = await first.LoginAsync("quinn", quinn.LoginCode);
        await second.LoginAsync("rosalie", rosalie.LoginCode);
        await Task.WhenAll(first.StartAsync(), second.StartAsync());
        var room = await first.CreateRoomAsync(rosalie.MatrixUserId);
        await second.JoinAsync(room);
        await first.SeeJoinAsync(room, rosalie.MatrixUserId);

        await first.SendAsync(room, "hello");
        var heard = await second.ReceiveAsync("hello");

        Assert.Equal((quinn.MatrixUserId, "m.room.encrypted"), (heard.GetProperty("sender").GetString(), heard.GetProperty("sentAs").GetString()));
        Assert.Equal(quinn.MatrixUserId, await first.WhoAmIAsync());
        Assert.Equal([session], await first.SessionsAsync());
        await first.LogoutAsync();
        Assert.Equal("M_UNKNOWN_TOKEN", (await quinnsPhone.GetAsync("_matrix/client/v3/account/whoami", first.AccessToken)).ErrorCode);
        Assert.Empty(await lab.Homeserver.SessionsAsync(quinn.MatrixUserId));
    }

    [Fact]
    public async Task Media_goes_up_from_one_library_and_comes_down_in_the_other()
    {
        var (sven, svensPhone) = await lab.JoinAsync("sven");
        var tara = await lab.SignInAsync("tara");
        await using var nio = new NioClient(svensPhone);
        await nio.LoginAsync("sven", sven.LoginCode);

        var there = await nio.UploadAsync(OneMegabyte);
        var back = await tara.Client.UploadAsync(OneMegabyte);
        var received = await tara.Client.DownloadAsync(there.GetProperty("uri").GetString()!);
        var returned = await nio.DownloadAsync(back.GetProperty("uri").GetString()!);

        Assert.Equal((OneMegabyte, there.GetProperty("sha256").GetString()), (received.GetProperty("bytes").GetInt32(), received.GetProperty("sha256").GetString()));
        Assert.Equal((OneMegabyte, back.GetProperty("sha256").GetString()), (returned.GetProperty("bytes").GetInt32(), returned.GetProperty("sha256").GetString()));
    }

    [Fact]
    public async Task It_signs_in_with_the_token_that_the_browser_brings_back()
    {
        const string back = "http://localhost:38080/";
        var enrolment = new Enrolment(await lab.Gateway.JsonAsync("enrol", "ursula", "--device", "laptop", "--os", "desktop"));
        var laptop = await lab.ConnectAsync(enrolment.Config);
        var browser = new PlainBrowser(laptop);
        await using var nio = new NioClient(laptop);

        var address = await browser.SignInAsync($"/_matrix/client/v3/login/sso/redirect?redirectUrl={Uri.EscapeDataString(back)}", lab.Gateway, enrolment.DeviceId);
        var token = HttpUtility.ParseQueryString(new Uri(address).Query)["loginToken"]!;
        var session = await nio.LoginWithTokenAsync("ursula", token);

        Assert.StartsWith($"{back}?loginToken=", address, StringComparison.Ordinal);
        Assert.Equal(enrolment.MatrixUserId, await nio.WhoAmIAsync());
        Assert.Equal([session], await lab.Homeserver.SessionsAsync(enrolment.MatrixUserId));
        await using var again = new NioClient(laptop);
        var refused = await Assert.ThrowsAsync<InstructionException>(() => again.LoginWithTokenAsync("ursula", token));
        Assert.Equal(((int)HttpStatusCode.Forbidden, "M_FORBIDDEN"), (refused.Status, refused.ErrorCode));
    }

    [Fact]
    public async Task A_wrong_code_is_a_refusal_that_it_understands()
    {
        var (enrolment, phone) = await lab.JoinAsync("viktor");
        await using var nio = new NioClient(phone);
        var (other, _) = await lab.JoinAsync("walter");

        var refused = await Assert.ThrowsAsync<InstructionException>(() => nio.LoginAsync("viktor", other.LoginCode));

        Assert.Equal(((int)HttpStatusCode.Forbidden, "M_FORBIDDEN", false), (refused.Status, refused.ErrorCode, refused.SoftLogout));
        Assert.Empty(await lab.Homeserver.SessionsAsync(enrolment.MatrixUserId));
    }
}
