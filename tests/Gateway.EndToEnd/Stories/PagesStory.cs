using Gateway.EndToEnd.Lab;
using Gateway.Tests.Testing;

namespace Gateway.EndToEnd.Stories;

/// <summary>
/// What the pages tell the admin to type, typed as it stands there: the days with a server that was installed for good, and the day on which the
/// house is moved. Two machines with the real systemd, the scripts that we ship, Synapse from Debian.
/// </summary>
public sealed class PagesStory : IAsyncLifetime
{
    /// <summary>All of each is typed; the rest of the documentation is another story's (PageTests).</summary>
    private static readonly string[] Pages = ["README.md", "docs/operate.md", "docs/monitoring.md", "docs/firewall.md", "docs/recovery.md"];

    private const string Backup = "gateway-20261128T032000Z.tar.gz.age";

    /// <summary>What has to be so before a command makes sense.</summary>
    private static readonly Dictionary<string, string> Before = new(StringComparer.Ordinal)
    {
        ["gateway admin-device alice/phone"] = "gateway enrol alice --output /tmp/alice.conf; gateway enrol bob --output /tmp/bob.conf",
        ["gateway enrol alice --display-name"] = "gateway revoke alice/phone --cut",
        ["gateway rename alice/phone tablet"] = "gateway enrol alice --device phone --output /tmp/alice-2.conf",
        ["systemctl enable --now gateway-backup.timer"] =
            "jq --arg key \"$(age-keygen -y backup.key)\" '.Backup.Recipients = [$key]' /etc/gateway/gateway.json >/tmp/new; cat /tmp/new >/etc/gateway/gateway.json",
        ["gateway restore"] = $"cp /var/backups/gateway/*.age {Backup}",
        ["deploy/firewall on"] = "systemd-run --quiet python3 -c 'import socket, time; s = socket.create_server((\"\", 22)); time.sleep(600)'",
    };

    private readonly HashSet<(string Page, string Command)> typed = [];

    private SystemdMachine old = null!;
    private SystemdMachine next = null!;

    public async ValueTask InitializeAsync()
    {
        var machines = await Task.WhenAll(SystemdMachine.BootAsync(), SystemdMachine.BootAsync());
        (old, next) = (machines[0], machines[1]);
        // The folder is what says that the private homeserver was chosen here: deploy/install does not choose it.
        await old.ExpectAsync("mkdir -p /var/lib/gateway-homeserver/config; cp -r published gateway; deploy/install --from gateway --server-name chat.example.org --endpoint 10.9.0.1:31337");
        await next.ExpectAsync("cp -r published gateway");
    }

    public async ValueTask DisposeAsync()
    {
        await old.DisposeAsync();
        await next.DisposeAsync();
    }

    [Fact]
    public async Task The_pages_are_followed_and_the_house_moves()
    {
        await FollowAsync("README.md");
        await FollowAsync("docs/operate.md");
        await FollowAsync("docs/firewall.md");
        // Both machines are of one boot, as the trial sees it.
        await old.ExpectAsync("deploy/firewall off");

        await ABackupWithoutTheHomeserverIsMadeAsync();
        await ABackupIsMadeThoughTheKeyIsSealedAsync();
        await AMoveThatFailsChangesNothingAsync();
        await Until.TrueAsync("members can be served", TimeSpan.FromSeconds(30), async () => (await old.RunAsync("gateway status --ready")).ExitCode == 0);
        await FollowAsync("docs/monitoring.md");
        await old.ExpectAsync("gateway enrol alice --output /tmp/alice-3.conf; gateway enrol carol --output /tmp/carol.conf");
        // As deploy/certificate leaves it.
        await old.ExpectAsync("install -m 600 deploy/certificate.conf /etc/gateway; systemctl enable --now gateway-certificate.timer; useradd --system --user-group gateway-certificate; chown gateway-certificate /etc/gateway/tls");
        var before = await StateAsync(old);
        await ASessionThatBreaksOffStopsNoMoveAsync();
        var file = await MoveOutAsync();
        await TheOldServerServesNobodyAgainAsync();
        await MoveInAsync(file);

        Assert.Equal(before, await StateAsync(next));
        await ThePhoneGetsInOnceTheAdminSaysSoAsync();
        await SomebodyTookTheServerAsync();
        Assert.Empty(Pages.SelectMany(page => Page.Of(page).Commands.Select(command => (page, command))).Except(typed));
    }

    /// <summary>Every command of a page, from top to bottom.</summary>
    private async Task FollowAsync(string page)
    {
        foreach (var command in Page.Of(page).Commands)
        {
            await TypeAsync(old, page, command);
        }
    }

    /// <summary>The command of the page that is this, or the one that begins so.</summary>
    private async Task<Finished> TypeAsync(SystemdMachine machine, string page, string beginning)
    {
        var commands = Page.Of(page).Commands;
        var command = commands.Contains(beginning) ? beginning : Assert.Single(commands, one => one.StartsWith(beginning, StringComparison.Ordinal));
        foreach (var (_, preparation) in Before.Where(one => command.StartsWith(one.Key, StringComparison.Ordinal)))
        {
            await machine.ExpectAsync(preparation);
        }

        typed.Add((page, command));
        // It is root already.
        var said = await machine.RunAsync(command.StartsWith("sudo ", StringComparison.Ordinal) ? command["sudo ".Length..] : command);
        // The doctor may find something about this machine; that it looked is what counts here.
        Assert.True(said.ExitCode == 0 || (command == "gateway doctor" && said.ExitCode == 1), $"{page}: {command}: {said}");
        return said;
    }

    private async Task ABackupWithoutTheHomeserverIsMadeAsync() => await old.ExpectAsync("""
        jq 'del(.Backup.HomeserverDatabase, .Backup.Files)' /etc/gateway/gateway.json >/tmp/alone.json
        gateway backup --to /tmp/alone --config /tmp/alone.json
        """);

    private async Task ABackupIsMadeThoughTheKeyIsSealedAsync()
    {
        await old.ExpectAsync("deploy/install --from gateway --seal-key; ! test -e /var/lib/gateway/store.key; rm /var/backups/gateway/*");

        await old.ExpectAsync("systemctl start gateway-backup");

        Assert.Matches(@"^gateway-\w+\.tar\.gz\.age$", await old.ExpectAsync("ls /var/backups/gateway"));
    }

    private async Task AMoveThatFailsChangesNothingAsync()
    {
        var refused = await old.RunAsync("deploy/move out --to /proc/nowhere");

        Assert.Equal(1, refused.ExitCode);
        Assert.Contains("error: no backup was made: ", refused.Error, StringComparison.Ordinal);
        Assert.EndsWith("error: no file was made; this server is not fenced, and serves again\nhint: mend what is said above, then once more\n", refused.Error, StringComparison.Ordinal);
        Assert.Equal("active", await old.ExpectAsync("systemctl is-active gateway"));
        Assert.Equal("enabled", await old.ExpectAsync("systemctl is-enabled gateway"));
    }

    /// <summary>The terminal goes while the file is made; whoever comes back and does it once more waits for the first, and gets a file too.</summary>
    private async Task ASessionThatBreaksOffStopsNoMoveAsync()
    {
        await old.ExpectAsync("""
            cat >session <<'END'
            import os, pty
            pid, terminal = pty.fork()
            if pid == 0:
                os.execv("/srv/deploy/move", ["move", "out", "--to", "/root/broken-off"])
            said = b""
            while b"the last backup" not in said:
                said += os.read(terminal, 4096)
            os.close(terminal)
            os.waitpid(pid, 0)
            END
            python3 session
            ls /root/broken-off/*.age
            """);

        Assert.Equal("", await old.ExpectAsync("systemctl list-unit-files --no-legend --state enabled 'gateway*' || true; ls -d /sys/class/net/wg0 2>/dev/null || true"));
        Assert.Contains(await old.ExpectAsync("ls /root/broken-off/*.age"), await old.ExpectAsync("cat /var/log/gateway/move.log"), StringComparison.Ordinal);
    }

    private async Task<string> MoveOutAsync()
    {
        var said = await TypeAsync(old, "docs/recovery.md", "deploy/move out");

        var file = await old.ExpectAsync("ls /root/moving");
        Assert.Contains($"/root/moving/{file}: ", said.Output, StringComparison.Ordinal);
        Assert.Contains($"\n  deploy/move in {file} --identity KEY\n", said.Output, StringComparison.Ordinal);
        Assert.Equal("", await old.ExpectAsync("ls -d /run/gateway-key.* /sys/class/net/wg0 2>/dev/null || true"));
        return $"/root/moving/{file}";
    }

    private async Task TheOldServerServesNobodyAgainAsync()
    {
        await old.RunAsync("systemctl restart gateway");
        await Until.TrueAsync("the unit has given up", TimeSpan.FromSeconds(15), async () => (await old.RunAsync("systemctl is-failed gateway")).ExitCode == 0);
        Assert.Contains("error: this gateway has moved to another server", await old.ExpectAsync("journalctl --unit gateway --output cat"), StringComparison.Ordinal);
        foreach (var way in new[] { "deploy/up", "deploy/install --from gateway", "deploy/certificate" })
        {
            var refused = await old.RunAsync(way);
            Assert.Equal((1, "error: this gateway has moved to another server\nhint: if the other one never served anybody, and will not: delete /var/lib/gateway/moved.json\n"), (refused.ExitCode, refused.Error));
        }

        Assert.Equal("", await old.ExpectAsync("systemctl list-unit-files --no-legend --state enabled 'gateway*' || true; ls -d /sys/class/net/wg0 2>/dev/null || true"));
        Assert.Contains("error: no file was made, and this server is fenced\n", (await old.RunAsync("deploy/move out --to /proc/nowhere")).Error, StringComparison.Ordinal);
    }

    private async Task MoveInAsync(string file)
    {
        Copy((file, Backup), ("/srv/backup.key", "backup.key"), ("/tmp/carol.conf", "carol.conf"));

        var said = await TypeAsync(next, "docs/recovery.md", $"deploy/move in {Backup} --identity backup.key --from gateway");

        Assert.StartsWith("packages from Debian", said.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("What to do now", said.Output, StringComparison.Ordinal);
        Assert.Contains("\nThe store's key was sealed on the old server, and is a file here. Once the gateway runs: deploy/install --seal-key\n", said.Output, StringComparison.Ordinal);
        Assert.EndsWith("""

            All of it is here, and nobody gets in before you say so. Now:
              1. The old server stood still when this was made, so nothing was lost since: gateway unlock --all
              2. Let the endpoint's name point to this server.
            The endpoint is 10.9.0.1:31337.
            The certificate came with it, its renewal did not: deploy/certificate

            """, said.Output, StringComparison.Ordinal);
        Assert.Equal("active\nactive", await next.ExpectAsync("systemctl is-active gateway gateway-homeserver"));
        Assert.EndsWith("if an earlier deploy/move in brought it and was cut short: /srv/deploy/install --from gateway\n", (await next.RunAsync($"deploy/move in {Backup} --identity backup.key --from gateway")).Error, StringComparison.Ordinal);
    }

    /// <summary>Members, devices, and by their digests the keys of the tunnel, the member's side and the homeserver's.</summary>
    private static Task<string> StateAsync(SystemdMachine machine) => machine.ExpectAsync("""
        gateway members --json | jq --sort-keys '[.[] | {member, displayName, devices: [.devices[] | {id, name, tunnelAddress, publicKey}]}]'
        wg show wg0 public-key
        sha256sum /etc/gateway/tls/server.pem /var/lib/gateway-homeserver/data/signing.key /var/lib/gateway-homeserver/config/registration.yaml
        gateway audit --verify >/dev/null
        """);

    private async Task ThePhoneGetsInOnceTheAdminSaysSoAsync()
    {
        const string Versions = "/_matrix/client/versions";
        await next.ConnectPhoneAsync("/srv/carol.conf");
        Assert.Contains(" 503 ", await next.AskByPhoneAsync(Versions), StringComparison.Ordinal);

        await TypeAsync(next, "docs/recovery.md", "gateway unlock carol/phone");
        Assert.Contains(" 200 ", await next.AskByPhoneAsync(Versions), StringComparison.Ordinal);
        await TypeAsync(next, "docs/recovery.md", "gateway unlock --all");
        await TypeAsync(next, "docs/recovery.md", "gateway revoke alice/phone");
    }

    /// <summary>The same machine once more as an empty one; who has the old keys and tokens has nothing.</summary>
    private async Task SomebodyTookTheServerAsync()
    {
        await BecomeEmptyAsync();
        await WithoutItsHomeserverNothingIsStartedAsync();
        await BecomeEmptyAsync();

        var said = await TypeAsync(next, "docs/recovery.md", $"deploy/move in {Backup} --identity backup.key --from gateway --seized");

        Assert.Contains("\n  3. Enrol everyone anew, face to face: ", said.Output, StringComparison.Ordinal);
        Assert.EndsWith("\nThe key of your DNS provider was on the old server. Take it back there; with a new one in /etc/gateway/certificate.conf: deploy/certificate\n", said.Output, StringComparison.Ordinal);
        Assert.Equal("", await next.ExpectAsync("wg show wg0 peers"));
        // The certificate is root's new one.
        Assert.Equal("root\nroot", await next.ExpectAsync("stat -c %U /etc/gateway/tls /etc/gateway/tls/server.pem"));
        await TypeAsync(next, "docs/recovery.md", "gateway members --json");
        await TypeAsync(next, "docs/recovery.md", "gateway members --json |");
        Assert.Equal("alice.png\ncarol.png", await next.ExpectAsync("ls *.png"));
    }

    /// <summary>By the scripts as a package has them, with the program.</summary>
    private async Task WithoutItsHomeserverNothingIsStartedAsync()
    {
        Copy((await old.ExpectAsync("ls /tmp/alone/*"), "alone.age"));

        var said = await next.RunAsync("cp -r deploy gateway; gateway/deploy/move in alone.age --identity backup.key");

        Assert.Equal(1, said.ExitCode);
        Assert.Contains("\nAll of it is in its place, and not started yet. Once it is:\n  1. Revoke once more", said.Output, StringComparison.Ordinal);
        Assert.Contains("error: the homeserver is not on this host\nhint: install it ", said.Error, StringComparison.Ordinal);
        Assert.EndsWith(", then: /srv/gateway/deploy/install --from /srv/gateway\n", said.Error, StringComparison.Ordinal);
        await next.ExpectAsync("rm /tmp/alone.json; ! ls -d /sys/class/net/wg0 /var/lib/gateway-homeserver/config 2>/dev/null");
    }

    /// <summary>The homeserver's program is a mount of this test.</summary>
    private async Task BecomeEmptyAsync() => await next.ExpectAsync("""
        synapse=/var/lib/gateway-homeserver/root
        mkdir -p synapse
        mount --bind $synapse synapse
        umount $synapse
        deploy/down --purge --yes
        mkdir -p $synapse
        mount --bind synapse $synapse
        umount synapse
        """);

    private void Copy(params (string From, string To)[] files) => Array.ForEach(files, file => File.Copy(old.PathOf(file.From), next.PathOf($"/srv/{file.To}")));
}
