using System.Net;
using Gateway.EndToEnd.Lab;

namespace Gateway.EndToEnd.Stories;

/// <summary>The admin enrols in a terminal, and the member photographs the screen.</summary>
[Collection(SharedLab.Name)]
public sealed class TerminalStory(TestLab lab) : IAsyncDisposable
{
    public ValueTask DisposeAsync() => lab.EndStoryAsync();

    [Theory]
    [InlineData("ralf", "white", "black")]
    [InlineData("sara", "black", "white")]
    public async Task The_qr_on_the_screen_brings_a_phone_in(string member, string background, string foreground)
    {
        await using var terminal = await PhotographedTerminal.RunAsync(lab.Server, background, foreground, [.. lab.Gateway.CommandLine("enrol", member, "--device", "phone")]);

        var config = await terminal.ScanAsync();
        var phone = await lab.ConnectAsync(config);
        var versions = await phone.GetAsync("_matrix/client/versions");
        var device = Assert.Single((await lab.Gateway.JsonAsync("devices", "--member", member)).EnumerateArray());

        Assert.Equal(HttpStatusCode.OK, versions.Status);
        Assert.Equal(device.GetProperty("publicKey").GetString(), await phone.PublicKeyAsync());
        // The same lines as the file has, in the same order: only keys and addresses differ from one device to the next.
        var other = await lab.Gateway.EnrolAsync(member, "laptop");
        Assert.Equal(Shape(other.Config), Shape(config));
    }

    private static string Shape(string config) => string.Join('\n', config.Split('\n').Select(line => line.Split(" = ")[0]));
}
