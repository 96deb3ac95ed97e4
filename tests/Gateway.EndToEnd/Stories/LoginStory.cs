using System.Net;
using System.Text.Json;
using Gateway.EndToEnd.Lab;

namespace Gateway.EndToEnd.Stories;

/// <summary>A member opens a Matrix app and signs in with the login code where the app asks for a password.</summary>
[Collection(SharedLab.Name)]
public sealed class LoginStory(TestLab lab) : IAsyncDisposable
{
    private const int TwentyMegabytes = 20_000_000;

    public ValueTask DisposeAsync() => lab.EndStoryAsync();

    [Fact]
    public async Task Two_members_sign_in_and_exchange_encrypted_messages()
    {
        var ada = await lab.SignInAsync("ada");
        var ben = await lab.SignInAsync("ben");
        var room = await ada.Client.CreateRoomAsync(ben.UserId);
        await ben.Client.JoinAsync(room);
        await ada.Client.SeeJoinAsync(room, ben.UserId);

        await ada.Client.SendAsync(room, "bonjour");
        var heard = await ben.Client.ReceiveAsync("bonjour");
        await ben.Client.SendAsync(room, "salut");
        var answered = await ada.Client.ReceiveAsync("salut");

        Assert.Equal(ada.UserId, heard.GetProperty("sender").GetString());
        Assert.Equal("m.room.encrypted", heard.GetProperty("sentAs").GetString());
        Assert.Equal(ben.UserId, answered.GetProperty("sender").GetString());
        Assert.Equal("m.room.encrypted", answered.GetProperty("sentAs").GetString());
        Assert.Empty(await ada.Client.DisturbancesAsync());
        Assert.Empty(await ben.Client.DisturbancesAsync());
    }

    [Fact]
    public async Task Twenty_megabytes_go_up_and_come_down_unchanged()
    {
        var cleo = await lab.SignInAsync("cleo");
        var dora = await lab.SignInAsync("dora");

        var sent = await cleo.Client.UploadAsync(TwentyMegabytes);
        var received = await dora.Client.DownloadAsync(sent.GetProperty("uri").GetString()!);

        Assert.Equal(TwentyMegabytes, received.GetProperty("bytes").GetInt32());
        Assert.Equal(sent.GetProperty("sha256").GetString(), received.GetProperty("sha256").GetString());
    }

    [Fact]
    public async Task A_sync_may_wait_for_its_whole_thirty_seconds()
    {
        var (enrolment, phone) = await lab.JoinAsync("emil");
        var session = await phone.LoginAsync("emil", enrolment.LoginCode);
        var token = session.Json.GetProperty("access_token").GetString()!;

        await using var poll = HeldRequest.Sync(phone, token, await phone.CalmAsync(token));
        var end = await poll.EndAsync(TimeSpan.FromSeconds(45));

        Assert.Equal(HttpStatusCode.OK, end.Answer?.Status);
        Assert.InRange(end.After, TimeSpan.FromSeconds(29), TimeSpan.FromSeconds(40));
    }

    [Fact]
    public async Task The_code_is_refused_from_another_members_phone()
    {
        var (finn, finnsPhone) = await lab.JoinAsync("finn");
        var (_, gretasPhone) = await lab.JoinAsync("greta");

        var stolen = await gretasPhone.LoginAsync("finn", finn.LoginCode);
        var rightful = await finnsPhone.LoginAsync("finn", finn.LoginCode);

        Assert.Equal(HttpStatusCode.Forbidden, stolen.Status);
        Assert.Equal("M_FORBIDDEN", stolen.ErrorCode);
        Assert.Equal(HttpStatusCode.OK, rightful.Status);
        Assert.Equal(finn.MatrixUserId, rightful.Json.GetProperty("user_id").GetString());
    }

    [Fact]
    public async Task Twenty_logins_at_once_with_one_code_open_one_session()
    {
        var (enrolment, phone) = await lab.JoinAsync("hana");
        await phone.WaitForHandshakeAsync();

        var answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => phone.LoginAsync("hana", enrolment.LoginCode)));
        var opened = Assert.Single(answers, answer => answer.Status == HttpStatusCode.OK);
        var again = await phone.LoginAsync("hana", enrolment.LoginCode);

        Assert.All(answers.Where(answer => answer != opened), refused => Assert.True(refused.ErrorCode is "M_FORBIDDEN" or "M_LIMIT_EXCEEDED", refused.Text));
        Assert.NotEqual(HttpStatusCode.OK, again.Status);
        var session = Assert.Single(await lab.Homeserver.SessionsAsync(enrolment.MatrixUserId));
        Assert.Equal(opened.Json.GetProperty("device_id").GetString(), session);
    }

    [Fact]
    public async Task A_code_that_was_not_used_in_time_opens_nothing()
    {
        var (enrolment, phone) = await lab.JoinAsync("ivan");
        await phone.WaitForHandshakeAsync();
        await using var hurried = await ChangedSettings.ApplyAsync(lab.Gateway, ("Login:GrantMinutes", 0.05));
        var fresh = await lab.Gateway.JsonAsync("allow-login", enrolment.DeviceId);

        await PassAsync(fresh.GetProperty("loginCodeExpiresAt").GetDateTimeOffset());
        var late = await phone.LoginAsync("ivan", Code(fresh));
        var inTime = await phone.LoginAsync("ivan", Code(await lab.Gateway.JsonAsync("allow-login", enrolment.DeviceId)));

        Assert.Equal("M_FORBIDDEN", late.ErrorCode);
        Assert.Equal(HttpStatusCode.OK, inTime.Status);
        Assert.Single(await lab.Homeserver.SessionsAsync(enrolment.MatrixUserId));
    }

    [Fact]
    public async Task A_device_that_nobody_switches_on_goes_away_by_itself()
    {
        await using var hurried = await ChangedSettings.ApplyAsync(lab.Gateway, ("Enrolment:ExpireMinutes", 0.05));
        var forgotten = await lab.Gateway.EnrolAsync("jonas", "phone");

        await Until.TrueAsync("its peer goes", TimeSpan.FromSeconds(20), async () => !await lab.Gateway.HasPeerAsync(forgotten.PublicKey));

        var phone = await lab.ConnectAsync(forgotten.Config);
        Assert.Equal(0, await phone.LastHandshakeAsync());
    }

    [Fact]
    public async Task A_token_is_worth_nothing_in_another_tunnel()
    {
        var karl = await lab.SignInAsync("karl");
        var lena = await lab.SignInAsync("lena");

        var stolen = await lena.Phone.GetAsync("_matrix/client/v3/account/whoami", karl.Client.AccessToken);
        var own = await karl.Phone.GetAsync("_matrix/client/v3/account/whoami", karl.Client.AccessToken);

        Assert.Equal("M_FORBIDDEN", stolen.ErrorCode);
        Assert.Equal(HttpStatusCode.OK, own.Status);
    }

    [Fact]
    public async Task Signing_out_ends_the_session_and_leaves_the_device_connected()
    {
        var maya = await lab.SignInAsync("maya");

        await maya.Client.LogoutAsync();
        var after = await maya.Phone.GetAsync("_matrix/client/v3/account/whoami", maya.Client.AccessToken);

        Assert.Equal("M_UNKNOWN_TOKEN", after.ErrorCode);
        Assert.Empty(await lab.Homeserver.SessionsAsync(maya.UserId));
        Assert.Equal("connected", (await lab.Gateway.DeviceAsync(maya.Device)).GetProperty("state").GetString());
    }

    private static string Code(JsonElement grant) => grant.GetProperty("loginCode").GetString()!;

    /// <summary>Lets a moment of the real clock pass; nothing but the clock can say that it did.</summary>
    private static async Task PassAsync(DateTimeOffset moment)
    {
        Assert.InRange(moment - TimeProvider.System.GetUtcNow(), TimeSpan.FromSeconds(-5), TimeSpan.FromSeconds(10));
        await Until.ValueAsync($"the clock passes {moment:O}", TimeSpan.FromSeconds(15), () => Task.FromResult(TimeProvider.System.GetUtcNow()), now => now > moment);
    }
}
