using System.Security.Authentication;
using Gateway.EndToEnd.Lab;

namespace Gateway.EndToEnd.Stories;

/// <summary>The admin gets a publicly trusted certificate with <c>deploy/certificate</c>; the gateway runs on, and opens no port for it.</summary>
[Collection(SharedLab.Name)]
public sealed class PublicCertificateStory(TestLab lab) : IAsyncLifetime
{
    private const string NoneCame = "no certificate came; the certificate in use stays";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private PublicAuthority? authority;
    private RentedServer? server;
    private ChangedSettings? settings;

    public async ValueTask InitializeAsync()
    {
        authority = await PublicAuthority.StartAsync(lab);
        try
        {
            server = await RentedServer.MakeAsync(lab, authority.Files.Address);
            server.WriteSettings(authority.Files.Settings);
            settings = await ChangedSettings.ApplyAsync(lab.Gateway, ("Certificate:Path", server.Certificate), ("Certificate:KeyPath", server.Certificate));
        }
        catch
        {
            await DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (settings is not null)
        {
            await settings.DisposeAsync();
        }

        await lab.EndStoryAsync();
        if (authority is not null)
        {
            await authority.DisposeAsync();
        }
    }

    [Fact]
    public async Task A_wildcard_comes_and_is_taken_up_and_nobody_is_thrown_out()
    {
        var (_, phone) = await lab.JoinAsync("odile");
        await using var before = await OpenConnection.OpenAsync(phone, lab.Authority.Trust);
        await Assert.ThrowsAsync<AuthenticationException>(() => OpenConnection.OpenAsync(phone, authority!.Trust));

        (await server!.ScriptAsync("certificate")).Expect();

        var first = await SeenAsync(phone);
        Assert.Equal("640 gateway-certificate gateway\n", (await server.RunAsync("stat", "-c", "%a %U %G", "/etc/gateway/tls/server.pem")).Expect());
        await using var after = await OpenConnection.OpenAsync(phone, authority!.Trust);
        Assert.True(after.IsFor("another-name.lab.test"), "it is the wildcard, which does not say the server's name");

        // Not due: nothing is asked for, and nothing changes.
        Assert.Contains("good until", (await server.ScriptAsync("certificate", "--renew")).Expect(), StringComparison.Ordinal);
        Assert.Equal(first, await SeenAsync(phone));
        Assert.Equal("HTTP/1.1 200 OK", await before.AskAsync());
    }

    [Fact]
    public async Task What_goes_wrong_is_loud_names_no_secret_and_changes_nothing()
    {
        var (_, phone) = await lab.JoinAsync("pascal");
        var pem = await File.ReadAllBytesAsync(server!.Certificate);

        // The authority finds no proof.
        await authority!.BlindAsync();
        await RefusedAsync(NoneCame);
        Assert.Equal("root\n", (await server.RunAsync("stat", "-c", "%U", "/etc/gateway/tls")).Expect());

        // One that is good is not asked for again, but where the admin says so.
        await LeaveOneAsync();
        await RefusedAsync(NoneCame, "--now");
        await authority.SeeAgainAsync();

        // The DNS provider knows no such key.
        var wrong = Convert.ToBase64String(new byte[32]);
        server.WriteSettings((authority.Files with { Secret = wrong }).Settings);
        await RefusedAsync(NoneCame, "--now");
        Assert.DoesNotContain(wrong, await File.ReadAllTextAsync(server.Log), StringComparison.Ordinal);

        // A hook that says aloud what it was given.
        var hook = await TalkativeHookAsync();
        server.WriteSettings($"{authority.Files.Settings}DNS_PROVIDER=exec\nEXEC_PATH={hook}\nDNS_TOKEN=it's a/secret+\n");
        await RefusedAsync(NoneCame, "--now");
        var log = await File.ReadAllTextAsync(server.Log);
        Assert.Contains($"{hook} has (not shown) for _acme-challenge.lab.test.", log, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", log, StringComparison.Ordinal);

        // A file that others may read.
        File.SetUnixFileMode(server.Settings, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.OtherRead);
        await RefusedAsync("others than root may read", "--now");

        Assert.Equal(pem, await File.ReadAllBytesAsync(server.Certificate));
        await using var shown = await OpenConnection.OpenAsync(phone, lab.Authority.Trust);
        Assert.Equal("HTTP/1.1 200 OK", await shown.AskAsync());
    }

    [Fact]
    public async Task What_another_program_got_is_taken_up_when_phones_would_take_it()
    {
        var (_, phone) = await lab.JoinAsync("raphaelle");
        var folder = Directory.CreateDirectory(Path.Combine(lab.Network.Name.Folder, "certbot")).FullName;
        var (chain, key) = (Path.Combine(folder, "fullchain.pem"), Path.Combine(folder, "privkey.pem"));
        await using var before = await OpenConnection.OpenAsync(phone, lab.Authority.Trust);

        lab.Authority.Issue(GatewayHost.ServerName, chain, Path.Combine(folder, "another.pem"));
        lab.Authority.Issue("another-name.lab.test", Path.Combine(folder, "another-chain.pem"), key);
        await RefusedAsync("the key is not its key", "--place", chain, key);
        await RefusedAsync($"it is not for {GatewayHost.ServerName}", "--place", Path.Combine(folder, "another-chain.pem"), key);
        var serial = lab.Authority.Issue(GatewayHost.ServerName, chain, key);
        await RefusedAsync("no authority that this host knows has signed it", "--place", chain, key);
        await using var still = await OpenConnection.OpenAsync(phone, lab.Authority.Trust);
        Assert.Equal(before.Serial, still.Serial);

        // Now this host knows the authority.
        (await server!.RunAsync("env", $"SSL_CERT_FILE={authority!.Files.Authorities}", RentedServer.Script("certificate"), "--place", chain, key)).Expect();
        Assert.Equal(serial, await Until.ValueAsync("it is shown", Patience, () => phone.CertificateSerialAsync(lab.Authority), seen => seen == serial));

        // The timer leaves it there, and asks for none.
        Assert.Contains("good until", (await server.ScriptAsync("certificate", "--renew")).Expect(), StringComparison.Ordinal);
        Assert.Equal(serial, await phone.CertificateSerialAsync(lab.Authority));
    }

    /// <summary>As if it had come earlier, and not been taken up.</summary>
    private async Task LeaveOneAsync()
    {
        var (chain, key) = (Path.Combine(lab.Network.Name.Folder, "left.pem"), Path.Combine(lab.Network.Name.Folder, "left.key"));
        lab.Authority.Issue(GatewayHost.ServerName, chain, key);
        (await server!.RunAsync(
            "sh",
            "-euc",
            "cd /var/lib/gateway-certificate; install -d -o gateway-certificate -m 700 certificates; cd certificates; install -o gateway-certificate \"$1\" _.lab.test.crt; install -o gateway-certificate \"$2\" _.lab.test.key",
            "sh",
            chain,
            key)).Expect();
    }

    /// <summary>Also where it fails, no key stays behind.</summary>
    private async Task RefusedAsync(string why, params string[] arguments)
    {
        var refused = await server!.ScriptAsync("certificate", arguments);
        Assert.Equal(1, refused.ExitCode);
        Assert.Contains("error: ", refused.Error, StringComparison.Ordinal);
        Assert.Contains(why, refused.Error, StringComparison.Ordinal);
        Assert.Contains("hint: ", refused.Error, StringComparison.Ordinal);
        Assert.Empty(server.LeftInMemory);
    }

    private async Task<string> TalkativeHookAsync()
    {
        var hook = Path.Combine(lab.Network.Name.Folder, "hook");
        await File.WriteAllTextAsync(hook, "#!/bin/sh\necho \"$0 has $DNS_TOKEN for $2\"\nexit 1\n");
        File.SetUnixFileMode(hook, (UnixFileMode)0b111_101_101);
        return hook;
    }

    /// <summary>What a phone that trusts the public authority is shown, within the gateway's few seconds.</summary>
    private Task<string> SeenAsync(Phone phone) => Until.ValueAsync(
        "the certificate is shown",
        Patience,
        async () =>
        {
            try
            {
                await using var connection = await OpenConnection.OpenAsync(phone, authority!.Trust);
                return connection.Serial;
            }
            catch (AuthenticationException)
            {
                return "";
            }
        },
        serial => serial.Length > 0);
}
