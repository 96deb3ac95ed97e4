using System.Net;
using System.Text.Json;
using Gateway.EndToEnd.Lab;

namespace Gateway.EndToEnd.Stories;

/// <summary>A phone is lost: one command ends its tunnel, its Matrix session and its open requests, and nobody else notices.</summary>
[Collection(SharedLab.Name)]
public sealed class RevocationStory(TestLab lab) : IAsyncDisposable
{
    private static readonly TimeSpan AtOnce = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    public ValueTask DisposeAsync() => lab.EndStoryAsync();

    [Fact]
    public async Task A_lost_phone_is_out_at_once_and_told_to_erase()
    {
        var nele = await lab.SignInAsync("nele");
        await using var poll = await HoldSyncAsync(nele);
        await using var upload = await HoldUploadAsync(nele);
        var erased = nele.Client.LoggedOutAsync();
        var asked = TimeProvider.System.GetUtcNow();

        var revoked = Assert.Single((await lab.Gateway.JsonAsync("revoke", "nele/phone")).EnumerateArray());
        var requested = revoked.GetProperty("revocation").GetProperty("requestedAt").GetDateTimeOffset();
        var ends = await Task.WhenAll(poll.EndAsync(Patience), upload.EndAsync(Patience));
        // The app asks again by itself, some seconds later; the time of grace begins then.
        var order = await erased;
        var next = await nele.Phone.GetAsync("_matrix/client/v3/account/whoami", nele.Client.AccessToken);

        Assert.All(ends, end => Assert.NotEqual(HttpStatusCode.OK, end.Answer?.Status));
        // The gateway's clock is steady, and so some milliseconds from the machine's.
        Assert.All(ends, end => Assert.InRange(end.At, asked, requested + AtOnce));
        Assert.Equal((HttpStatusCode.Unauthorized, "M_UNKNOWN_TOKEN", false), (next.Status, next.ErrorCode, next.SoftLogout));
        Assert.Equal("M_UNKNOWN_TOKEN", order.GetProperty("errcode").GetString());
        Assert.False(order.GetProperty("softLogout").GetBoolean());
        Assert.Empty(await lab.Homeserver.SessionsAsync(nele.UserId));
        Assert.Equal(HttpStatusCode.Unauthorized, await lab.Homeserver.WhoAmIAsync(nele.Client.AccessToken));
        await StepsEndAsync(nele.Device, ("blocked", "done"), ("requests-cut", "done"), ("peer", "done"), ("matrix-sessions", "done"), ("erase-order", "done"));
        Assert.False(await lab.Gateway.HasPeerAsync(nele.Enrolment.PublicKey));
        Assert.Equal("revoked", (await lab.Gateway.DeviceAsync(nele.Device)).GetProperty("state").GetString());
    }

    [Fact]
    public async Task Nobody_else_notices()
    {
        var olga = await lab.SignInAsync("olga");
        var olgasLaptop = await lab.SignInAsync("olga", "laptop");
        var paul = await lab.SignInAsync("paul");
        var room = await paul.Client.CreateRoomAsync(olga.UserId);
        await olgasLaptop.Client.JoinAsync(room);
        await paul.Client.SeeJoinAsync(room, olga.UserId);
        await using var laptopPoll = await HoldSyncAsync(olgasLaptop);
        await using var paulPoll = await HoldSyncAsync(paul);

        (await lab.Gateway.RunAsync("revoke", "olga/phone")).Expect();
        await paul.Client.SendAsync(room, "still there?");
        var heard = await olgasLaptop.Client.ReceiveAsync("still there?");

        Assert.Equal("m.room.encrypted", heard.GetProperty("sentAs").GetString());
        // Each poll was answered on the connection that it was asked on.
        Assert.All(
            await Task.WhenAll(laptopPoll.EndAsync(Patience), paulPoll.EndAsync(Patience)),
            end => Assert.Equal(HttpStatusCode.OK, end.Answer?.Status));
        Assert.Empty(await olgasLaptop.Client.DisturbancesAsync());
        Assert.Empty(await paul.Client.DisturbancesAsync());
        Assert.Equal([olgasLaptop.Client.SessionId], await lab.Homeserver.SessionsAsync(olga.UserId));
        Assert.True(await lab.Gateway.HasPeerAsync(olgasLaptop.Enrolment.PublicKey));
    }

    [Fact]
    public async Task With_cut_the_peer_is_gone_before_the_command_returns()
    {
        var rita = await lab.SignInAsync("rita");
        await rita.CalmAsync();

        var revoked = Assert.Single((await lab.Gateway.JsonAsync("revoke", "rita/phone", "--cut")).EnumerateArray());
        var hasPeer = await lab.Gateway.HasPeerAsync(rita.Enrolment.PublicKey);

        Assert.False(hasPeer);
        Assert.Equal("done", Step(revoked, "peer").GetProperty("state").GetString());
        Assert.Equal("skipped", Step(revoked, "erase-order").GetProperty("state").GetString());
        Assert.False(await Doorbell.OpensAsync(rita.Phone.Space, lab.Gateway.TunnelAddress, 443));
        await Until.ValueAsync("its session goes", Patience, () => lab.Homeserver.SessionsAsync(rita.UserId), sessions => sessions.Count == 0);
    }

    [Fact]
    public async Task A_phone_that_never_signed_in_is_cut_at_once()
    {
        var (enrolment, phone) = await lab.JoinAsync("sam");
        await phone.WaitForHandshakeAsync();

        (await lab.Gateway.RunAsync("revoke", enrolment.DeviceId)).Expect();

        Assert.False(await lab.Gateway.HasPeerAsync(enrolment.PublicKey));
    }

    [Fact]
    public async Task A_quarantined_phone_gets_nothing_but_the_order_to_erase()
    {
        await using var patient = await ChangedSettings.ApplyAsync(lab.Gateway, ("Revocation:GraceHours", 1));
        var tina = await lab.SignInAsync("tina");

        (await lab.Gateway.RunAsync("revoke", "tina/phone")).Expect();
        var login = await tina.Phone.LoginAsync("tina", tina.Enrolment.LoginCode);
        var sync = await tina.Phone.GetAsync("_matrix/client/v3/sync", tina.Client.AccessToken);
        var device = await lab.Gateway.DeviceAsync(tina.Device);

        Assert.Equal("M_FORBIDDEN", login.ErrorCode);
        Assert.Equal("M_UNKNOWN_TOKEN", sync.ErrorCode);
        Assert.Equal("quarantined", device.GetProperty("state").GetString());
        Assert.True(await lab.Gateway.HasPeerAsync(tina.Enrolment.PublicKey));
    }

    [Fact]
    public async Task The_reply_names_each_step_and_its_time()
    {
        var uma = await lab.SignInAsync("uma");

        var said = await lab.Gateway.RunAsync("revoke", "uma/phone");
        var device = await lab.Gateway.DeviceAsync(uma.Device);

        Assert.Equal(0, said.ExitCode);
        Assert.Equal("blocked requests-cut peer matrix-sessions erase-order", string.Join(' ', Steps(device).Select(step => step.GetProperty("name").GetString())));
        Assert.All(Steps(device), step => Assert.NotEqual(JsonValueKind.Null, step.GetProperty("at").ValueKind));
        Assert.Contains("uma/phone", said.Output, StringComparison.Ordinal);
        Assert.Matches(@"\d+ ms", said.Output);
    }

    [Fact]
    public async Task A_homeserver_that_is_down_holds_nothing_up()
    {
        var vito = await lab.SignInAsync("vito");
        await vito.CalmAsync();
        await lab.Homeserver.StopAsync();
        Finished said;
        MatrixAnswer next;
        try
        {
            said = await lab.Gateway.RunAsync("revoke", "vito/phone");
            next = await vito.Phone.GetAsync("_matrix/client/v3/account/whoami", vito.Client.AccessToken);
        }
        finally
        {
            await lab.Homeserver.StartAsync();
        }

        Assert.Equal(0, said.ExitCode);
        Assert.Contains("warning: vito/phone", said.Error, StringComparison.Ordinal);
        Assert.Equal("M_UNKNOWN_TOKEN", next.ErrorCode);
        await Until.ValueAsync("its session goes", TimeSpan.FromSeconds(30), () => lab.Homeserver.SessionsAsync(vito.UserId), sessions => sessions.Count == 0);
        await StepsEndAsync(vito.Device, ("blocked", "done"), ("requests-cut", "done"), ("peer", "done"), ("matrix-sessions", "done"), ("erase-order", "done"));
    }

    private async Task<HeldRequest> HoldSyncAsync(Member member)
    {
        var since = await member.CalmAsync();
        var held = HeldRequest.Sync(member.Phone, member.Client.AccessToken, since);
        await Until.TrueAsync("the homeserver has the poll", Patience, async () => await lab.Homeserver.RequestsAsync($"sync?since={since}&timeout=30000") > 0);
        Assert.False(held.HasEnded);
        return held;
    }

    /// <summary>Synapse shows a request when its body is whole, so the bytes that left the phone must tell.</summary>
    private static async Task<HeldRequest> HoldUploadAsync(Member member)
    {
        var held = HeldRequest.Upload(member.Phone, member.Client.AccessToken);
        await Until.ValueAsync("the upload is under way", Patience, () => Task.FromResult(held.Sent), sent => sent > 100_000);
        Assert.False(held.HasEnded);
        return held;
    }

    private Task<string> StepsEndAsync(string device, params (string Name, string State)[] expected) => Until.ValueAsync(
        "the steps of the revocation end",
        TimeSpan.FromSeconds(30),
        async () => string.Join(", ", Steps(await lab.Gateway.DeviceAsync(device)).Select(step => $"{step.GetProperty("name").GetString()} {step.GetProperty("state").GetString()}")),
        steps => steps == string.Join(", ", expected.Select(step => $"{step.Name} {step.State}")));

    private static JsonElement.ArrayEnumerator Steps(JsonElement device) => device.GetProperty("revocation").GetProperty("steps").EnumerateArray();

    private static JsonElement Step(JsonElement device, string name) =>
        Steps(device).Single(step => step.GetProperty("name").GetString() == name);
}
