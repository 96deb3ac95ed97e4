using System.Net;
using System.Net.Sockets;
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

    [Fact]
    public async Task One_device_cannot_take_all_connections()
    {
        await using var gateway = await TestGateway.StartAsync();
        await gateway.EnrolAsync("alice");
        using var bob = await gateway.SignInAsync(await gateway.EnrolAsync("bob"));
        bob.DefaultRequestHeaders.ConnectionClose = true;
        using var warm = await bob.GetAsync("/_matrix/client/v3/account/whoami");
        var sockets = new List<Socket>();
        try
        {
            for (var i = 0; i < 4200; i++)
            {
                var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
                sockets.Add(socket);
                socket.Bind(new IPEndPoint(IPAddress.Parse("127.19.0.2"), 0));
                try
                {
                    await socket.ConnectAsync(IPAddress.Loopback, gateway.MemberPort);
                }
                catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionReset)
                {
                    // More than its share: refused while it still connects.
                }
            }

            using var reply = await bob.GetAsync("/_matrix/client/v3/account/whoami");

            Assert.Equal(HttpStatusCode.OK, reply.StatusCode);
        }
        finally
        {
            sockets.ForEach(socket => socket.Dispose());
        }
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
