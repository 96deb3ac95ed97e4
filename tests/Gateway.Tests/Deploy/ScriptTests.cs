using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Gateway.Tests.Deploy;

/// <summary>What the scripts of <c>deploy/</c> share, as bash runs it; the stories run them whole.</summary>
public sealed class ScriptTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory().FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    /// <summary>Docker Compose has its secrets beside the scripts; a package, and what is installed, everybody may read.</summary>
    [Fact]
    public async Task What_compose_has_beside_the_scripts_is_not_copied_with_them()
    {
        var said = await BashAsync($"""
            cp -r {Deploy("")} deploy
            mkdir deploy/secrets deploy/gateway deploy/homeserver target
            touch deploy/secrets/store.key deploy/gateway/gateway.json deploy/homeserver/registration.yaml
            here=$PWD/deploy
            . deploy/common.sh
            copy_scripts target/deploy
            diff --recursive --brief deploy target/deploy || true
            """);

        Assert.Equal("Only in deploy: gateway\nOnly in deploy: homeserver\nOnly in deploy: secrets\n", said);
        Assert.All(["package", "published.sh", "fetch"], script => Assert.Contains("copy_scripts \"", File.ReadAllText(Deploy(script)), StringComparison.Ordinal));
        Assert.All(["package", "published.sh", "fetch"], script => Assert.DoesNotContain("\"$here\" \"", File.ReadAllText(Deploy(script)), StringComparison.Ordinal));
    }

    /// <summary>Before and since 3.2 it puts spaces around the sign, and none.</summary>
    [Theory]
    [InlineData("issuer=CN = Gateway CA chat.example.org", "private")]
    [InlineData("issuer=CN=Gateway CA chat.example.org", "private")]
    [InlineData("issuer=C = US, O = Let's Encrypt, CN = R3", "")]
    public async Task The_private_authority_is_known_however_openssl_prints_it(string printed, string expected)
    {
        await File.WriteAllTextAsync(Path.Combine(folder, "printed"), printed, TestContext.Current.CancellationToken);

        Assert.Equal(expected, await SettingsAsync($$"""
            openssl() { cat printed; }
            ! has_private_certificate || printf private
            """));
    }

    [Theory]
    [InlineData("12", "libicu72")]
    [InlineData("13", "libicu76")]
    public async Task Each_debian_has_its_icu(string version, string package) => Assert.Equal(package, await SettingsAsync($"""
        printf 'VERSION_ID="{version}"\n' >os-release
        os_release=os-release
        choose_icu
        printf '%s' "$icu"
        """));

    [Fact]
    public async Task Root_opens_nothing_in_a_folder_that_is_another_users() => Assert.Equal("not looked at", await SettingsAsync("""
        mkfifo tls/server.pem
        chown nobody tls
        if has_private_certificate; then printf private; else printf 'not looked at'; fi
        """));

    [Fact]
    public async Task Who_has_to_wait_for_another_script_is_told_so()
    {
        await File.WriteAllTextAsync(Path.Combine(folder, "script"), $"""
            #!/bin/bash
            set -euo pipefail
            . {Deploy("common.sh")}
            alone lock HELD ./script "$@"
            echo "alone, with $1"
            """, TestContext.Current.CancellationToken);

        Assert.Equal("another deploy script is at work; waiting\nalone, with an argument\nalone, with another\n", await BashAsync("""
            chmod +x script
            mkfifo said
            exec 9>lock
            flock 9
            ./script 'an argument' >said 2>&1 9>&- &
            exec 8<said
            read -r line <&8
            printf '%s\n' "$line"
            exec 9>&-
            cat <&8
            ./script another
            """));
    }

    private Task<string> SettingsAsync(string script) => BashAsync($$"""
        mkdir tls
        printf '{"Certificate:Path": "%s/tls/server.pem"}' "$PWD" >gateway.json
        export GATEWAY_CONFIG_DIR=$PWD
        . {{Deploy("common.sh")}}
        . {{Deploy("settings.sh")}}
        {{script}}
        """);

    private async Task<string> BashAsync(string script)
    {
        var start = new ProcessStartInfo("timeout", ["20", "bash", "-euo", "pipefail", "-c", script]) { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false, WorkingDirectory = folder };
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        var said = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return process.ExitCode == 0 && (await errors).Length == 0 ? said : throw new InvalidOperationException($"bash ended with {process.ExitCode}: {await errors}");
    }

    private static string Deploy(string name, [CallerFilePath] string file = "") => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(file)!, "../../../deploy", name));
}
