using Gateway.Onboarding.Keys;
using Gateway.Onboarding.Matrix;

namespace Gateway.Tests.Matrix;

public sealed class HomeserverSettingsTests
{
    [Fact]
    public void The_registration_is_a_service_for_every_account_from_this_machine_alone()
    {
        Assert.Equal(
            """
            id: gateway
            url: null
            as_token: 'as'
            hs_token: 'hs'
            sender_localpart: gateway-service
            rate_limited: false
            namespaces:
              users:
                - regex: '@.*:chat\.example\.org'
                  exclusive: false
              aliases: []
              rooms: []
            ip_range_whitelist: ["127.0.0.1/32", "::1/128"]
            """,
            WithoutComments(HomeserverSettings.Registration("chat.example.org", "as", "hs")));
    }

    [Theory]
    [InlineData("http://127.0.0.1:8008", "  - port: 8008\n    bind_addresses: ['127.0.0.1']\n    type: http\n")]
    [InlineData("http://127.0.0.1:18448/", "  - port: 18448\n    bind_addresses: ['127.0.0.1']\n    type: http\n")]
    [InlineData("unix:/run/synapse/it's.sock", "  - path: '/run/synapse/it''s.sock'\n    type: http\n")]
    public void Synapse_listens_where_the_gateway_asks_and_nowhere_else(string address, string listener)
    {
        var settings = WithoutComments(HomeserverSettings.Settings("chat.example.org", address, "/etc/gateway-registration.yaml", secret: null));

        Assert.Contains("listeners:\n" + listener + "    x_forwarded: true\n    resources:\n      - names: [client]\n", settings, StringComparison.Ordinal);
        Assert.Equal(1, settings.Split("type: http").Length - 1);
    }

    [Fact]
    public void Every_setting_is_said_once_and_its_group_gives_a_reason()
    {
        var text = HomeserverSettings.Settings("chat.example.org", "http://127.0.0.1:8008", "/etc/gateway-registration.yaml", secret: null);
        var keys = text.Split('\n').Where(line => line.Length > 0 && char.IsAsciiLetter(line[0])).Select(line => line[..line.IndexOf(':', StringComparison.Ordinal)]).ToList();

        Assert.Equal(keys.Count, keys.Distinct(StringComparer.Ordinal).Count());
        foreach (var group in text.TrimEnd().Split("\n\n"))
        {
            Assert.StartsWith("# ", group, StringComparison.Ordinal);
        }

        foreach (var setting in new[]
        {
            "app_service_config_files:\n  - '/etc/gateway-registration.yaml'", "federation_domain_whitelist: []", "enable_registration: false",
            "password_config:\n  enabled: false", "max_lifetime: 14d", "search_all_users: true", "max_upload_size: 50M",
            "encryption_enabled_by_default_for_room_type: all", "presence:\n  enabled: false", "include_content: false", "report_stats: false",
        })
        {
            Assert.Contains(setting + "\n", WithoutComments(text), StringComparison.Ordinal);
        }
    }

    [Fact]
    public void The_shared_secret_stands_in_the_settings_only_while_it_is_needed()
    {
        var without = HomeserverSettings.Settings("chat.example", "http://127.0.0.1:8008", "/r.yaml", secret: null);
        var with = HomeserverSettings.Settings("chat.example", "http://127.0.0.1:8008", "/r.yaml", new RegistrationSecret("s3cret"));

        Assert.Contains("\nregistration_shared_secret: 's3cret'\n", with, StringComparison.Ordinal);
        Assert.DoesNotContain("shared_secret", without, StringComparison.Ordinal);
    }

    [Fact]
    public void A_line_end_in_a_value_cannot_become_a_setting()
    {
        Assert.Throws<ArgumentException>(() => HomeserverSettings.Registration("chat.example", "as\nurl: http://evil", "hs"));
        Assert.Throws<ArgumentException>(() => HomeserverSettings.Settings("chat.example", "http://127.0.0.1:8008", "/x\nenable_registration: true", secret: null));
    }

    private static string WithoutComments(string yaml) =>
        string.Join('\n', yaml.Split('\n').Where(line => line.Trim() is { Length: > 0 } text && text[0] != '#'));
}
