using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Gateway.Admin;
using Gateway.Onboarding.Keys;
using Gateway.Onboarding.LoginGrants;
using Gateway.Onboarding.Store;
using Gateway.Tests.Login;
using Gateway.Tests.Testing;

namespace Gateway.Tests.Conventions;

/// <summary>
/// What went wrong in comparable products, as tests of ours: one each, by the number that it has in our study of them. Where
/// another test proves it better, the remark names it.
/// </summary>
public sealed partial class LessonTests
{
    private const string Sso = "/_matrix/client/v3/login/sso/redirect?redirectUrl=element%3A%2F%2Fconnect";

    private static string Sources => Path.GetFullPath(Path.Combine(Here(), "../../../src"));

    /// <summary>wg-easy: a one-time link of 32 bits from Math.random, good again for 10 s. See SignInAttackTests, LoginTests.</summary>
    [Fact]
    public async Task S1_a_one_time_secret_is_long_unguessable_stored_as_a_hash_and_good_once()
    {
        await using var gateway = await TestGateway.StartAsync();
        var alice = await gateway.EnrolAsync("alice");
        using var browser = await new Browser(gateway, alice.Device.TunnelAddress).OpenAsync(Sso);
        await browser.PressAsync("start");
        await gateway.Admin.DecideSignInAsync(new SignInDecision("alice/phone", browser.Number, Approve: true), default);
        await browser.ReloadAsync(browser.Path.Length > 0 ? browser.Path : "/sign-in/");
        Assert.All(Enumerable.Range(0, 1000).Select(_ => LoginCode.Generate(new Entropy()).Reveal()).GroupBy(code => code), same => Assert.Single(same));
        Assert.DoesNotContain(alice.LoginCode, Encoding.Latin1.GetString([.. gateway.Disk.Names().SelectMany(gateway.Disk.Read)]), StringComparison.Ordinal);
        using var client = gateway.At(alice.Device.TunnelAddress);
        using var first = await TestGateway.LoginAsync(client, alice.LoginCode);
        using var second = await TestGateway.LoginAsync(client, alice.LoginCode);
        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.Forbidden), (first.StatusCode, second.StatusCode));
    }

    /// <summary>wg-easy: an address field that a shell ran.</summary>
    [Fact]
    public async Task S2_no_shell_is_ever_started_and_names_with_marks_of_one_are_refused()
    {
        Assert.DoesNotContain(Files(), file => ShellPattern().IsMatch(file.Text));
        await using var gateway = await TestGateway.StartAsync();
        foreach (var name in new[] { "alice;id", "$(id)", "alice`id`", "a|b", "alice\nid" })
        {
            await Assert.ThrowsAsync<Gateway.Commands.CommandException>(() => gateway.EnrolAsync(name));
            await Assert.ThrowsAsync<Gateway.Commands.CommandException>(() => gateway.EnrolAsync("alice", name));
        }

        Assert.Empty(gateway.State.Devices);
    }

    /// <summary>wg-easy: a second way in that forgot the switch of the first. Netmaker: any user could stop the server.</summary>
    [Fact]
    public async Task S3_and_S6_nothing_of_the_admins_exists_in_the_tunnel()
    {
        await using var gateway = await TestGateway.StartAsync();
        using var alice = await gateway.SignInAsync(await gateway.EnrolAsync("alice"));
        var routes = typeof(AdminRoutes).GetFields().Select(field => (string)field.GetRawConstantValue()!).Append("/v1/openapi.json").ToList();
        Assert.True(routes.Count >= 10);
        foreach (var route in routes)
        {
            foreach (var method in new[] { HttpMethod.Get, HttpMethod.Post, HttpMethod.Put, HttpMethod.Delete })
            {
                using var request = new HttpRequestMessage(method, route);
                using var answer = await alice.SendAsync(request);
                Assert.True(answer.StatusCode == HttpStatusCode.NotFound, $"{method} {route}: {answer.StatusCode}");
            }
        }
    }

    /// <summary>Netmaker: private keys in clear over the API. See also SecretsStory.</summary>
    [Fact]
    public async Task S4_no_answer_but_the_enrolments_own_has_a_key_or_a_code()
    {
        await using var gateway = await TestGateway.StartAsync();
        var alice = await gateway.EnrolAsync("alice");
        var secrets = PrivateKeyPattern().Matches(alice.Config).Select(match => match.Groups["key"].Value).Append(alice.LoginCode).ToList();
        Assert.Equal(3, secrets.Count);
        using var admin = gateway.RawAdmin();
        foreach (var route in new[] { AdminRoutes.Devices, AdminRoutes.Members, AdminRoutes.Status, AdminRoutes.Audit, AdminRoutes.SignIns })
        {
            var text = await admin.GetStringAsync(route);
            Assert.All(secrets, secret => Assert.DoesNotContain(secret, text, StringComparison.Ordinal));
        }
    }

    /// <summary>Netmaker: a token whose signature nobody checked.</summary>
    [Fact]
    public async Task S5_a_token_that_only_looks_right_reaches_nothing()
    {
        await using var gateway = await TestGateway.StartAsync();
        using var alice = await gateway.SignInAsync(await gateway.EnrolAsync("alice"));
        var token = alice.DefaultRequestHeaders.Authorization!.Parameter!;
        gateway.Homeserver.Requests.Clear();
        foreach (var forged in new[] { token + "A", token[..^1], token.ToUpperInvariant(), "syt_YWxpY2U_aaaaaaaaaaaaaaaaaaaa_000000", "null" })
        {
            alice.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", forged);
            using var answer = await alice.GetAsync("/_matrix/client/v3/sync");
            Assert.Equal(HttpStatusCode.Forbidden, answer.StatusCode);
        }

        Assert.DoesNotContain(gateway.Homeserver.Requests, request => request.Target.Contains("sync", StringComparison.Ordinal));
    }

    /// <summary>Pangolin: the body's identifier won over the address's. Headscale: a user was found by what was typed.</summary>
    [Fact]
    public async Task S7_and_S13_who_signs_in_is_the_tunnels_device_whatever_the_request_says()
    {
        await using var gateway = await TestGateway.StartAsync();
        await gateway.EnrolAsync("bob");
        var alice = await gateway.EnrolAsync("alice");
        using var client = gateway.At(alice.Device.TunnelAddress);
        using var reply = await client.PostAsJsonAsync("/_matrix/client/v3/login?user_id=@bob:chat.example", new JsonObject
        {
            ["type"] = "m.login.password",
            ["user"] = "bob",
            ["identifier"] = new JsonObject { ["type"] = "m.id.user", ["user"] = "@bob:chat.example" },
            ["password"] = alice.LoginCode,
        });

        Assert.Equal("@alice:chat.example", (string?)(await reply.Content.ReadFromJsonAsync<JsonNode>())!["user_id"]);
        Assert.Empty(gateway.Homeserver.Accounts["bob"]);
    }

    /// <summary>wg-portal: a user set fields of their own record that no form had.</summary>
    [Fact]
    public async Task S8_a_field_that_a_request_does_not_have_is_refused_not_taken()
    {
        await using var gateway = await TestGateway.StartAsync();
        using var admin = gateway.RawAdmin();
        using var reply = await admin.PostAsync(AdminRoutes.Enrolments, new StringContent("""{"member":"alice","adopt":false,"standing":2,"isAdmin":true}""", Encoding.UTF8, "application/json"));

        Assert.Equal(HttpStatusCode.BadRequest, reply.StatusCode);
        Assert.Empty(gateway.State.Members);
    }

    /// <summary>wg-portal: redirects and origins compared by their beginning. See ClientAppsTests, GateLimitTests.</summary>
    [Theory]
    [InlineData("https://app.example.evil.test/")]
    [InlineData("https://app.example@evil.test/")]
    [InlineData("https://app.example:444/")]
    public async Task S9_an_address_that_begins_like_ours_is_not_ours(string address)
    {
        await using var gateway = await TestGateway.StartAsync(("Login:RedirectUrls:0", "https://app.example/"));
        var alice = await gateway.EnrolAsync("alice");
        using var browser = await new Browser(gateway, alice.Device.TunnelAddress).OpenAsync($"/_matrix/client/v3/login/sso/redirect?redirectUrl={Uri.EscapeDataString(address)}");
        using var client = gateway.At(alice.Device.TunnelAddress);
        client.DefaultRequestHeaders.Add("Origin", address.TrimEnd('/'));
        using var called = await client.GetAsync("/_matrix/client/versions");

        Assert.Equal(HttpStatusCode.BadRequest, browser.Last.StatusCode);
        Assert.Equal(HttpStatusCode.Forbidden, called.StatusCode);
    }

    /// <summary>wg-portal: secrets that every installation had.</summary>
    [Fact]
    public async Task S10_no_two_gateways_have_a_secret_in_common()
    {
        await using var one = await TestGateway.StartAsync();
        await using var other = await TestGateway.StartAsync();

        Assert.NotEqual(one.Service<AsToken>().Reveal(), other.Service<AsToken>().Reveal());
        Assert.NotEqual(one.Service<HsToken>().Reveal(), other.Service<HsToken>().Reveal());
        Assert.NotEqual(
            one.Service<StoreFile>().Secret("token-hash-key", () => throw new InvalidOperationException()),
            other.Service<StoreFile>().Secret("token-hash-key", () => throw new InvalidOperationException()));
    }

    /// <summary>Tailscale TS-2025-007: looked at in one transaction, spent in another. See LoginStory.</summary>
    [Fact]
    public async Task S11_of_many_at_once_one_spends_the_code()
    {
        await using var gateway = await TestGateway.StartAsync();
        var alice = await gateway.EnrolAsync("alice");
        using var client = gateway.At(alice.Device.TunnelAddress);

        var replies = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => TestGateway.LoginAsync(client, alice.LoginCode)));

        Assert.Single(replies, reply => reply.StatusCode == HttpStatusCode.OK);
        Assert.Single(gateway.Homeserver.Accounts["alice"]);
    }

    /// <summary>Tailscale TS-2025-003: a secret compared byte by byte until the first that differs.</summary>
    [Theory]
    [InlineData("Gateway.Onboarding/LoginGrants/LoginCode.cs")]
    [InlineData("Gateway.Onboarding/Keys/SecretKey.cs")]
    [InlineData("Gateway/Login/SignIns.cs")]
    [InlineData("Gateway/Login/OAuthEndpoint.cs")]
    [InlineData("Gateway/Login/SignIn.cs")]
    public void S12_secrets_are_compared_in_constant_time(string file) =>
        Assert.Contains("FixedTimeEquals", File.ReadAllText(Path.Combine(Sources, file)), StringComparison.Ordinal);

    /// <summary>Identity headers believed because they came from loopback. See Corpus/headers.txt for the headers.</summary>
    [Theory]
    [InlineData("198.19.0.1")]
    [InlineData("127.0.0.1")]
    public async Task S14_neither_the_gateways_own_address_nor_loopback_is_anybody(string address)
    {
        await using var gateway = await TestGateway.StartAsync();
        using var alice = await gateway.SignInAsync(await gateway.EnrolAsync("alice"));
        using var local = gateway.At(address);
        local.DefaultRequestHeaders.Authorization = alice.DefaultRequestHeaders.Authorization;
        local.DefaultRequestHeaders.Add("X-Forwarded-For", "198.19.0.2");
        local.DefaultRequestHeaders.Add("Forwarded", "for=198.19.0.2");

        using var answer = await local.GetAsync("/_matrix/client/v3/account/whoami");

        Assert.Equal(HttpStatusCode.Forbidden, answer.StatusCode);
    }

    /// <summary>innernet's own warning: other apps have the address too. See InterfaceListenerTests for packets from elsewhere.</summary>
    [Fact]
    public async Task S15_the_right_address_alone_opens_no_session()
    {
        await using var gateway = await TestGateway.StartAsync();
        var alice = await gateway.EnrolAsync("alice");
        using var otherApp = gateway.At(alice.Device.TunnelAddress);
        using var guess = await TestGateway.LoginAsync(otherApp, LoginCode.Generate(new Entropy()).Reveal());
        using var browser = await new Browser(gateway, alice.Device.TunnelAddress).OpenAsync(Sso);
        await browser.PressAsync("start");

        Assert.Equal(HttpStatusCode.Forbidden, guess.StatusCode);
        Assert.Null(browser.Continue);
        Assert.Empty(gateway.Homeserver.Accounts["alice"]);
    }

    /// <summary>Defguard's pentests: credentials that outlived their user, guesses that nobody was told of. See SignInAttackTests for frames and redirects.</summary>
    [Fact]
    public async Task S16_a_revocation_ends_every_kind_of_credential_and_guessing_is_said_aloud()
    {
        await using var gateway = await TestGateway.StartAsync();
        var alice = await gateway.EnrolAsync("alice");
        using var signedIn = await gateway.SignInAsync(alice);
        var (armed, _) = await gateway.Admin.AllowLoginAsync("alice/phone", default);
        using var browser = await new Browser(gateway, alice.Device.TunnelAddress).OpenAsync(Sso);
        await browser.PressAsync("start");
        using var client = gateway.At(alice.Device.TunnelAddress);
        for (var guess = 0; guess < 5; guess++)
        {
            using var wrong = await TestGateway.LoginAsync(client, LoginCode.Generate(new Entropy()).Reveal());
        }

        await gateway.Admin.RevokeAsync(new RevocationRequest("alice/phone", null, Cut: false, Erase: false), default);

        Assert.Contains(gateway.Log.GetSnapshot(), line => line.Message.Contains("wrong login codes", StringComparison.Ordinal));
        using var byToken = await signedIn.GetAsync("/_matrix/client/v3/account/whoami");
        using var byCode = await TestGateway.LoginAsync(client, armed.LoginCode);
        Assert.Equal((HttpStatusCode.Unauthorized, HttpStatusCode.Forbidden), (byToken.StatusCode, byCode.StatusCode));
        Assert.Empty((await gateway.Admin.SignInsAsync(default)).View);
        Assert.Equal(Gateway.Onboarding.Devices.GrantState.Cancelled, gateway.Device("alice/phone").Grant!.State);
        Assert.Empty(gateway.Homeserver.Accounts["alice"]);
    }

    /// <summary>wg-easy: sessions without an end, keys in clear in the database and in the arguments of tools. See SecretsStory.</summary>
    [Fact]
    public async Task S17_a_sign_in_ends_by_itself_and_no_key_is_an_argument()
    {
        await using var gateway = await TestGateway.StartAsync();
        var alice = await gateway.EnrolAsync("alice");
        using var browser = await new Browser(gateway, alice.Device.TunnelAddress).OpenAsync(Sso);
        await browser.PressAsync("start");
        var path = browser.Path;
        gateway.Clock.Advance(TimeSpan.FromMinutes(11));
        await browser.ReloadAsync(path);

        Assert.Empty((await gateway.Admin.SignInsAsync(default)).View);
        Assert.DoesNotContain("expires", string.Join(' ', browser.Last.Headers.Select(header => header.Key + string.Concat(header.Value))), StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain(Files(), file => file.Path.EndsWith("WgTool.cs", StringComparison.Ordinal) && file.Text.Contains("\"genkey\"", StringComparison.Ordinal));
    }

    /// <summary>wg-ui: consoles without a login, found from the Internet. See ListenersTests and InternetStory.</summary>
    [Fact]
    public async Task S18_the_admin_listens_on_a_socket_that_only_its_group_may_open()
    {
        await using var gateway = await TestGateway.StartAsync();
        var socket = Path.Combine(gateway.DataDirectory, "admin.sock");

        Assert.Equal(
            UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.GroupWrite,
            File.GetUnixFileMode(socket));
        Assert.DoesNotContain(Files(), file => file.Text.Contains("ListenAnyIP", StringComparison.Ordinal) || file.Text.Contains("ListenLocalhost", StringComparison.Ordinal));
    }

    private static IEnumerable<(string Path, string Text)> Files() =>
        Directory.GetFiles(Sources, "*.cs", SearchOption.AllDirectories).Select(file => (file, File.ReadAllText(file)));

    private static string Here([CallerFilePath] string file = "") => Path.GetDirectoryName(file)!;

    [GeneratedRegex(@"""(/bin/)?(ba)?sh""|UseShellExecute = true", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex ShellPattern();

    [GeneratedRegex(@"(PrivateKey|PresharedKey) = (?<key>\S{44})", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex PrivateKeyPattern();
}
