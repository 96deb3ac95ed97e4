using System.Net;
using Gateway.EndToEnd.Lab;

namespace Gateway.EndToEnd.Stories;

/// <summary>
/// Element X signs in, starts and signs out, request for request (Lab/ElementX.cs says from which sources), with the
/// member's browser in between and the admin's own <c>gateway approve</c>.
/// </summary>
[Collection(SharedLab.Name)]
public sealed class ElementXStory(TestLab lab) : IAsyncDisposable
{
    private const string RoomList =
        """
        {"conn_id":"room-list","lists":{"all_rooms":{"ranges":[[0,19]],"timeline_limit":1,"filters":{},"required_state":[
          ["m.room.name",""],["m.room.encryption",""],["m.room.member","$LAZY"],["m.room.member","$ME"],["m.room.topic",""],["m.room.avatar",""],
          ["m.room.canonical_alias",""],["m.room.power_levels",""],["org.matrix.msc3401.call.member","*"],["m.room.join_rules",""],["m.room.tombstone",""],
          ["m.room.create",""],["m.room.history_visibility",""],["io.element.functional_members",""],["m.space.parent","*"],["m.space.child","*"],
          ["org.matrix.msc3672.beacon_info","*"]]}},
         "extensions":{"account_data":{"enabled":true},"receipts":{"enabled":true,"rooms":["*"]},"typing":{"enabled":true}}}
        """;

    public ValueTask DisposeAsync() => lab.EndStoryAsync();

    [Theory]
    [InlineData("android")]
    [InlineData("ios")]
    public async Task It_signs_in_by_a_tap_and_the_admins_word_and_signs_out(string system)
    {
        var (enrolment, phone) = await lab.JoinAsync($"xena-{system}");
        var element = new ElementX(phone, ElementX.App.On(system));

        await element.DiscoverAsync();
        var flows = await element.LookAtLoginsAsync();
        var address = await element.AuthorizationAddressAsync();
        var back = await new PlainBrowser(phone, "fr").SignInAsync(address, lab.Gateway, enrolment.DeviceId);
        var user = await element.ComeBackAsync(back);

        Assert.Contains("m.login.password", flows);
        Assert.Equal(enrolment.MatrixUserId, user);
        Assert.Equal([element.SessionId], await lab.Homeserver.SessionsAsync(enrolment.MatrixUserId));
        var device = await lab.Gateway.DeviceAsync(enrolment.DeviceId);
        Assert.Equal("signed-in", device.GetProperty("state").GetString());
        Assert.Equal("Element X", Assert.Single(device.GetProperty("sessions").EnumerateArray()).GetProperty("client").GetString());
        await element.LogOutAsync();
        var after = await element.AskAsync(HttpMethod.Get, "/_matrix/client/v3/account/whoami");
        Assert.Equal((HttpStatusCode.Unauthorized, "M_UNKNOWN_TOKEN", false), (after.Status, after.ErrorCode, after.SoftLogout));
        await Until.ValueAsync("its session goes", TimeSpan.FromSeconds(10), () => lab.Homeserver.SessionsAsync(enrolment.MatrixUserId), left => left.Count == 0);
        Assert.Equal("connected", (await lab.Gateway.DeviceAsync(enrolment.DeviceId)).GetProperty("state").GetString());
    }

    [Theory]
    [InlineData("android")]
    [InlineData("ios")]
    public async Task A_member_who_turns_back_on_the_page_has_cancelled_and_may_start_again(string system)
    {
        var (enrolment, phone) = await lab.JoinAsync($"xavier-{system}");
        var element = new ElementX(phone, ElementX.App.On(system));
        var browser = new PlainBrowser(phone);
        await element.DiscoverAsync();
        await browser.OpenAsync(await element.AuthorizationAddressAsync());

        await browser.PressAsync("cancel");

        Assert.NotNull(browser.WayBack);
        Assert.Null(await element.ComeBackAsync(browser.WayBack));
        var back = await new PlainBrowser(phone).SignInAsync(await element.AuthorizationAddressAsync(), lab.Gateway, enrolment.DeviceId);
        Assert.Equal(enrolment.MatrixUserId, await element.ComeBackAsync(back));
    }

    [Theory]
    [InlineData("android")]
    [InlineData("ios")]
    public async Task What_it_does_first_passes(string system)
    {
        var (element, user) = await SignInAsync($"yasmin-{system}", ElementX.App.On(system));
        var account = $"/_matrix/client/v3/user/{Uri.EscapeDataString(user)}/account_data";

        // Now with the token (crates/matrix-sdk/src/client/mod.rs, fetch_server_versions_inner), and what the server can do (…/client/homeserver_capabilities.rs).
        await element.OkAsync(HttpMethod.Get, "/_matrix/client/versions");
        var capabilities = (await element.OkAsync(HttpMethod.Get, "/_matrix/client/v3/capabilities")).GetProperty("capabilities");
        Assert.False(capabilities.GetProperty("m.change_password").GetProperty("enabled").GetBoolean());
        // Encryption starts (crates/matrix-sdk/src/encryption/mod.rs, spawn_initialization_task; …/backups/mod.rs; …/recovery/mod.rs).
        var uploaded = await element.OkAsync(HttpMethod.Post, "/_matrix/client/v3/keys/upload", Keys(user, element.SessionId));
        Assert.Equal(1, uploaded.GetProperty("one_time_key_counts").GetProperty("signed_curve25519").GetInt32());
        var keys = await element.OkAsync(HttpMethod.Post, "/_matrix/client/v3/keys/query", $$$"""{"timeout":10000,"device_keys":{"{{{user}}}":[]}}""");
        Assert.True(keys.GetProperty("device_keys").GetProperty(user).TryGetProperty(element.SessionId, out _));
        await IsNotThereAsync(element, "/_matrix/client/v3/room_keys/version");
        await IsNotThereAsync(element, $"{account}/m.secret_storage.default_key");
        await IsNotThereAsync(element, $"{account}/m.org.matrix.custom.backup_disabled");
        await element.OkAsync(HttpMethod.Put, $"{account}/m.org.matrix.custom.backup_disabled", """{"disabled":false}""");
        // Its two connections (crates/matrix-sdk-ui/src/encryption_sync_service.rs, room_list_service/mod.rs).
        await SyncTwiceAsync(element, """{"conn_id":"encryption","extensions":{"to_device":{"enabled":true},"e2ee":{"enabled":true}}}""");
        await SyncTwiceAsync(element, RoomList);
        // Itself, and what it may send (crates/matrix-sdk/src/account.rs, media.rs; client/mod.rs, discover_rtc_transports).
        await element.OkAsync(HttpMethod.Get, $"/_matrix/client/v3/profile/{Uri.EscapeDataString(user)}");
        Assert.InRange((await element.OkAsync(HttpMethod.Get, "/_matrix/client/v1/media/config")).GetProperty("m.upload.size").GetInt64(), 1, long.MaxValue);
        // The server's own wishes for Element: none, in a way that is not mistaken for a fault (element-x-ios, …/Services/Client/Client.swift).
        var wishes = await element.AskAsync(HttpMethod.Get, "/.well-known/element/element.json");
        Assert.Equal((HttpStatusCode.NotFound, "M_UNRECOGNIZED"), (wishes.Status, wishes.ErrorCode));
        // Notifications (bindings/matrix-sdk-ffi/src/client.rs, set_pusher; notification_settings.rs).
        await element.OkAsync(HttpMethod.Post, "/_matrix/client/v3/pushers/set", element.Pusher());
        var pusher = Assert.Single((await element.OkAsync(HttpMethod.Get, "/_matrix/client/v3/pushers")).GetProperty("pushers").EnumerateArray());
        Assert.Equal("https://matrix.org/_matrix/push/v1/notify", pusher.GetProperty("data").GetProperty("url").GetString());
        await element.OkAsync(HttpMethod.Put, "/_matrix/client/v3/pushrules/global/underride/.m.rule.room_one_to_one/actions", """{"actions":["notify"]}""");
        await element.OkAsync(HttpMethod.Put, "/_matrix/client/v3/pushrules/global/override/.m.rule.invite_for_me/enabled", """{"enabled":true}""");
        await element.OkAsync(HttpMethod.Post, "/_matrix/client/v3/pushers/set", element.PusherRemoval());
        Assert.Empty((await element.OkAsync(HttpMethod.Get, "/_matrix/client/v3/pushers")).GetProperty("pushers").EnumerateArray());
    }

    [Fact]
    public async Task What_it_does_in_a_room_passes()
    {
        var (element, user) = await SignInAsync("zelda", ElementX.App.Android);
        // crates/matrix-sdk/src/client/mod.rs (create_room), room/mod.rs, room/messages.rs, send_queue; bindings/matrix-sdk-ffi/src/room.
        var room = (await element.OkAsync(HttpMethod.Post, "/_matrix/client/v3/createRoom", """{"name":"Salon","preset":"private_chat","invite":[],"is_direct":false}""")).GetProperty("room_id").GetString()!;
        var path = $"/_matrix/client/v3/rooms/{Uri.EscapeDataString(room)}";
        var sent = await element.OkAsync(HttpMethod.Put, $"{path}/send/m.room.encrypted/w17-1", """{"algorithm":"m.megolm.v1.aes-sha2","ciphertext":"AwgA"}""");
        var message = sent.GetProperty("event_id").GetString()!;
        var name = Uri.EscapeDataString(message);

        await element.OkAsync(HttpMethod.Post, $"{path}/receipt/m.read/{name}", """{"thread_id":"main"}""");
        await element.OkAsync(HttpMethod.Post, $"{path}/read_markers", $$"""{"m.fully_read":"{{message}}","m.read":"{{message}}"}""");
        await element.OkAsync(HttpMethod.Put, $"{path}/typing/{Uri.EscapeDataString(user)}", """{"typing":true,"timeout":4000}""");
        await element.OkAsync(HttpMethod.Get, $"{path}/members?not_membership=leave");
        await element.OkAsync(HttpMethod.Get, $"{path}/messages?dir=b&limit=20&filter=%7B%22lazy_load_members%22%3Atrue%7D");
        await element.OkAsync(HttpMethod.Get, $"{path}/context/{name}?limit=0");
        await element.OkAsync(HttpMethod.Get, $"{path}/event/{name}");
        await element.OkAsync(HttpMethod.Put, $"{path}/state/m.room.topic/", """{"topic":"thé"}""");
        await element.OkAsync(HttpMethod.Get, $"{path}/state/m.room.topic/");
        await element.OkAsync(HttpMethod.Put, $"/_matrix/client/v3/user/{Uri.EscapeDataString(user)}/rooms/{Uri.EscapeDataString(room)}/tags/m.favourite", """{"order":0.5}""");
        await element.OkAsync(HttpMethod.Put, $"/_matrix/client/v3/user/{Uri.EscapeDataString(user)}/rooms/{Uri.EscapeDataString(room)}/account_data/m.marked_unread", """{"unread":true}""");
        await element.OkAsync(HttpMethod.Get, $"/_matrix/client/v1/rooms/{Uri.EscapeDataString(room)}/relations/{name}?dir=b&limit=20");
        await element.OkAsync(HttpMethod.Get, $"/_matrix/client/v1/rooms/{Uri.EscapeDataString(room)}/threads?include=all");
        await element.OkAsync(HttpMethod.Post, "/_matrix/client/v3/user_directory/search", """{"search_term":"zel","limit":10}""");
        await element.OkAsync(HttpMethod.Put, $"{path}/redact/{name}/w17-2", "{}");
        await element.OkAsync(HttpMethod.Post, $"{path}/leave", "{}");
        await element.OkAsync(HttpMethod.Post, $"{path}/forget", "{}");
    }

    private async Task<(ElementX Element, string User)> SignInAsync(string member, ElementX.App app)
    {
        var (enrolment, phone) = await lab.JoinAsync(member);
        var element = new ElementX(phone, app);
        await element.DiscoverAsync();
        await element.ComeBackAsync(await new PlainBrowser(phone).SignInAsync(await element.AuthorizationAddressAsync(), lab.Gateway, enrolment.DeviceId));
        return (element, enrolment.MatrixUserId);
    }

    /// <summary>The first time at once, then from where that left off, as a connection goes on.</summary>
    private static async Task SyncTwiceAsync(ElementX element, string body)
    {
        var position = (await element.OkAsync(HttpMethod.Post, "/_matrix/client/unstable/org.matrix.simplified_msc3575/sync?timeout=0", body)).GetProperty("pos").GetString()!;
        var next = await element.OkAsync(HttpMethod.Post, $"/_matrix/client/unstable/org.matrix.simplified_msc3575/sync?pos={Uri.EscapeDataString(position)}&timeout=0", body);
        Assert.NotEmpty(next.GetProperty("pos").GetString()!);
    }

    private static async Task IsNotThereAsync(ElementX element, string target)
    {
        var answer = await element.AskAsync(HttpMethod.Get, target);
        Assert.Equal((HttpStatusCode.NotFound, "M_NOT_FOUND"), (answer.Status, answer.ErrorCode));
    }

    /// <summary>In form only: a homeserver keeps keys and signatures for others to check.</summary>
    private static string Keys(string user, string session)
    {
        var signed = $$"""
            "signatures": {"{{user}}": {"ed25519:{{session}}": "dGhyZWU"} }
            """;
        return $$$"""
            {"device_keys": {"user_id": "{{{user}}}", "device_id": "{{{session}}}", "algorithms": ["m.olm.v1.curve25519-aes-sha2", "m.megolm.v1.aes-sha2"],
              "keys": {"curve25519:{{{session}}}": "b25l", "ed25519:{{{session}}}": "dHdv"}, {{{signed}}} },
             "one_time_keys": {"signed_curve25519:AAAAAAAAAA0": {"key": "Zm91cg", {{{signed}}} } },
             "fallback_keys": {"signed_curve25519:AAAAAAAAAAA": {"key": "Zml2ZQ", "fallback": true, {{{signed}}} } } }
            """;
    }
}
