using System.Net;
using System.Text;
using Gateway.Admin;
using Gateway.Onboarding.LoginGrants;
using Gateway.Proxy;
using Gateway.Tests.Testing;

namespace Gateway.Tests.Proxy;

public sealed class GateAttackTests
{
    /// <summary>Synapse decodes names, splits at ';' too, and takes the first access_token of a query.</summary>
    [Theory]
    [InlineData("%61ccess_token=THEIRS&access_token=OURS")]
    [InlineData("access%5Ftoken=THEIRS&access_token=OURS")]
    [InlineData("x=1;access_token=THEIRS&access_token=OURS")]
    public async Task A_second_token_in_another_spelling_does_not_ride_along(string query)
    {
        await using var gateway = await TestGateway.StartAsync();
        using var alice = await gateway.SignInAsync(await gateway.EnrolAsync("alice"));
        using var bob = await gateway.SignInAsync(await gateway.EnrolAsync("bob"));
        var theirs = alice.DefaultRequestHeaders.Authorization!.Parameter;
        var ours = bob.DefaultRequestHeaders.Authorization!.Parameter;
        bob.DefaultRequestHeaders.Authorization = null;
        gateway.Homeserver.Requests.Clear();
        var target = "/_matrix/client/v3/account/whoami?" + query
            .Replace("THEIRS", theirs, StringComparison.Ordinal)
            .Replace("OURS", ours, StringComparison.Ordinal);

        using var reply = await bob.GetAsync(new Uri("https://chat.example" + target, new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true }));

        Assert.Equal(HttpStatusCode.Forbidden, reply.StatusCode);
        Assert.DoesNotContain(gateway.Homeserver.Requests, request => request.Target.Contains("whoami", StringComparison.Ordinal));
    }

    /// <summary>Twisted puts the fields of a posted form among the query's arguments, where they win.</summary>
    [Fact]
    public async Task A_second_token_in_a_form_does_not_ride_along()
    {
        await using var gateway = await TestGateway.StartAsync();
        using var alice = await gateway.SignInAsync(await gateway.EnrolAsync("alice"));
        using var bob = await gateway.SignInAsync(await gateway.EnrolAsync("bob"));
        var theirs = alice.DefaultRequestHeaders.Authorization!.Parameter!;
        var ours = bob.DefaultRequestHeaders.Authorization!.Parameter!;
        bob.DefaultRequestHeaders.Authorization = null;
        gateway.Homeserver.Requests.Clear();
        using var form = new FormUrlEncodedContent([KeyValuePair.Create("access_token", theirs)]);

        using var reply = await bob.PostAsync($"/_matrix/client/v3/logout/all?access_token={ours}", form);

        Assert.Equal(HttpStatusCode.Forbidden, reply.StatusCode);
        Assert.DoesNotContain(gateway.Homeserver.Requests, request => request.Target.Contains("logout", StringComparison.Ordinal));
    }

    /// <summary>And Synapse reads JSON whatever its type: one body is a message and a form with parameters that are shut (room.py, "delay").</summary>
    [Theory]
    [InlineData("application/x-www-form-urlencoded")]
    [InlineData("Application/X-WWW-Form-URLencoded; charset=utf-8")]
    [InlineData("application/x-www-form-urlencoded;")]
    [InlineData("multipart/form-data; boundary=x")]
    [InlineData("application/x-www-form-urlencoded , text/plain")]
    [InlineData("application/x-www-form-urlencoded,;")]
    [InlineData("application/json\r\nContent-Type: application/x-www-form-urlencoded")]
    [InlineData("application/x-www-form-urlencoded\r\nContent-Type: application/json")]
    public async Task No_body_is_read_as_a_form_by_the_homeserver(string type)
    {
        await using var gateway = await TestGateway.StartAsync();
        var member = await RawMember.SignInAsync(gateway);
        const string body = """{"body":"&org.matrix.msc4140.delay=86400000&"}""";

        var (_, received) = await member.SendAsync(Encoding.ASCII.GetBytes(
            $"POST /_matrix/client/v3/rooms/!a/send/m.room.message HTTP/1.1\r\nHost: chat.example\r\nAuthorization: Bearer {member.Token}\r\nContent-Type: {type}\r\nContent-Length: {body.Length}\r\n\r\n{body}"));

        Assert.All(received, request => Assert.DoesNotContain("form", request.Headers.GetValueOrDefault("Content-Type", ""), StringComparison.OrdinalIgnoreCase));
    }

    [Theory]
    [InlineData("application/json")]
    [InlineData("application/json; charset=utf-8")]
    [InlineData("image/svg+xml")]
    [InlineData("text/plain;charset=\"UTF-8\"")]
    public async Task Every_other_type_arrives_as_it_was_sent(string type)
    {
        await using var gateway = await TestGateway.StartAsync();
        var member = await RawMember.SignInAsync(gateway);

        var (_, received) = await member.SendAsync(Encoding.ASCII.GetBytes(
            $"POST /_matrix/media/v3/upload HTTP/1.1\r\nHost: chat.example\r\nAuthorization: Bearer {member.Token}\r\nContent-Type: {type}\r\nContent-Length: 2\r\n\r\n{{}}"));

        Assert.Equal(type, Assert.Single(received).Headers["Content-Type"]);
    }

    /// <summary>Devices have names, and apps put them there.</summary>
    [Fact]
    public async Task A_name_with_accents_in_a_header_is_no_fault()
    {
        await using var gateway = await TestGateway.StartAsync();
        var member = await RawMember.SignInAsync(gateway);

        var (answer, received) = await member.SendAsync(Encoding.UTF8.GetBytes(
            $"GET /_matrix/client/v3/joined_rooms HTTP/1.1\r\nHost: chat.example\r\nAuthorization: Bearer {member.Token}\r\nUser-Agent: Element (téléphone de Zoë 💚)\r\n\r\n"));

        Assert.StartsWith("HTTP/1.1 200", answer, StringComparison.Ordinal);
        Assert.Equal("Element (téléphone de Zoë 💚)", Assert.Single(received).Headers["User-Agent"]);
    }

    [Theory]
    [InlineData(403, "/_matrix/client/v3/account/whoami")]
    [InlineData(401, "/_matrix/client/versions")]
    public async Task A_live_device_never_hears_unknown_token_from_the_homeserver(int status, string path)
    {
        await using var gateway = await TestGateway.StartAsync();
        var phone = await gateway.EnrolAsync("alice");
        using var alice = path.EndsWith("versions", StringComparison.Ordinal) ? gateway.At(phone.Device.TunnelAddress) : await gateway.SignInAsync(phone);
        gateway.Homeserver.Interfere = async context =>
        {
            await FakeHomeserver.ReplyAsync(context, status, """{"errcode":"M_UNKNOWN_TOKEN","error":"a fault"}""");
            return true;
        };

        using var reply = await alice.GetAsync(path);

        Assert.DoesNotContain("M_UNKNOWN_TOKEN", await reply.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, reply.StatusCode);
    }

    [Fact]
    public async Task A_session_opened_anew_is_not_ended_by_the_doubt_about_the_old_one()
    {
        await using var gateway = await TestGateway.StartAsync();
        var phone = await gateway.EnrolAsync("alice");
        using var client = gateway.At(phone.Device.TunnelAddress);
        using var first = await TestGateway.LoginAsync(client, phone.LoginCode, "SAME");
        var device = gateway.Device("alice/phone");
        var listed = new TaskCompletionSource();
        var goOn = new TaskCompletionSource();
        gateway.Homeserver.Interfere = async context =>
        {
            if (context.Request.Path != "/_matrix/client/v3/devices")
            {
                return false;
            }

            listed.TrySetResult();
            await goOn.Task;
            await FakeHomeserver.ReplyAsync(context, 200, """{"devices":[]}""");
            return true;
        };
        var keeper = gateway.Service<SessionKeeper>();
        keeper.Doubt(device.Id, "SAME");
        var look = keeper.KeepOnceAsync(default);
        await listed.Task.WaitAsync(TimeSpan.FromSeconds(10));
        var (grant, _) = await gateway.Admin.AllowLoginAsync("alice/phone", default);
        using var again = await TestGateway.LoginAsync(client, grant.LoginCode, "SAME");
        Assert.Equal(HttpStatusCode.OK, again.StatusCode);
        goOn.SetResult();
        await look;

        Assert.Equal(Onboarding.Devices.MatrixSessionState.Open, gateway.Device("alice/phone").Sessions.Single().State);
    }

    [Theory]
    [InlineData("/_matrix/client/v3/rooms/..%2F..%2F..%2F..%2F_synapse/admin/v1/users")]
    [InlineData("/_matrix/client/v3/rooms/x%2f..%2f..%2f..%2f..%2f..%2f_synapse")]
    [InlineData("/_matrix/client/v3/rooms/%2f%2e%2E/y")]
    public void A_dot_segment_behind_an_encoded_slash_is_one(string target) =>
        Assert.Equal(Passage.None, AccessPolicy.Of("GET", target));

    [Fact]
    public void What_holds_a_secret_does_not_print_it()
    {
        var device = new DeviceView("d-aaaaaaaa", "alice", "phone", "198.19.0.2", "", "pending", false, null, [], null);

        Assert.DoesNotContain("s3cret", new EnrolmentView(device, "PrivateKey = s3cret", "s3cret", default, "").ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("s3cret", new LoginGrantView(device, "s3cret", default).ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("s3cret", new HomeserverConfigView("as_token: s3cret", "", SettingsAreSecret: false).ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("s3cret", new Onboarding.Matrix.LoginReply("@a:b", "s3cret", "X").ToString(), StringComparison.Ordinal);
    }
}
