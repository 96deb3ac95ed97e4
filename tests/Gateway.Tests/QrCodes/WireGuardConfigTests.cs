using System.Net;
using Gateway.Onboarding.Keys;
using Gateway.Onboarding.QrCodes;
using Gateway.Tests.Commands;

namespace Gateway.Tests.QrCodes;

public sealed class WireGuardConfigTests
{
    [Fact]
    public void The_text_is_what_wg_quick_reads()
    {
        Assert.Equal(
            "[Interface]\n"
            + "PrivateKey = oK56DE9Ue9zK76rAc8pBl6opph+1v36lm7cXXsQKrQM=\n"
            + "Address = 198.19.0.2/32\n"
            + "MTU = 1280\n"
            + "[Peer]\n"
            + "PublicKey = GtL7fZc/bLnqZldpVofMCD6hDjrK28SsdLxevJ+qtKU=\n"
            + "PresharedKey = 6sr7LdMhaFVtPLMnwmj3SvWs5PXhFg3NzvY6lUaKF2g=\n"
            + "AllowedIPs = 198.19.0.1/32\n"
            + "Endpoint = vpn.example.org:41820\n"
            + "PersistentKeepalive = 25\n",
            The.Config);
    }

    [Fact]
    public void Android_alone_gets_the_list_of_apps_that_see_the_tunnel()
    {
        var text = The.ConfigFor("vpn.example.org:41820", androidApps: true);

        Assert.Equal(
            The.Config.Replace("[Peer]", "IncludedApplications = io.element.android.x, im.vector.app, com.android.chrome\n[Peer]", StringComparison.Ordinal),
            text);
    }

    [Fact]
    public async Task The_real_wg_quick_strips_it_to_what_wg_takes()
    {
        var directory = Directory.CreateTempSubdirectory("gateway-conf-").FullName;
        try
        {
            var file = Path.Join(directory, "wg9.conf");
            await File.WriteAllTextAsync(file, The.Config);

            var (exitCode, stripped) = await Tool.RunAsync("wg-quick", "strip", file);

            Assert.Equal(0, exitCode);
            Assert.Contains("PresharedKey = 6sr7LdMhaFVtPLMnwmj3SvWs5PXhFg3NzvY6lUaKF2g=", stripped, StringComparison.Ordinal);
            Assert.DoesNotContain("MTU", stripped, StringComparison.Ordinal);
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    [Theory]
    [InlineData("vpn.example.org:41820\nPostUp = reboot")]
    [InlineData("vpn example:41820")]
    [InlineData("vpn.éxample:41820")]
    [InlineData("a-name-that-is-much-too-long-for-a-code-that-a-phone-shall-scan.example.org:41820")]
    public void An_endpoint_that_would_break_the_text_or_the_code_is_refused(string endpoint)
    {
        Assert.Contains(endpoint, Assert.Throws<ArgumentException>(() => The.ConfigFor(endpoint)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void No_refusal_repeats_a_key()
    {
        using var key = PrivateKey.TryParse(The.PrivateKey)!;
        using var preshared = PresharedKey.TryParse("6sr7LdMhaFVtPLMnwmj3SvWs5PXhFg3NzvY6lUaKF2g=")!;
        var refusal = Assert.Throws<ArgumentException>(() =>
            WireGuardConfig.Build(key, IPAddress.IPv6Loopback, default, preshared, IPAddress.Loopback, "a:1", androidApps: false));

        Assert.DoesNotContain(The.PrivateKey, refusal.ToString(), StringComparison.Ordinal);
    }
}
