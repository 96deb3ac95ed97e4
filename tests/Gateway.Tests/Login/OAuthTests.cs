using System.Buffers.Text;
using System.Net;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Gateway.Admin;
using Gateway.Onboarding.Devices;
using Gateway.Tests.Testing;

namespace Gateway.Tests.Login;

public sealed class OAuthTests
{
    private const string Verifier = "a-verifier-of-at-least-forty-three-characters-0123456789";
    private const string ElementX = "io.element.android:/";

    [Theory]
    [InlineData("/_matrix/client/v1/auth_metadata")]
    [InlineData("/_matrix/client/unstable/org.matrix.msc2965/auth_metadata")]
    public async Task The_metadata_has_what_clients_insist_on(string path)
    {
        await using var gateway = await TestGateway.StartAsync();
        var alice = await gateway.EnrolAsync("alice");

        var metadata = (await gateway.At(alice.Device.TunnelAddress).GetFromJsonAsync<JsonObject>(path))!;

        Assert.All(
            ["issuer", "authorization_endpoint", "token_endpoint", "revocation_endpoint", "registration_endpoint"],
            name => Assert.StartsWith("https://chat.example/", (string)metadata[name]!, StringComparison.Ordinal));
        Assert.Equal(["query", "fragment"], metadata["response_modes_supported"]!.AsArray().Select(one => (string)one!));
        Assert.Equal(["S256"], metadata["code_challenge_methods_supported"]!.AsArray().Select(one => (string)one!));
        Assert.Equal(["authorization_code", "refresh_token"], metadata["grant_types_supported"]!.AsArray().Select(one => (string)one!));
    }

    [Fact]
    public async Task Element_X_signs_in_and_logs_out()
    {
        await using var gateway = await TestGateway.StartAsync();
        var alice = await gateway.EnrolAsync("alice", os: "android");
        using var client = gateway.At(alice.Device.TunnelAddress);
        var clientId = await RegisterAsync(client, ElementX);
        var code = await AuthorizeAsync(gateway, alice, clientId, ElementX);

        using var reply = await ExchangeAsync(client, code, clientId, ElementX);
        var tokens = (await reply.Content.ReadFromJsonAsync<JsonObject>())!;
        client.DefaultRequestHeaders.Authorization = new("Bearer", (string)tokens["access_token"]!);
        var who = await client.GetFromJsonAsync<JsonNode>("/_matrix/client/v3/account/whoami");
        client.DefaultRequestHeaders.Authorization = null;
        using var revoked = await client.PostAsync("/oauth2/revoke", Form(("token", (string)tokens["access_token"]!), ("client_id", clientId)));
        client.DefaultRequestHeaders.Authorization = new("Bearer", (string)tokens["access_token"]!);
        using var after = await client.GetAsync("/_matrix/client/v3/account/whoami");

        Assert.Equal("Bearer", (string?)tokens["token_type"]);
        Assert.False(tokens.ContainsKey("refresh_token"));
        Assert.Equal("ELEMENTXID", (string?)who!["device_id"]);
        Assert.Equal(HttpStatusCode.OK, revoked.StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, after.StatusCode);
        Assert.Equal(DeviceState.Connected, gateway.Device("alice/phone").State);
        gateway.Clock.Advance(TimeSpan.FromSeconds(3));
        await Eventually.Is(() => gateway.Homeserver.Accounts["alice"].IsEmpty, TimeSpan.FromSeconds(10));
    }

    [Fact]
    public async Task The_code_is_bound_to_its_verifier_its_app_its_address_and_its_device()
    {
        await using var gateway = await TestGateway.StartAsync();
        var alice = await gateway.EnrolAsync("alice");
        var bob = await gateway.EnrolAsync("bob");
        using var client = gateway.At(alice.Device.TunnelAddress);
        var id = await RegisterAsync(client, ElementX);

        foreach (var (at, verifier, clientId, address) in new[]
        {
            (alice, Verifier + "x", id, ElementX),
            (alice, Verifier, "fluffychat", ElementX),
            (alice, Verifier, id, "im.fluffychat.auth:/login"),
            (bob, Verifier, id, ElementX),
        })
        {
            var code = await AuthorizeAsync(gateway, alice, id, ElementX);
            using var reply = await ExchangeAsync(gateway.At(at.Device.TunnelAddress), code, clientId, address, verifier);
            Assert.Equal(HttpStatusCode.BadRequest, reply.StatusCode);
            Assert.Equal("invalid_grant", (string?)(await reply.Content.ReadFromJsonAsync<JsonNode>())!["error"]);
            gateway.Clock.Advance(TimeSpan.FromMinutes(2.5));
        }

        Assert.Empty(gateway.Homeserver.Accounts["alice"]);
    }

    [Fact]
    public async Task A_device_ID_that_is_anothers_is_refused_and_spends_nothing()
    {
        await using var gateway = await TestGateway.StartAsync();
        var old = await gateway.EnrolAsync("alice", "old");
        using var signedIn = await gateway.SignInAsync(old);
        var taken = gateway.Homeserver.Accounts["alice"].Keys.Single();
        var alice = await gateway.EnrolAsync("alice", "phone");
        using var client = gateway.At(alice.Device.TunnelAddress);
        var id = await RegisterAsync(client, ElementX);

        var code = await AuthorizeAsync(gateway, alice, id, ElementX, taken);
        using var reply = await ExchangeAsync(client, code, id, ElementX);

        Assert.Equal("invalid_scope", (string?)(await reply.Content.ReadFromJsonAsync<JsonNode>())!["error"]);
        Assert.Equal(GrantState.Armed, gateway.Device("alice/phone").Grant!.State);
        Assert.Equal([taken], gateway.Homeserver.Accounts["alice"].Keys);
    }

    [Theory]
    [InlineData("""{"redirect_uris":["https://evil.example/"]}""")]
    [InlineData("""{"redirect_uris":["io.element.android:/","https://evil.example/"]}""")]
    [InlineData("""{"redirect_uris":["io.element.android:/","im.fluffychat.auth:/login"]}""")]
    [InlineData("""{"redirect_uris":["http://127.0.0.1:1234/"]}""")]
    [InlineData("""{"redirect_uris":[]}""")]
    [InlineData("""{"redirect_uris":[null]}""")]
    [InlineData("""{}""")]
    [InlineData("""[]""")]
    [InlineData("not json")]
    public async Task An_app_that_is_not_on_the_list_is_not_registered(string body)
    {
        await using var gateway = await TestGateway.StartAsync();
        var alice = await gateway.EnrolAsync("alice", os: "ios");

        using var reply = await gateway.At(alice.Device.TunnelAddress).PostAsync("/oauth2/register", new StringContent(body, Encoding.UTF8, "application/json"));

        Assert.Equal(HttpStatusCode.BadRequest, reply.StatusCode);
        Assert.Equal("invalid_redirect_uri", (string?)(await reply.Content.ReadFromJsonAsync<JsonNode>())!["error"]);
    }

    [Theory]
    [InlineData("response_type", "token")]
    [InlineData("code_challenge_method", "plain")]
    [InlineData("code_challenge", "short")]
    [InlineData("scope", "urn:matrix:client:api:*")]
    [InlineData("scope", "urn:matrix:client:api:* urn:matrix:client:device:ONE urn:matrix:client:device:TWO")]
    [InlineData("scope", "urn:matrix:client:device:ELEMENTXID")]
    [InlineData("response_mode", "form_post")]
    [InlineData("redirect_uri", "https://evil.example/")]
    [InlineData("client_id", "fluffychat")]
    public async Task An_incomplete_request_opens_nothing(string name, string value)
    {
        await using var gateway = await TestGateway.StartAsync();
        var alice = await gateway.EnrolAsync("alice");

        using var browser = await new Browser(gateway, alice.Device.TunnelAddress).OpenAsync(AuthorizationUrl("element-x-android", ElementX, (name, value)));

        Assert.Equal(HttpStatusCode.BadRequest, browser.Last.StatusCode);
        Assert.DoesNotContain("<form", browser.Page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_refusal_leads_back_with_the_state_in_the_fragment_where_that_was_asked()
    {
        await using var gateway = await TestGateway.StartAsync(("Login:RedirectUrls:0", "https://web.example/app?no_universal_links=true"));
        var alice = await gateway.EnrolAsync("alice");
        const string address = "https://web.example/app?no_universal_links=true";
        var id = await RegisterAsync(gateway.At(alice.Device.TunnelAddress), address);

        using var browser = await new Browser(gateway, alice.Device.TunnelAddress).OpenAsync(AuthorizationUrl(id, address, ("response_mode", "fragment")));
        Assert.Contains("web.example", browser.Page, StringComparison.Ordinal);
        await browser.PressAsync("cancel");

        Assert.Equal(address + "#error=access_denied&state=a%20b%26c", browser.Continue);
    }

    [Fact]
    public async Task Nobody_is_wiped_by_asking_for_fresh_tokens_and_only_a_revoked_device_is_told_that_it_is_over()
    {
        await using var gateway = await TestGateway.StartAsync();
        var alice = await gateway.EnrolAsync("alice");
        using var client = await gateway.SignInAsync(alice);

        using var live = await client.PostAsync("/oauth2/token", Form(("grant_type", "refresh_token"), ("refresh_token", "old"), ("client_id", "x")));
        using var matrix = await client.PostAsJsonAsync("/_matrix/client/v3/refresh", new { refresh_token = "old" });
        await gateway.Admin.RevokeAsync(new RevocationRequest("alice/phone", null, Cut: false, Erase: false), default);
        using var told = await client.PostAsync("/oauth2/token", Form(("grant_type", "refresh_token"), ("refresh_token", "old"), ("client_id", "x")));
        using var toldByMatrix = await client.PostAsJsonAsync("/_matrix/client/v3/refresh", new { refresh_token = "old" });
        using var metadata = await client.GetAsync("/_matrix/client/v1/auth_metadata");

        Assert.Equal([HttpStatusCode.ServiceUnavailable, HttpStatusCode.ServiceUnavailable], [live.StatusCode, matrix.StatusCode]);
        Assert.Equal(["text/plain", "text/plain"], [live.Content.Headers.ContentType!.MediaType, matrix.Content.Headers.ContentType!.MediaType]);
        Assert.Equal(HttpStatusCode.BadRequest, told.StatusCode);
        Assert.Equal("invalid_grant", (string?)(await told.Content.ReadFromJsonAsync<JsonNode>())!["error"]);
        Assert.Equal(HttpStatusCode.Unauthorized, toldByMatrix.StatusCode);
        Assert.Equal("M_UNKNOWN_TOKEN", (string?)(await toldByMatrix.Content.ReadFromJsonAsync<JsonNode>())!["errcode"]);
        Assert.Equal(HttpStatusCode.OK, metadata.StatusCode);
    }

    [Fact]
    public async Task A_stranger_s_token_is_not_revoked()
    {
        await using var gateway = await TestGateway.StartAsync();
        var alice = await gateway.EnrolAsync("alice");
        var bob = await gateway.EnrolAsync("bob");
        using var client = await gateway.SignInAsync(alice);

        using var reply = await gateway.At(bob.Device.TunnelAddress).PostAsync("/oauth2/revoke", Form(("token", client.DefaultRequestHeaders.Authorization!.Parameter!)));
        using var still = await client.GetAsync("/_matrix/client/v3/account/whoami");

        Assert.Equal([HttpStatusCode.OK, HttpStatusCode.OK], [reply.StatusCode, still.StatusCode]);
    }

    private static FormUrlEncodedContent Form(params (string Name, string Value)[] fields) =>
        new(fields.Select(field => KeyValuePair.Create(field.Name, field.Value)));

    private static async Task<string> RegisterAsync(HttpClient client, string address)
    {
        using var reply = await client.PostAsJsonAsync("/oauth2/register", new
        {
            client_name = "Element X",
            client_uri = "https://element.io/",
            redirect_uris = new[] { address },
            application_type = "native",
            token_endpoint_auth_method = "none",
        });
        Assert.Equal(HttpStatusCode.Created, reply.StatusCode);
        return (string)(await reply.Content.ReadFromJsonAsync<JsonNode>())!["client_id"]!;
    }

    private static string AuthorizationUrl(string clientId, string address, (string Name, string Value) other, string matrixDeviceId = "ELEMENTXID")
    {
        var fields = new Dictionary<string, string>
        {
            ["response_type"] = "code",
            ["client_id"] = clientId,
            ["redirect_uri"] = address,
            ["scope"] = $"urn:matrix:org.matrix.msc2967.client:api:* urn:matrix:org.matrix.msc2967.client:device:{matrixDeviceId}",
            ["state"] = "a b&c",
            ["code_challenge"] = Base64Url.EncodeToString(SHA256.HashData(Encoding.ASCII.GetBytes(Verifier))),
            ["code_challenge_method"] = "S256",
            ["prompt"] = "consent",
            [other.Name] = other.Value,
        };
        return "/oauth2/authorize?" + string.Join('&', fields.Select(field => $"{field.Key}={Uri.EscapeDataString(field.Value)}"));
    }

    private static async Task<string> AuthorizeAsync(TestGateway gateway, EnrolmentView enrolment, string clientId, string address, string matrixDeviceId = "ELEMENTXID")
    {
        using var browser = await new Browser(gateway, enrolment.Device.TunnelAddress).OpenAsync(AuthorizationUrl(clientId, address, ("prompt", "consent"), matrixDeviceId));
        await browser.PressAsync("start");
        var path = browser.Path;
        await gateway.Admin.DecideSignInAsync(new SignInDecision(enrolment.Device.Id, browser.Number, Approve: true), default);
        await browser.ReloadAsync(path);
        Assert.EndsWith("&state=a%20b%26c", browser.Continue, StringComparison.Ordinal);
        return browser.Continue!.Split("code=")[1].Split('&')[0];
    }

    private static Task<HttpResponseMessage> ExchangeAsync(HttpClient client, string code, string clientId, string address, string verifier = Verifier) =>
        client.PostAsync("/oauth2/token", Form(
            ("grant_type", "authorization_code"), ("code", code), ("client_id", clientId), ("redirect_uri", address), ("code_verifier", verifier)));
}
