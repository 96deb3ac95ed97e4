using System.Net;
using System.Text.Json;
using Gateway.EndToEnd.Lab;

namespace Gateway.EndToEnd.Stories;

/// <summary>
/// What the settings of <c>gateway homeserver-config</c> do in a real Synapse, seen from outside of it. Asked around the
/// gateway, which would refuse most of it too.
/// </summary>
[Collection(SharedLab.Name)]
public sealed class ClosedHomeserverStory(TestLab lab) : IAsyncLifetime
{
    private const string C = "_matrix/client/v3";

    private PlainMember mira = null!;
    private PlainMember nora = null!;

    public async ValueTask InitializeAsync()
    {
        mira = await PlainMember.SignInAsync(lab.Homeserver, "mira");
        nora = await PlainMember.SignInAsync(lab.Homeserver, "nora");
    }

    public ValueTask DisposeAsync() => lab.EndStoryAsync();

    [Theory]
    // Accounts.
    [InlineData("POST", $"{C}/register", "{}", 403)]
    [InlineData("POST", $"{C}/register", """{"username": "mallory", "password": "correct horse", "auth": {"type": "m.login.dummy"}}""", 403)]
    [InlineData("POST", $"{C}/register?kind=guest", "{}", 403)]
    [InlineData("GET", $"{C}/register/available?username=mira", null, 403)]
    [InlineData("POST", $"{C}/login", """{"type": "m.login.password", "identifier": {"type": "m.id.user", "user": "mira"}, "password": "secret"}""", 400)]
    [InlineData("POST", $"{C}/account/password", """{"new_password": "secret"}""", 401)]
    // Other servers.
    [InlineData("GET", "_matrix/federation/v1/version", null, 404)]
    [InlineData("GET", "_matrix/federation/v1/publicRooms", null, 404)]
    [InlineData("GET", "_matrix/federation/v1/query/profile?user_id=@mira:chat.lab.test", null, 404)]
    [InlineData("GET", "_matrix/federation/v1/user/devices/@mira:chat.lab.test", null, 404)]
    [InlineData("GET", "_matrix/key/v2/server", null, 404)]
    [InlineData("GET", ".well-known/matrix/server", null, 404)]
    [InlineData("GET", "_synapse/metrics", null, 404)]
    // The directory.
    [InlineData("GET", $"{C}/publicRooms", null, 401)]
    [InlineData("GET", $"{C}/profile/@mira:chat.lab.test", null, 401)]
    [InlineData("GET", $"{C}/profile/@mira:chat.lab.test/displayname", null, 401)]
    [InlineData("POST", $"{C}/user_directory/search", """{"search_term": "mira"}""", 401)]
    public async Task A_stranger_gets_nothing(string method, string target, string? body, int status) =>
        Assert.Equal(status, (int)(await StrangerAsync(method, target, body)).Status);

    [Theory]
    [InlineData("POST", "_matrix/client/v1/login/get_token", "{}", 404, "M_UNRECOGNIZED")]
    [InlineData("POST", $"{C}/refresh", """{"refresh_token": "syr_any"}""", 404, "M_UNRECOGNIZED")]
    [InlineData("POST", $"{C}/account/3pid/add", """{"client_secret": "abc", "sid": "1"}""", 400, "M_FORBIDDEN")]
    [InlineData("POST", $"{C}/account/3pid/email/requestToken", """{"client_secret": "abc", "email": "mira@mail.example", "send_attempt": 1}""", 400, "M_FORBIDDEN")]
    [InlineData("POST", $"{C}/account/3pid/msisdn/requestToken", """{"client_secret": "abc", "country": "FR", "phone_number": "0601020304", "send_attempt": 1}""", 400, "M_THREEPID_MEDIUM_NOT_SUPPORTED")]
    [InlineData("GET", $"{C}/profile/@nora:chat.lab.test", null, 403, "M_FORBIDDEN")]
    [InlineData("GET", $"{C}/profile/@nobody:chat.lab.test", null, 403, "M_FORBIDDEN")]
    [InlineData("GET", "_matrix/client/v1/media/preview_url?url=https%3A%2F%2Fexample.org%2F", null, 404, "M_UNRECOGNIZED")]
    [InlineData("GET", "_matrix/media/v3/preview_url?url=https%3A%2F%2Fexample.org%2F", null, 404, "M_UNRECOGNIZED")]
    public async Task A_member_is_refused(string method, string target, string? body, int status, string? code)
    {
        var answer = await mira.SendAsync(new HttpMethod(method), target, body);

        Assert.Equal((status, code), ((int)answer.Status, answer.ErrorCode));
    }

    [Theory]
    [InlineData("private_chat")]
    [InlineData("trusted_private_chat")]
    [InlineData("public_chat")]
    public async Task Every_new_room_is_encrypted_and_on_no_list(string preset)
    {
        var room = await mira.CreateRoomAsync($$"""{"preset": "{{preset}}", "visibility": "public"}""");

        var encryption = await mira.AskAsync(HttpMethod.Get, PlainMember.In(room, "state/m.room.encryption"));
        var made = await mira.AskAsync(HttpMethod.Get, $"{C}/directory/list/room/{Uri.EscapeDataString(room)}");
        var publish = await mira.SendAsync(HttpMethod.Put, $"{C}/directory/list/room/{Uri.EscapeDataString(room)}", """{"visibility": "public"}""");
        var listed = await mira.AskAsync(HttpMethod.Get, $"{C}/publicRooms");

        Assert.Equal("m.megolm.v1.aes-sha2", encryption.GetProperty("algorithm").GetString());
        Assert.Equal("private", made.GetProperty("visibility").GetString());
        Assert.Equal(HttpStatusCode.Forbidden, publish.Status);
        Assert.Empty(listed.GetProperty("chunk").EnumerateArray());
    }

    [Fact]
    public async Task Apps_are_told_what_is_not_to_be_had()
    {
        var can = (await mira.AskAsync(HttpMethod.Get, $"{C}/capabilities")).GetProperty("capabilities");
        var flows = (await StrangerAsync("GET", $"{C}/login", null)).Json.GetProperty("flows").EnumerateArray().Select(flow => flow.GetProperty("type").GetString());
        var media = await mira.AskAsync(HttpMethod.Get, "_matrix/client/v1/media/config");
        await mira.AskAsync(HttpMethod.Put, $"{C}/profile/{mira.UserId}/displayname", """{"displayname": "Somebody else"}""");

        Assert.All(["m.change_password", "m.3pid_changes"], name => Assert.False(can.GetProperty(name).GetProperty("enabled").GetBoolean(), name));
        Assert.False(can.TryGetProperty("m.get_login_token", out var token) && token.GetProperty("enabled").GetBoolean());
        Assert.Equal(["m.login.application_service"], flows);
        Assert.Equal(50 * 1024 * 1024, media.GetProperty("m.upload.size").GetInt64());
        Assert.Equal("Somebody else", (await mira.AskAsync(HttpMethod.Get, $"{C}/profile/{mira.UserId}")).GetProperty("displayname").GetString());
    }

    [Fact]
    public async Task Nobody_gets_a_refresh_token()
    {
        var login = await lab.Homeserver.AskAsync(HttpMethod.Post, $"{C}/login", PlainMember.LoginBody("mira"));

        Assert.Equal(["access_token", "device_id", "home_server", "user_id", "well_known"], login.EnumerateObject().Select(member => member.Name).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Colleagues_are_found_and_who_is_locked_is_not()
    {
        var paulette = (await lab.Gateway.EnrolAsync("paulette", "phone")).MatrixUserId;
        var account = $"_synapse/admin/v2/users/{Uri.EscapeDataString(paulette)}?user_id={Uri.EscapeDataString($"@gateway:{GatewayHost.ServerName}")}";
        await lab.Gateway.WaitForAccountAsync();

        Assert.Contains(paulette, await FindAsync("paulette"));
        await lab.Homeserver.AskAsync(HttpMethod.Put, account, """{"locked": true}""");
        Assert.DoesNotContain(paulette, await FindAsync("paulette"));
    }

    [Fact]
    public async Task A_profile_is_for_those_who_share_a_room_and_an_invitation_tells_nothing()
    {
        var olaf = await PlainMember.SignInAsync(lab.Homeserver, "olaf");
        await olaf.AskAsync(HttpMethod.Put, $"{C}/profile/{olaf.UserId}/displayname", """{"displayname": "Olaf Real Name"}""");
        var room = await mira.CreateRoomAsync($$"""{"invite": ["{{olaf.UserId}}"]}""");

        var invitation = await mira.AskAsync(HttpMethod.Get, PlainMember.In(room, $"state/m.room.member/{olaf.UserId}"));
        var before = await mira.SendAsync(HttpMethod.Get, $"{C}/profile/{olaf.UserId}");
        await olaf.JoinAsync(room);
        var after = await mira.AskAsync(HttpMethod.Get, $"{C}/profile/{olaf.UserId}");

        Assert.False(invitation.TryGetProperty("displayname", out _), invitation.GetRawText());
        Assert.Equal(HttpStatusCode.Forbidden, before.Status);
        Assert.Equal("Olaf Real Name", after.GetProperty("displayname").GetString());
    }

    [Fact]
    public async Task Nobody_is_seen_to_be_awake_or_in_a_room_unasked()
    {
        var room = await mira.CreateRoomAsync($$"""{"invite": ["{{nora.UserId}}"]}""");
        await nora.SendAsync(HttpMethod.Put, $"{C}/presence/{nora.UserId}/status", """{"presence": "online", "status_msg": "here"}""");

        var sync = await nora.AskAsync(HttpMethod.Get, $"{C}/sync");

        Assert.False(sync.TryGetProperty("presence", out var presence) && presence.GetProperty("events").GetArrayLength() > 0, "somebody's presence is told");
        var status = await mira.AskAsync(HttpMethod.Get, $"{C}/presence/{nora.UserId}/status");
        Assert.Equal(["presence"], status.EnumerateObject().Select(member => member.Name));
        Assert.Equal("offline", status.GetProperty("presence").GetString());
        Assert.True(sync.GetProperty("rooms").GetProperty("invite").TryGetProperty(room, out _));
    }

    [Fact]
    public async Task A_file_has_a_limit_and_opens_for_members_only()
    {
        var upload = await UploadAsync(1000);
        var path = upload.Json.GetProperty("content_uri").GetString()!["mxc://".Length..];

        // Synapse hangs up on what is too large.
        await Assert.ThrowsAsync<HttpRequestException>(() => UploadAsync((50 * 1024 * 1024) + 1));
        Assert.Equal(HttpStatusCode.OK, (await mira.SendAsync(HttpMethod.Get, $"_matrix/client/v1/media/download/{path}")).Status);
        Assert.Equal(HttpStatusCode.Unauthorized, (await StrangerAsync("GET", $"_matrix/client/v1/media/download/{path}", null)).Status);
        Assert.Equal(HttpStatusCode.NotFound, (await StrangerAsync("GET", $"_matrix/media/v3/download/{path}", null)).Status);
    }

    [Fact]
    public async Task An_apps_vendor_learns_that_something_came_and_nothing_else()
    {
        using var vendor = await PushServer.StartAsync(lab.Server);
        var quentin = await PlainMember.SignInAsync(lab.Homeserver, "quentina");
        var room = await mira.CreateRoomAsync($$"""{"name": "The Plan", "invite": ["{{quentin.UserId}}"]}""");
        await quentin.JoinAsync(room);
        await quentin.AskAsync(HttpMethod.Post, $"{C}/pushers/set", $$$"""
            {"kind": "http", "app_id": "im.vector.app", "pushkey": "key-of-a-phone", "app_display_name": "Element", "device_display_name": "phone",
             "lang": "en", "data": {"url": "{{{vendor.Address}}}", "format": "event_id_only"}}
            """);

        var said = await mira.SayAsync(room, "tomorrow at nine");
        var told = await vendor.NextAsync();

        var notification = JsonElement.Parse(told[told.IndexOf("\r\n\r\n", StringComparison.Ordinal)..]).GetProperty("notification");
        Assert.Equal(["counts", "devices", "event_id", "prio", "room_id"], notification.EnumerateObject().Select(member => member.Name).Order(StringComparer.Ordinal));
        Assert.Equal((said, room), (notification.GetProperty("event_id").GetString(), notification.GetProperty("room_id").GetString()));
        Assert.All(["tomorrow", "The Plan", "mira", "quentina", "Somebody"], word => Assert.DoesNotContain(word, told, StringComparison.OrdinalIgnoreCase));
    }

    [Fact]
    public async Task The_services_token_opens_nothing_from_the_tunnel()
    {
        var (_, phone) = await lab.JoinAsync("thekla");
        var stolen = lab.Homeserver.ServiceToken;
        var asMira = $"{C}/account/whoami?user_id={Uri.EscapeDataString(mira.UserId)}";
        var asAdmin = $"_synapse/admin/v2/users?user_id={Uri.EscapeDataString($"@gateway:{GatewayHost.ServerName}")}";

        var atSynapse = await lab.Homeserver.SendAsync(HttpMethod.Get, asMira, stolen);
        var atItsAdmin = await lab.Homeserver.SendAsync(HttpMethod.Get, asAdmin, stolen);
        var begun = await lab.Homeserver.RequestsAsync("account/whoami");
        var atGateway = await phone.GetAsync(asMira, stolen);

        Assert.Equal([HttpStatusCode.Unauthorized, HttpStatusCode.Unauthorized], [atSynapse.Status, atItsAdmin.Status]);
        Assert.Equal((HttpStatusCode.Forbidden, "M_FORBIDDEN"), (atGateway.Status, atGateway.ErrorCode));
        Assert.Equal(HttpStatusCode.NotFound, (await phone.GetAsync(asAdmin, stolen)).Status);
        Assert.Equal(begun, await lab.Homeserver.RequestsAsync("account/whoami"));
    }

    private async Task<MatrixAnswer> StrangerAsync(string method, string target, string? body)
    {
        using var content = body is null ? null : new StringContent(body, new System.Net.Http.Headers.MediaTypeHeaderValue("application/json"));
        return await lab.Homeserver.SendAsync(new HttpMethod(method), target, token: null, content);
    }

    private async Task<MatrixAnswer> UploadAsync(int bytes)
    {
        using var content = new ByteArrayContent(new byte[bytes]);
        return await lab.Homeserver.SendAsync(HttpMethod.Post, "_matrix/media/v3/upload", mira.Token, content);
    }

    private async Task<IEnumerable<string>> FindAsync(string term)
    {
        var found = await mira.AskAsync(HttpMethod.Post, $"{C}/user_directory/search", $$"""{"search_term": "{{term}}"}""");
        return found.GetProperty("results").EnumerateArray().Select(user => user.GetProperty("user_id").GetString()!);
    }
}
