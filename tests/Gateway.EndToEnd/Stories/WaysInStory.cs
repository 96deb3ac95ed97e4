using System.Globalization;
using System.Net;
using System.Text.Json;
using Gateway.EndToEnd.Lab;

namespace Gateway.EndToEnd.Stories;

/// <summary>
/// The same Matrix app signs in by each of the ways that there are, works, and signs out in the manner of that way. The
/// pages in between are taken as they go over the wire; BrowserStory shows them to people.
/// </summary>
[Collection(SharedLab.Name)]
public sealed class WaysInStory(TestLab lab) : IAsyncDisposable
{
    private const string FluffyChat = "im.fluffychat.auth:/login";
    private const string ElementX = "io.element.android:/";

    public ValueTask DisposeAsync() => lab.EndStoryAsync();

    [Fact]
    public async Task By_SSO_an_app_is_in_once_the_admin_approved_and_its_logout_ends_the_session()
    {
        var (enrolment, phone) = await lab.JoinAsync("rosa");
        await phone.WaitForHandshakeAsync();
        var client = lab.Open(phone);
        var pages = new SignInPages(phone);

        var number = await pages.StartAsync(await client.SsoAddressAsync(FluffyChat));
        (await lab.Gateway.RunAsync("approve", "rosa/phone", "--number", number.ToString(CultureInfo.InvariantCulture))).Expect();
        await client.ComeBackAsync(await pages.WayBackAsync());
        await AssertWorksAsync(enrolment, client, "FluffyChat");

        await AssertLogoutAsync(enrolment, phone, client);
    }

    [Fact]
    public async Task By_OAuth_an_app_is_in_once_the_code_was_typed_and_revoking_its_token_ends_the_session()
    {
        var (enrolment, phone) = await lab.JoinAsync("sami");
        await phone.WaitForHandshakeAsync();
        var client = lab.Open(phone);
        var pages = new SignInPages(phone);

        await pages.StartAsync(await client.OAuthAddressAsync(ElementX));
        await pages.TypeAsync(enrolment.LoginCode);
        await client.ComeBackAsync(await pages.WayBackAsync());
        await AssertWorksAsync(enrolment, client, "Element X");

        await AssertLogoutAsync(enrolment, phone, client);
    }

    [Fact]
    public async Task By_the_code_as_the_password_an_app_is_in_and_its_logout_ends_the_session()
    {
        var (enrolment, phone) = await lab.JoinAsync("tove");
        var client = lab.Open(phone);

        await client.LoginAsync("tove", enrolment.LoginCode);
        await AssertWorksAsync(enrolment, client, "Lab client");

        await AssertLogoutAsync(enrolment, phone, client);
    }

    /// <summary>It syncs, and a wish for a fresh token, which clients act upon in their own way, costs it nothing.</summary>
    private async Task AssertWorksAsync(Enrolment enrolment, MatrixClient client, string name)
    {
        Assert.Equal([client.SessionId], await lab.Homeserver.SessionsAsync(enrolment.MatrixUserId));
        Assert.Equal([(client.SessionId, name)], Sessions(await lab.Gateway.DeviceAsync(enrolment.DeviceId)));
        await client.StartAsync();

        var refused = await Assert.ThrowsAsync<InstructionException>(client.RefreshAsync);

        // Neither a Matrix error nor OAuth's: those end the session in every client's eyes.
        Assert.Null(refused.ErrorCode);
        Assert.DoesNotContain("invalid_grant", refused.Message, StringComparison.Ordinal);
        Assert.Equal(enrolment.MatrixUserId, (await client.WhoAmIAsync()).GetProperty("user_id").GetString());
        Assert.Empty(await client.DisturbancesAsync());
    }

    private async Task AssertLogoutAsync(Enrolment enrolment, Phone phone, MatrixClient client)
    {
        await phone.CalmAsync(client.AccessToken);

        await client.LogoutAsync();

        var after = await phone.GetAsync("_matrix/client/v3/account/whoami", client.AccessToken);
        Assert.Equal((HttpStatusCode.Unauthorized, "M_UNKNOWN_TOKEN"), (after.Status, after.ErrorCode));
        await Until.ValueAsync("the homeserver ends the session", TimeSpan.FromSeconds(10), () => lab.Homeserver.SessionsAsync(enrolment.MatrixUserId), left => left.Count == 0);
        var device = await lab.Gateway.DeviceAsync(enrolment.DeviceId);
        Assert.Equal("connected", device.GetProperty("state").GetString());
        Assert.Empty(Sessions(device));
    }

    private static IEnumerable<(string?, string?)> Sessions(JsonElement device) =>
        device.GetProperty("sessions").EnumerateArray().Select(session => (session.GetProperty("matrixDeviceId").GetString(), session.GetProperty("client").GetString()));
}
