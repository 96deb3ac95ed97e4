using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Gateway.EndToEnd.Lab;

namespace Gateway.EndToEnd.Stories;

/// <summary>Somebody photographed the QR: two phones, far from each other, use one configuration.</summary>
[Collection(SharedLab.Name)]
public sealed class CopiedKeyStory(TestLab lab) : IAsyncDisposable
{
    public ValueTask DisposeAsync() => lab.EndStoryAsync();

    [Fact]
    public async Task Two_phones_with_one_configuration_are_noticed_and_open_no_new_session()
    {
        var jule = await lab.SignInAsync("jule");
        var other = await lab.JoinAsync("kurt");
        var twin = await lab.ConnectAsync(jule.Enrolment.Config);
        using var stop = new CancellationTokenSource();
        var talk = Task.WhenAll(TalkAsync(jule.Phone, stop.Token), TalkAsync(twin, stop.Token), TalkAsync(other.Phone, stop.Token));

        var copied = await Until.ValueAsync(
            "the copy is noticed", TimeSpan.FromSeconds(120), () => lab.Gateway.DeviceAsync(jule.Device), device => device.TryGetProperty("keyCopiedAt", out var at) && at.ValueKind != JsonValueKind.Null);
        await stop.CancelAsync();
        await talk;
        var refused = await lab.Gateway.RunAsync("allow-login", "jule/phone");
        var devices = (await lab.Gateway.RunAsync("devices")).Expect();
        var status = await lab.Gateway.RunAsync("status");

        Assert.Equal("signed-in", copied.GetProperty("state").GetString());
        Assert.Equal(1, refused.ExitCode);
        Assert.Contains("in use on two phones", refused.Error, StringComparison.Ordinal);
        Assert.Contains("hint: gateway revoke jule/phone", refused.Error, StringComparison.Ordinal);
        Assert.Contains("KEY COPIED", devices, StringComparison.Ordinal);
        Assert.Contains("key two phones use", status.Error, StringComparison.Ordinal);
        Assert.DoesNotContain(TestNetwork.AccessNetwork, lab.Gateway.LastWords, StringComparison.Ordinal);

        // A phone of its own, with as much to say, is no copy.
        Assert.Equal(JsonValueKind.Null, (await lab.Gateway.DeviceAsync(other.Enrolment.DeviceId)).GetProperty("keyCopiedAt").ValueKind);
        (await lab.Gateway.RunAsync("revoke", "jule/phone", "--cut")).Expect();
        Assert.NotEmpty((await lab.Gateway.EnrolAsync("jule", "phone")).LoginCode);
    }

    /// <summary>A packet now and then, as an app that syncs sends them; whether an answer comes is not the question.</summary>
    private async Task TalkAsync(Phone phone, CancellationToken stop)
    {
        using var socket = await phone.Space.InsideAsync(() => new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp));
        using var rhythm = new PeriodicTimer(TimeSpan.FromMilliseconds(700));
        try
        {
            while (await rhythm.WaitForNextTickAsync(stop))
            {
                await socket.SendToAsync(new byte[1], new IPEndPoint(lab.Gateway.TunnelAddress, 443), stop);
            }
        }
        catch (OperationCanceledException)
        {
            // Said enough.
        }
    }
}
