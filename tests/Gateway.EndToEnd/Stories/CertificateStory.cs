using System.Net;
using Gateway.EndToEnd.Lab;

namespace Gateway.EndToEnd.Stories;

/// <summary>A certificate is renewed while people are connected.</summary>
[Collection(SharedLab.Name)]
public sealed class CertificateStory(TestLab lab) : IAsyncDisposable
{
    public ValueTask DisposeAsync() => lab.EndStoryAsync();

    [Fact]
    public async Task A_renewed_certificate_is_used_and_nobody_is_thrown_out()
    {
        var dana = await lab.SignInAsync("dana");
        var before = await dana.Phone.CertificateSerialAsync(lab.Authority);
        await using var poll = HeldRequest.Sync(dana.Phone, dana.Client.AccessToken, await dana.Phone.CalmAsync(dana.Client.AccessToken));

        var renewed = lab.Authority.Issue(GatewayHost.ServerName, lab.Gateway.CertificatePath, lab.Gateway.KeyPath);
        await Until.ValueAsync("the new certificate is shown", TimeSpan.FromSeconds(30), () => dana.Phone.CertificateSerialAsync(lab.Authority), serial => serial == renewed);
        Assert.False(poll.HasEnded);
        // News for this member: the held request gets it on the connection that the old certificate opened.
        await dana.Client.CreateRoomAsync();
        var end = await poll.EndAsync(TimeSpan.FromSeconds(10));

        Assert.NotEqual(before, renewed, StringComparer.Ordinal);
        Assert.Equal(HttpStatusCode.OK, end.Answer?.Status);
        Assert.Empty(await dana.Client.DisturbancesAsync());
    }

    [Fact]
    public async Task A_certificate_that_cannot_be_used_does_not_replace_one_that_can()
    {
        var (_, phone) = await lab.JoinAsync("edda");
        var good = await phone.CertificateSerialAsync(lab.Authority);
        var pem = await File.ReadAllTextAsync(lab.Gateway.CertificatePath);

        await File.WriteAllTextAsync(lab.Gateway.CertificatePath, "not a certificate");
        var status = await Until.ValueAsync(
            "status names the fault",
            TimeSpan.FromSeconds(30),
            async () => (await lab.Gateway.JsonAsync("status")).GetProperty("certificate").GetProperty("ok").GetBoolean(),
            ok => !ok);

        Assert.False(status);
        Assert.Equal(good, await phone.CertificateSerialAsync(lab.Authority));
        await File.WriteAllTextAsync(lab.Gateway.CertificatePath, pem);
        Assert.Equal(good, await phone.CertificateSerialAsync(lab.Authority));
    }
}
