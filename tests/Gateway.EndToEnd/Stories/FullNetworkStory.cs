using Gateway.EndToEnd.Lab;

namespace Gateway.EndToEnd.Stories;

/// <summary>A network so small that it fills up. It has a lab of its own.</summary>
public sealed class FullNetworkStory
{
    [Fact]
    public async Task When_all_addresses_are_given_out_the_next_enrolment_is_refused_and_leaves_nothing()
    {
        await using var lab = new TestLab { Configure = gateway => gateway.Settings["Tunnel:Network"] = "198.19.7.0/30" };
        await lab.InitializeAsync();
        await lab.Gateway.EnrolAsync("petra", "phone");

        var refused = await lab.Gateway.RunAsync("enrol", "quentin", "--device", "phone");

        Assert.Equal(1, refused.ExitCode);
        Assert.Contains("198.19.7.0/30", refused.Error, StringComparison.Ordinal);
        Assert.Contains("Tunnel:Network", refused.Error, StringComparison.Ordinal);
        Assert.False(await lab.Homeserver.AccountExistsAsync($"@quentin:{GatewayHost.ServerName}"));
        Assert.Single((await lab.Gateway.JsonAsync("devices")).EnumerateArray());
    }
}
