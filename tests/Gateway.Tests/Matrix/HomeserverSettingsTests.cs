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
        var settings = WithoutComments(HomeserverSettings.Settings("chat.example.org", address, "/etc/gateway-registration.yaml", secret: null, 14));

        Assert.Contains("listeners:\n" + listener + "    x_forwarded: true\n    resources:\n      - names: [client]\n", settings, StringComparison.Ordinal);
        Assert.Equal(1, settings.Split("type: http").Length - 1);
    }

    [Fact]
    public void Every_setting_is_said_once()
    {
        var keys = Text(14).Split('\n').Where(line => line.Length > 0 && char.IsAsciiLetter(line[0])).Select(line => line[..line.IndexOf(':', StringComparison.Ordinal)]).ToList();

        Assert.Equal(keys.Count, keys.Distinct(StringComparer.Ordinal).Count());
    }

    /// <summary>On its own line; in the first groups, which have long values, above it.</summary>
    [Fact]
    public void Every_setting_has_its_reason()
    {
        foreach (var group in Text(14).TrimEnd().Split("\n\n").Select(group => group.Split('\n')))
        {
            var onTheLine = group.Any(HasReason);
            Assert.All(group.Where(line => !IsComment(line) && !line.EndsWith(':')), value => Assert.True(
                onTheLine ? HasReason(value) : group.TakeWhile(line => line != value).Any(IsComment), $"without a reason: {value}"));
        }

        static bool IsComment(string line) => line.TrimStart().StartsWith("# ", StringComparison.Ordinal);

        static bool HasReason(string line) => !IsComment(line) && line.Contains(" # ", StringComparison.Ordinal);
    }

    /// <summary>Of those that matter most; the end-to-end tests have their effect.</summary>
    [Theory]
    [InlineData("app_service_config_files:\n  - '/etc/gateway-registration.yaml'")]
    [InlineData("federation_domain_whitelist: []")]
    [InlineData("enable_registration: false")]
    [InlineData("password_config:\n  enabled: false")]
    [InlineData("search_all_users: true")]
    [InlineData("max_upload_size: 50M")]
    [InlineData("encryption_enabled_by_default_for_room_type: all")]
    [InlineData("presence:\n  enabled: false")]
    [InlineData("include_content: false")]
    [InlineData("report_stats: false")]
    [InlineData("room_list_publication_rules:\n  - action: deny")]
    [InlineData("delete_stale_devices_after: null")]
    [InlineData("max_lifetime: 14d")]
    public void A_setting_is(string setting) => Assert.Contains(setting + "\n", WithoutComments(Text(14)), StringComparison.Ordinal);

    [Theory]
    [InlineData(1)]
    [InlineData(30)]
    [InlineData(365)]
    public void How_long_things_are_kept_is_the_admins(int days)
    {
        var settings = WithoutComments(Text(days)) + "\n";

        foreach (var name in new[] { "    max_lifetime", "  allowed_lifetime_max", "forgotten_room_retention_period", "user_ips_max_age", "  local_media_lifetime", "  remote_media_lifetime" })
        {
            Assert.Contains(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"\n{name}: {days}d\n"), settings, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void The_shared_secret_stands_in_the_settings_only_while_it_is_needed()
    {
        var without = HomeserverSettings.Settings("chat.example", "http://127.0.0.1:8008", "/r.yaml", secret: null, 14);
        var with = HomeserverSettings.Settings("chat.example", "http://127.0.0.1:8008", "/r.yaml", new RegistrationSecret("s3cret"), 14);

        Assert.Contains("\nregistration_shared_secret: 's3cret'\n", with, StringComparison.Ordinal);
        // Not left out: Synapse's own file may have one that nobody remembers.
        Assert.Contains("\nregistration_shared_secret: null\n", without, StringComparison.Ordinal);
    }

    [Fact]
    public void A_line_end_in_a_value_cannot_become_a_setting()
    {
        Assert.Throws<ArgumentException>(() => HomeserverSettings.Registration("chat.example", "as\nurl: http://evil", "hs"));
        Assert.Throws<ArgumentException>(() => HomeserverSettings.Settings("chat.example", "http://127.0.0.1:8008", "/x\nenable_registration: true", secret: null, 14));
    }

    private static string Text(int days) => HomeserverSettings.Settings("chat.example.org", "http://127.0.0.1:8008", "/etc/gateway-registration.yaml", secret: null, days);

    private static string WithoutComments(string yaml) =>
        string.Join('\n', yaml.Split('\n').Select(line => line.Split(" # ")[0].TrimEnd()).Where(line => line.Trim() is { Length: > 0 } text && text[0] != '#'));
}
