using System.Globalization;

namespace Gateway.Benchmarks.Beside;

/// <summary>Row 10: one large file up and down over TLS.</summary>
internal sealed class Transfer(string folder, Report report)
{
    private const int Rounds = 15;

    /// <summary>A file takes a tenth of a second: until the compiler has seen enough of it.</summary>
    private const int WarmUp = 10;

    private const int Megabytes = 50;

    public async Task RunAsync()
    {
        var rivals = new Rivals(folder);
        using var backend = await rivals.BackendAsync();
        using var gate = await Forwarding.GateAsync(folder, "gate", devices: 10);
        using var nginx = await rivals.NginxAsync();
        var file = Path.Combine(folder, "files", "media");
        File.WriteAllBytes(file, new Onboarding.Keys.Entropy().Bytes(Megabytes * 1024 * 1024));
        File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead);
        foreach (var (direction, path, how) in new[]
        {
            ("upload", "/_matrix/media/v3/upload", new[] { "-X", "POST", "-H", "Content-Type: image/png", "--data-binary", $"@{file}" }),
            ("download", "/_matrix/media/v3/download/chat.example/one", []),
        })
        {
            var (ours, theirs) = (new Figures(), new Figures());
            var before = gate.Resident;
            for (var round = -WarmUp; round < Rounds; round++)
            {
                var (one, other) = (await SpeedAsync(gate, path, direction, how), await SpeedAsync(nginx, path, direction, how));
                if (round >= 0)
                {
                    ours.Add(one);
                    theirs.Add(other);
                }
            }

            report.Row("10", $"{direction} of {Megabytes} MB over TLS", $"{ours.Say("0")} MB/s, {(gate.Resident - before) / 1e6:+0;-0} MB", $"nginx {theirs.Say("0")} MB/s", [("× as fast with nginx", theirs.Median / ours.Median, 1 / 0.9)]);
        }
    }

    private static async Task<double> SpeedAsync(Contestant contestant, string path, string direction, string[] how)
    {
        string[] arguments =
        [
            "--silent", "--show-error", "--fail", "--http1.1", "--insecure", "--output", "/dev/null", "--write-out", $"%{{speed_{direction}}} %{{size_{direction}}}",
            "-H", $"Authorization: Bearer {Place.Token(0)}", .. how, $"https://{Place.ServerName}:{contestant.Tls}{path}",
        ];
        var said = (await Load.RunAsync("curl", arguments)).Split(' ');
        return said[1] == $"{Megabytes * 1024 * 1024}" ? double.Parse(said[0], CultureInfo.InvariantCulture) / 1e6 : throw new InvalidOperationException($"{contestant.Name}: {said[1]} bytes");
    }
}
