using System.Text.Json;
using Gateway.EndToEnd.Lab;

namespace Gateway.EndToEnd.Stories;

/// <summary>Somebody was enrolled and never came. It has a lab of its own, in which an enrolment lives for seconds.</summary>
public sealed class UnusedAccountStory
{
    [Fact]
    public async Task An_account_that_nobody_used_is_locked_until_the_next_enrolment()
    {
        await using var lab = new TestLab { Configure = gateway => gateway.Settings["Enrolment:ExpireMinutes"] = 0.1 };
        await lab.InitializeAsync();
        await Until.TrueAsync("the gateway has its account", TimeSpan.FromSeconds(30), async () => (await Account(lab)).Contains("still has the shared secret", StringComparison.Ordinal));

        // The admin does what the status says; then the secret is gone.
        (await lab.Gateway.RunAsync("homeserver-config", "--output", lab.Homeserver.ConfigFolder)).Expect();
        Assert.Contains("\nregistration_shared_secret: null\n", await File.ReadAllTextAsync(Path.Combine(lab.Homeserver.ConfigFolder, "gateway.yaml")), StringComparison.Ordinal);
        await lab.Homeserver.StopAsync();
        await lab.Homeserver.StartAsync();
        await Until.TrueAsync("the secret is gone", TimeSpan.FromSeconds(30), async () => (await Account(lab)).Contains("can lock accounts", StringComparison.Ordinal));

        var first = await lab.Gateway.EnrolAsync("leonie", "phone");
        await Until.TrueAsync("the account is locked", TimeSpan.FromSeconds(40), () => IsLockedAsync(lab, first.MatrixUserId));
        var login = await Assert.ThrowsAsync<InvalidOperationException>(() => LoginAsync(lab, "leonie"));
        Assert.Contains("M_USER_LOCKED", login.Message, StringComparison.Ordinal);

        var second = await lab.SignInAsync("leonie");

        Assert.False(await IsLockedAsync(lab, second.UserId));
        Assert.Equal(second.UserId, (await second.Client.WhoAmIAsync()).GetProperty("user_id").GetString());
    }

    private static async Task<string> Account(TestLab lab) => (await lab.Gateway.AskAsync("v1/status")).GetProperty("adminAccount").GetProperty("detail").GetString()!;

    /// <summary>As Synapse's admin API says it, asked as the gateway's own account.</summary>
    private static async Task<bool> IsLockedAsync(TestLab lab, string matrixUserId)
    {
        var admin = Uri.EscapeDataString($"@gateway:{GatewayHost.ServerName}");
        var user = await lab.Homeserver.AskAsync(HttpMethod.Get, $"_synapse/admin/v2/users/{Uri.EscapeDataString(matrixUserId)}?user_id={admin}");
        return user.GetProperty("locked").GetBoolean();
    }

    /// <summary>Behind the gateway's back, as it would be with the application service's token.</summary>
    private static Task<JsonElement> LoginAsync(TestLab lab, string member) => lab.Homeserver.AskAsync(
        HttpMethod.Post,
        "_matrix/client/v3/login",
        $$"""{"type":"m.login.application_service","identifier":{ "type":"m.id.user","user":"{{member}}" } }""");
}
