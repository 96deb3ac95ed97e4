using Gateway.Admin;
using Gateway.Tests.Testing;

namespace Gateway.Tests.Admin;

public sealed class OpenApiTests
{
    /// <summary>Scripts rely on this document: a change of it is a change of what they may rely on.</summary>
    [Fact]
    public async Task The_admins_socket_is_described_and_stays_as_described()
    {
        await using var gateway = await TestGateway.StartAsync();
        using var http = gateway.RawAdmin();

        Golden.Matches("openapi.json", await http.GetStringAsync("/v1/openapi.json"));
    }

    [Theory]
    [InlineData("/v1/devices")]
    [InlineData("/v1/status")]
    [InlineData("/v1/openapi.json")]
    [InlineData("/v1/homeserver-config?registration=/x")]
    public async Task Nothing_of_it_is_reachable_from_the_tunnel(string path)
    {
        await using var gateway = await TestGateway.StartAsync();
        using var alice = await gateway.SignInAsync(await gateway.EnrolAsync("alice"));

        using var reply = await alice.GetAsync(path);

        Assert.Equal(System.Net.HttpStatusCode.NotFound, reply.StatusCode);
        Assert.Contains("M_UNRECOGNIZED", await reply.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_unknown_member_of_a_request_is_an_error_and_changes_nothing()
    {
        await using var gateway = await TestGateway.StartAsync();
        using var http = gateway.RawAdmin();
        using var body = new StringContent("""{"member":"alice","device":null,"displayName":null,"os":null,"adopt":false,"isAdmin":true}""", System.Text.Encoding.UTF8, "application/json");

        using var reply = await http.PostAsync(AdminRoutes.Enrolments, body);

        Assert.Equal(System.Net.HttpStatusCode.BadRequest, reply.StatusCode);
        Assert.Empty(gateway.State.Members);
    }
}
