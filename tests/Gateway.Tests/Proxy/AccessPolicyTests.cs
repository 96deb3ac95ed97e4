using Gateway.Proxy;

namespace Gateway.Tests.Proxy;

public sealed class AccessPolicyTests
{
    [Theory]
    [InlineData("GET", "/_matrix/client/v3/sync?timeout=30000&since=s1_2", Passage.Forward)]
    [InlineData("POST", "/_matrix/client/unstable/org.matrix.simplified_msc3575/sync?pos=1", Passage.Forward)]
    [InlineData("PUT", "/_matrix/client/v3/rooms/!a%3Ab/send/m.room.encrypted/1", Passage.Forward)]
    [InlineData("POST", "/_matrix/client/v3/keys/upload", Passage.Forward)]
    [InlineData("GET", "/_matrix/client/v1/media/download/chat.example/abc", Passage.Forward)]
    [InlineData("POST", "/_matrix/media/v3/upload?filename=a.jpg", Passage.Upload)]
    [InlineData("PUT", "/_matrix/media/v3/upload/chat.example/abc", Passage.Upload)]
    [InlineData("GET", "/_matrix/client/v3/account/whoami", Passage.Forward)]
    [InlineData("GET", "/_matrix/client/versions", Passage.Versions)]
    [InlineData("GET", "/_matrix/client/r0/login", Passage.LoginFlows)]
    [InlineData("POST", "/_matrix/client/api/v1/login", Passage.Login)]
    [InlineData("POST", "/_matrix/client/v3/logout", Passage.Logout)]
    [InlineData("POST", "/_matrix/client/v3/logout/all", Passage.LogoutAll)]
    [InlineData("GET", "/.well-known/matrix/client", Passage.WellKnown)]
    public void What_clients_need_passes(string method, string target, object expected) =>
        Assert.Equal((Passage)expected, AccessPolicy.Of(method, target));

    [Theory]
    [InlineData("/_synapse/admin/v1/register")]
    [InlineData("/_synapse/client/pick_username")]
    [InlineData("/_matrix/federation/v1/version")]
    [InlineData("/_matrix/key/v2/server")]
    [InlineData("/_matrix/client/v3/register")]
    [InlineData("/_matrix/client/v3/register/available?username=a")]
    [InlineData("/_matrix/client/v1/register/m.login.registration_token/validity")]
    [InlineData("/_matrix/client/v3/account/password")]
    [InlineData("/_matrix/client/v3/account/deactivate")]
    [InlineData("/_matrix/client/v3/account/3pid")]
    [InlineData("/_matrix/client/v3/account/3pid/add")]
    [InlineData("/_matrix/client/v3/admin/whois/@a:b")]
    [InlineData("/_matrix/client/v1/login/get_token")]
    [InlineData("/_matrix/client/unstable/org.matrix.msc3882/login/token")]
    [InlineData("/_matrix/client/unstable/org.matrix.msc4108/rendezvous")]
    [InlineData("/_matrix/client/v3/user/@alice:chat.example/openid/request_token")]
    [InlineData("/_matrix/client/v3/login/")]
    [InlineData("/_matrix/client/v2/sync")]
    [InlineData("/_matrix/client/v3/")]
    [InlineData("/_matrix/client/v3/somethingnew")]
    [InlineData("/_matrix/app/v1/ping")]
    [InlineData("/_Matrix/client/v3/sync")]
    [InlineData("/_matrix/client/v3/%73ync")]
    [InlineData("/_matrix/client/v3/Sync")]
    [InlineData("/health")]
    [InlineData("*")]
    [InlineData("https://chat.example/_matrix/client/v3/sync")]
    public void All_else_is_shut(string target)
    {
        foreach (var method in new[] { "GET", "POST", "PUT", "DELETE" })
        {
            Assert.Equal(Passage.None, AccessPolicy.Of(method, target));
        }
    }

    [Theory]
    [InlineData("/_matrix/client/v3/rooms/../../../../_synapse/admin/v1/register")]
    [InlineData("/_matrix/client/v3/rooms/%2e%2e/%2e%2e/admin/whois/a")]
    [InlineData("/_matrix/client/v3/rooms/.%2E/admin")]
    [InlineData("/_matrix/client/v3/rooms/./state")]
    [InlineData("/_matrix/client/v3/rooms//state")]
    [InlineData("//_matrix/client/v3/sync")]
    [InlineData("/_matrix/client/v3/rooms/a\\b")]
    [InlineData("/_matrix/client/v3/rooms/a%5cb")]
    [InlineData("/_matrix/client/v3/rooms/a%00b")]
    [InlineData("/_matrix/client/v3/rooms/a%0d%0aX:y")]
    [InlineData("/_matrix/client/v3/rooms/%252e%252e/admin")]
    [InlineData("/_matrix/client/v3/rooms/a%252fb")]
    [InlineData("/_matrix/client/v3/rooms/a%zz")]
    [InlineData("/_matrix/client/v3/rooms/a%2")]
    [InlineData("/_matrix/client/v3/rooms/a#b")]
    [InlineData("/_matrix/client/v3/rooms/a b")]
    [InlineData("/_matrix/client/v3/rooms/é")]
    [InlineData("/_matrix/client/v3/sync?a=b c")]
    [InlineData("/_matrix/client/v3/sync?a=%g1")]
    [InlineData("")]
    public void A_target_that_could_mean_two_things_is_shut(string target) =>
        Assert.Equal(Passage.None, AccessPolicy.Of("GET", target));

    [Theory]
    [InlineData("HEAD")]
    [InlineData("PATCH")]
    [InlineData("TRACE")]
    [InlineData("CONNECT")]
    [InlineData("get")]
    public void Other_methods_are_shut(string method) =>
        Assert.Equal(Passage.WrongMethod, AccessPolicy.Of(method, "/_matrix/client/v3/sync"));
}
