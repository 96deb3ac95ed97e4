using Gateway.EndToEnd.Lab;

namespace Gateway.EndToEnd.Stories;

/// <summary>The gateway on a server for good: the real systemd, the scripts and units that we ship, Synapse from Debian.</summary>
public sealed class InstallStory : IAsyncLifetime
{
    private const string Install = "deploy/install --from gateway";

    /// <summary>Where lego leaves what came: .crt and .key.</summary>
    private const string Left = "/var/lib/gateway-certificate/certificates/_.example.org";

    /// <summary>The process that carries the tunnels, or the kernel's number of the link.</summary>
    private const string Carrier = "pgrep -xf 'wireguard-go wg0' || ip -json link show wg0 | jq '.[0].ifindex'";

    private SystemdMachine machine = null!;

    public async ValueTask InitializeAsync()
    {
        machine = await SystemdMachine.BootAsync();
        // The folder is what says that the private homeserver was chosen here: deploy/install does not choose it.
        await machine.ExpectAsync("mkdir -p /var/lib/gateway-homeserver/config; cp -r published gateway");
    }

    public ValueTask DisposeAsync() => machine.DisposeAsync();

    [Fact]
    public async Task A_server_is_set_up_upgraded_rolled_back_and_cleared()
    {
        await machine.ExpectAsync($"{Install} --server-name chat.example.org --endpoint 10.9.0.1:31337");
        await EveryUnitIsActiveAndShutAsync();
        var carrier = await machine.ExpectAsync(Carrier);
        await AMemberConnectsAsync();
        await TheLogHasNoAddressAsync();
        await ACertificateInTwoFilesIsJoinedAsync();
        await ASecondRunChangesNothingAsync();
        await TheKeyIsSealedAsync();
        await ACertificateIsRenewedAsync();
        await AnUpgradeTakesPlaceAsync();
        await ABrokenUpgradeComesBackAsync();
        await AnOlderProgramIsRefusedAsync();

        Assert.Equal(carrier, await machine.ExpectAsync(Carrier));
        Assert.Contains("kira", await machine.ExpectAsync("gateway devices"), StringComparison.Ordinal);
        await EveryUnitIsActiveAndShutAsync();
        await NothingStaysAsync();
    }

    [Fact]
    public async Task Without_a_homeserver_nothing_is_installed()
    {
        await machine.ExpectAsync("rmdir /var/lib/gateway-homeserver/config");
        var refused = await machine.RunAsync(Install);

        Assert.Equal(1, refused.ExitCode);
        Assert.Contains("error: there is no homeserver on this host\nhint: install matrix-synapse", refused.Error, StringComparison.Ordinal);
        await machine.ExpectAsync("! ls -d /usr/local/lib/gateway*");
    }

    private async Task EveryUnitIsActiveAndShutAsync()
    {
        foreach (var unit in new[] { "gateway", "gateway-homeserver" })
        {
            Assert.Equal("active", await machine.ExpectAsync($"systemctl is-active {unit}"));
            await machine.ExpectAsync($"systemd-analyze security --no-pager --threshold=20 {unit}.service");
            Assert.Equal("0", await machine.ExpectAsync($"systemctl show --value --property NRestarts {unit}"));
        }

        Assert.Equal("gateway", await machine.ExpectAsync("ps -o user= -p $(systemctl show --value --property MainPID gateway)"));
    }

    private async Task AMemberConnectsAsync()
    {
        await machine.ExpectAsync("gateway enrol kira --output /tmp/kira.conf");
        await machine.ConnectPhoneAsync("/tmp/kira.conf");

        Assert.Contains("HTTP/1.", await machine.AskByPhoneAsync("/"), StringComparison.Ordinal);
    }

    private async Task TheLogHasNoAddressAsync()
    {
        var log = await machine.ExpectAsync("journalctl --no-pager --output cat");

        Assert.Contains("Listening on", log, StringComparison.Ordinal);
        Assert.DoesNotContain("10.9.0.2", log, StringComparison.Ordinal);
        Assert.DoesNotContain("198.19.0.2", log, StringComparison.Ordinal);
    }

    /// <summary>As versions had it that were before deploy/certificate.</summary>
    private async Task ACertificateInTwoFilesIsJoinedAsync()
    {
        const string Pair = "openssl x509 -noout -fingerprint -in /etc/gateway/tls/server.pem; openssl pkey -in /etc/gateway/tls/server.pem | sha256sum";
        var before = await machine.ExpectAsync(Pair);
        await machine.ExpectAsync("""
            cd /etc/gateway/tls
            openssl x509 -in server.pem -out server.crt
            openssl pkey -in server.pem -out server.key
            rm server.pem
            jq '.Certificate = {Path: "/etc/gateway/tls/server.crt", KeyPath: "/etc/gateway/tls/server.key"}' ../gateway.json >/tmp/two.json
            cat /tmp/two.json >../gateway.json
            mv server.key /tmp
            """);

        // The gateway would not start with half of it.
        Assert.Contains("error: there is no /etc/gateway/tls/server.key, where /etc/gateway/gateway.json has the certificate\nhint: ", (await machine.RunAsync(Install)).Error, StringComparison.Ordinal);
        await machine.ExpectAsync($"mv /tmp/server.key /etc/gateway/tls; {Install}");

        Assert.Equal(before, await machine.ExpectAsync(Pair));
        Assert.Equal("640 root:gateway", await machine.ExpectAsync("stat -c '%a %U:%G' /etc/gateway/tls/server.pem"));
        Assert.Equal("ca.crt\nserver.pem", await machine.ExpectAsync("ls /etc/gateway/tls"));
    }

    private async Task ASecondRunChangesNothingAsync()
    {
        const string Everything = "systemctl show --property MainPID gateway gateway-homeserver; find /etc/gateway /etc/systemd /usr/local/lib -type f ! -name gateway.nft -printf '%p %T@ %m %u\\n' | sort; readlink /usr/local/lib/gateway";
        await Until.TrueAsync("the gateway has its own account", TimeSpan.FromSeconds(30), async () =>
            (await machine.ExpectAsync("journalctl -u gateway --output cat")).Contains("own account now", StringComparison.Ordinal));

        // The first run since the gateway has its own account on the homeserver takes the shared secret from there.
        await machine.ExpectAsync(Install);
        var before = await machine.ExpectAsync(Everything);
        await machine.ExpectAsync(Install);

        Assert.Equal(before, await machine.ExpectAsync(Everything));
    }

    private async Task TheKeyIsSealedAsync()
    {
        await machine.ExpectAsync($"sha256sum /var/lib/gateway/store.key | cut -d' ' -f1 >/tmp/sum; {Install} --seal-key");

        await machine.ExpectAsync("! test -e /var/lib/gateway/store.key");
        await machine.ExpectAsync("systemd-creds decrypt --name=store.key /etc/gateway/store.key.sealed - | sha256sum | grep -q $(cat /tmp/sum)");
        Assert.Contains("kira", await machine.ExpectAsync("gateway devices"), StringComparison.Ordinal);
    }

    /// <summary>The unit of the renewal in its sandbox, with an authority and a DNS provider on this very machine.</summary>
    private async Task ACertificateIsRenewedAsync()
    {
        const string Serial = "openssl x509 -noout -serial";
        const string InUse = $"{Serial} -in /etc/gateway/tls/server.pem";
        using var older = new Authority();
        await StartAuthorityAsync(older);
        await PutCertificateAsync(older, TimeSpan.FromHours(15), TimeSpan.FromHours(9));
        await machine.ExpectAsync("umask 077; rm /run/gateway-deploy.lock; deploy/certificate");
        await Until.ValueAsync(
            "the unit has run once",
            TimeSpan.FromSeconds(15),
            () => machine.ExpectAsync("journalctl -u gateway-certificate --output cat"),
            said => said.Contains("good until", StringComparison.Ordinal));
        var first = await machine.ExpectAsync(InUse);
        Assert.Equal("active", await machine.ExpectAsync("systemctl is-active gateway-certificate.timer"));

        // Nobody else can hold what the scripts wait for.
        await machine.ExpectAsync("for lock in /run/gateway-deploy.lock /etc/gateway/tls; do ! setpriv --reuid nobody --regid nogroup --clear-groups flock --nonblock $lock true 2>/dev/null; done");

        // As after a boot; more than a third of its life is left, then less.
        await machine.ExpectAsync("rm /run/gateway-deploy.lock");
        await machine.ExpectAsync("chown -R gateway-certificate: /var/lib/gateway-certificate; systemctl start gateway-certificate");
        Assert.Equal(first, await machine.ExpectAsync(InUse));
        await PlaceOneThatIsDueAsync(older);

        // What came last cannot be used: it is not asked for again.
        using var unknown = new Authority();
        await PutCertificateAsync(unknown, TimeSpan.FromHours(1), TimeSpan.FromHours(23));
        await machine.ExpectAsync("! systemctl start gateway-certificate 2>/dev/null");
        Assert.Contains("what came last cannot be used: no authority that this host knows has signed it; the certificate in use stays", await machine.ExpectAsync("journalctl -u gateway-certificate --output cat"), StringComparison.Ordinal);

        await PutCertificateAsync(older, TimeSpan.FromHours(17), TimeSpan.FromHours(7));
        await machine.ExpectAsync("systemctl start gateway-certificate");
        var second = await machine.ExpectAsync(InUse);
        Assert.NotEqual(first, second);
        Assert.Equal("640 gateway-certificate:gateway", await machine.ExpectAsync("stat -c '%a %U:%G' /etc/gateway/tls/server.pem"));
        await machine.ExpectAsync("openssl x509 -in /etc/gateway/tls/server.pem -noout -issuer | grep -i pebble");
        await Until.TrueAsync("the member is shown the new certificate", TimeSpan.FromSeconds(30), async () =>
            (await machine.RunAsync($"ip netns exec phone openssl s_client -servername chat.example.org -connect 198.19.0.1:443 </dev/null 2>/dev/null | {Serial}")).Output.Trim() == second);

        // Without its authority it fails aloud, and leaves no key behind.
        await PlaceOneThatIsDueAsync(older);
        var due = await machine.ExpectAsync(InUse);
        await machine.ExpectAsync("systemctl stop authority; rm -r /var/lib/gateway-certificate/certificates; ! systemctl start gateway-certificate 2>/dev/null");
        Assert.Contains("no certificate came; the certificate in use stays", await machine.ExpectAsync("journalctl -u gateway-certificate --output cat"), StringComparison.Ordinal);
        Assert.Equal(due, await machine.ExpectAsync(InUse));
        Assert.Equal("", await machine.ExpectAsync("ls -d /dev/shm/gateway* 2>/dev/null || true"));
        await machine.ExpectAsync("systemctl stop dns-provider; systemctl reset-failed gateway-certificate");
    }

    private async Task StartAuthorityAsync(Authority older)
    {
        var files = new AuthorityFiles("/srv/authority", "example.org", "127.0.0.1", Convert.ToBase64String("the key of the zone, 32 bytes..."u8));
        foreach (var (name, text) in files.Texts("198.19.0.1"))
        {
            await PutAsync($"{files.Folder}/{name}", text);
        }

        await PutPairAsync(older, files.Host, TimeSpan.FromHours(1), TimeSpan.FromDays(1), $"{files.Folder}/acme.pem", $"{files.Folder}/acme.key");
        await PutAsync("/etc/resolv.conf", $"nameserver {AuthorityFiles.Lookup}");
        await machine.ExpectAsync($"systemd-run --quiet --unit=dns-provider {string.Join(' ', files.Knot)}");
        await machine.ExpectAsync($"systemd-run --quiet --unit=authority {string.Join(' ', AuthorityFiles.PebbleEnvironment.Select(setting => $"--setenv={setting}"))} {string.Join(' ', files.Pebble)}");
        var root = await Until.ValueAsync(
            "the authority answers",
            TimeSpan.FromSeconds(15),
            async () => (await machine.RunAsync($"printf 'GET /roots/0 HTTP/1.0\\r\\n\\r\\n' | timeout 5 openssl s_client -quiet -connect {files.Address}:15000 2>/dev/null | sed -n '/-BEGIN/,/-END/p'")).Output,
            pem => pem.Contains("END CERTIFICATE", StringComparison.Ordinal));
        await PutAsync(files.Authorities, $"{older.Pem}\n{root}");
        await machine.ExpectAsync($"install -m 600 deploy/certificate.conf /etc/gateway/certificate.conf; cat >>/etc/gateway/certificate.conf <<'END'\n{files.Settings}\nEND");
    }

    private async Task PlaceOneThatIsDueAsync(Authority authority)
    {
        await PutCertificateAsync(authority, TimeSpan.FromHours(17), TimeSpan.FromHours(7));
        await machine.ExpectAsync($"SSL_CERT_FILE=/srv/authority/authorities.pem deploy/certificate --place {Left}.crt {Left}.key");
    }

    private Task PutCertificateAsync(Authority authority, TimeSpan age, TimeSpan left) => PutPairAsync(
        authority, "chat.example.org", age, left, $"{Left}.crt", $"{Left}.key");

    private async Task PutPairAsync(Authority authority, string name, TimeSpan age, TimeSpan left, string chain, string key)
    {
        var folder = Directory.CreateTempSubdirectory().FullName;
        authority.Issue(name, Path.Combine(folder, "chain"), Path.Combine(folder, "key"), age, left);
        await PutAsync(chain, await File.ReadAllTextAsync(Path.Combine(folder, "chain")));
        await PutAsync(key, await File.ReadAllTextAsync(Path.Combine(folder, "key")));
        Directory.Delete(folder, recursive: true);
    }

    private async Task PutAsync(string path, string text) => await machine.ExpectAsync($"mkdir -p {Path.GetDirectoryName(path)}; cat >{path} <<'END'\n{text}\nEND");

    private async Task AnUpgradeTakesPlaceAsync()
    {
        var before = await machine.ExpectAsync("readlink /usr/local/lib/gateway");
        // As it comes: a tarball.
        await machine.ExpectAsync("echo newer >gateway/note; tar -czf gateway.tar.gz -C gateway .; deploy/install --from gateway.tar.gz");

        Assert.NotEqual(before, await machine.ExpectAsync("readlink /usr/local/lib/gateway"));
        await machine.ExpectAsync($"! test -e {before}");
    }

    private async Task ABrokenUpgradeComesBackAsync()
    {
        var before = await machine.ExpectAsync("readlink /usr/local/lib/gateway");
        await machine.ExpectAsync("cp -r gateway broken; mv broken/gateway broken/real; printf '#!/bin/sh\\ncase $1 in serve) exit 1 ;; status) exit 3 ;; esac\\n' >broken/gateway; chmod +x broken/gateway");
        // As in a version from before there was a renewal.
        await machine.ExpectAsync($"rm {before}/deploy/systemd/gateway-certificate.*");
        var failed = await machine.RunAsync("deploy/install --from broken");

        Assert.Equal(1, failed.ExitCode);
        Assert.Contains("the new version did not come up; the one before it runs again", failed.Error, StringComparison.Ordinal);
        Assert.Equal(before, await machine.ExpectAsync("readlink /usr/local/lib/gateway"));
        Assert.Equal(before, await machine.ExpectAsync("cat /var/cache/gateway/library"));
        Assert.Contains("kira", await machine.ExpectAsync("gateway devices"), StringComparison.Ordinal);
    }

    private async Task AnOlderProgramIsRefusedAsync()
    {
        var before = await machine.ExpectAsync("systemctl show --property MainPID gateway; readlink /usr/local/lib/gateway");
        var refused = await machine.RunAsync("cp -r gateway older; echo 1 >older/store-format; deploy/install --from older");

        Assert.Equal(1, refused.ExitCode);
        Assert.Contains("this gateway knows 1: it is older than the one that wrote it", refused.Error, StringComparison.Ordinal);
        Assert.Equal(before, await machine.ExpectAsync("systemctl show --property MainPID gateway; readlink /usr/local/lib/gateway"));
    }

    private async Task NothingStaysAsync()
    {
        // The homeserver's root is a mount of this test.
        await machine.ExpectAsync("deploy/down --purge --yes || true; umount -l /var/lib/gateway-homeserver/root || true; deploy/down --purge --yes");

        Assert.Equal("", await machine.ExpectAsync("ls -d /etc/gateway /var/lib/gateway* /usr/local/lib/gateway* /usr/local/bin/gateway /etc/systemd/system/gateway* /etc/systemd/system/*.wants/gateway* /dev/shm/gateway* /sys/class/net/wg0 2>/dev/null || true"));
        Assert.Equal("", await machine.ExpectAsync("getent passwd gateway gateway-homeserver gateway-certificate || true"));
    }
}
