namespace Gateway.Benchmarks.Beside;

/// <summary>Rows 1 to 3: CPU time per forwarded request, requests per second, latency at half of it, beside the others and beside YARP alone.</summary>
internal sealed class Forwarding(string folder, Report report)
{
    public const string Ours = "the gateway";
    public const string Alone = "YARP alone";

    private const int Rounds = 5;
    private const int Seconds = 2;

    private readonly Dictionary<(string, Wire), (Figures Cpu, Figures Rate)> _figures = [];

    public async Task RunAsync()
    {
        var rivals = new Rivals(folder);
        using var backend = await rivals.BackendAsync();
        List<Contestant> all = [];
        try
        {
            all.Add(await GateAsync(folder, "gate", devices: 500));
            all.Add(await GateAsync(folder, "yarp", devices: 0));
            all.Add(await rivals.NginxAsync());
            all.Add(await rivals.NginxAuthAsync());
            all.Add(await rivals.NginxAuthKeptAsync());
            all.Add(await rivals.HAProxyAsync());
            all.Add(await rivals.CaddyAsync());
            foreach (var wire in Enum.GetValues<Wire>())
            {
                await MeasureAsync(all, wire);
            }

            await LatencyAsync(all);
        }
        finally
        {
            all.ForEach(one => one.Dispose());
        }
    }

    /// <summary>Our own program, or YARP alone, as a process of its own.</summary>
    public static Task<Contestant> GateAsync(string folder, string mode, int devices, string? backend = null)
    {
        var (plain, tls) = mode == "gate" ? (8205, 8305) : (8206, 8306);
        if (Path.Combine(folder, "data") is var data && mode == "gate" && Directory.Exists(data))
        {
            // Of the last one: each begins with its own devices.
            Directory.Delete(data, recursive: true);
        }

        return Contestant.StartAsync(mode == "gate" ? Ours : Alone, plain, tls, folder, Environment.ProcessPath!, "serve", mode, folder, $"{plain}", $"{tls}", backend ?? Place.BackendUrl, $"{devices}");
    }

    private async Task MeasureAsync(List<Contestant> all, Wire wire)
    {
        foreach (var one in all)
        {
            // Until the compiler has seen enough; the others need less.
            await Load.SaturateAsync(one, wire, one.Name is Ours or Alone ? 6 : 1);
            _figures[(one.Name, wire)] = (new Figures(), new Figures());
        }

        for (var round = 0; round < Rounds; round++)
        {
            foreach (var one in all)
            {
                var before = one.Cpu;
                var counted = await Load.SaturateAsync(one, wire, Seconds);
                var (cpu, rate) = _figures[(one.Name, wire)];
                cpu.Add((one.Cpu - before).TotalMicroseconds / counted.Requests);
                rate.Add(counted.PerSecond);
            }
        }

        var what = wire switch { Wire.Plain => "HTTP/1.1", Wire.Tls => "HTTP/1.1 over TLS 1.3", _ => "HTTP/2 over TLS 1.3" };
        double Cpu(string name) => _figures[(name, wire)].Cpu.Median;
        double Rate(string name) => _figures[(name, wire)].Rate.Median;
        string Others(Func<string, string> say) => string.Join(", ", all.Where(one => one.Name != Ours).Select(one => $"{one.Name} {say(one.Name)}"));
        report.Row(
            "1",
            $"CPU per request, {what}",
            $"{_figures[(Ours, wire)].Cpu.Say("0.0")} µs",
            Others(name => $"{_figures[(name, wire)].Cpu.Say("0.0")}"),
            [("× nginx", Cpu(Ours) / Cpu(Rivals.Nginx), 1.8), ("× nginx + auth_request", Cpu(Ours) / Cpu(Rivals.NginxAuth), 0.6), ("× Caddy", Cpu(Ours) / Cpu(Rivals.Caddy), 0.4)]);
        report.Row(
            "2",
            $"requests per second, {what}",
            _figures[(Ours, wire)].Rate.Say("0"),
            Others(name => _figures[(name, wire)].Rate.Say("0")),
            [("× as many for nginx + auth_request", Rate(Rivals.NginxAuth) / Rate(Ours), 1 / 1.3)]);
        report.Row("3", $"everything on beside YARP alone, {what}", $"{(Cpu(Ours) / Cpu(Alone) - 1) * 100:+0.0;-0.0} % CPU", "", [("× YARP alone", Cpu(Ours) / Cpu(Alone), 1.08)]);
    }

    private async Task LatencyAsync(List<Contestant> all)
    {
        var rate = (int)_figures[(Ours, Wire.Tls)].Rate.Median / 2;
        var figures = all.ToDictionary(one => one.Name, _ => new Figures());
        for (var round = 0; round < Rounds; round++)
        {
            foreach (var one in all)
            {
                figures[one.Name].Add(await Load.LatencyAsync(one, rate, Seconds, folder));
            }
        }

        report.Row(
            "2",
            $"p99 at {rate} requests per second, half of what the gateway does at most (HTTP/1.1 over TLS 1.3)",
            $"{figures[Ours].Say("0.00")} ms",
            string.Join(", ", all.Where(one => one.Name != Ours).Select(one => $"{one.Name} {figures[one.Name].Say("0.00")}")),
            [("× nginx", figures[Ours].Median / figures[Rivals.Nginx].Median, 1.5)]);
    }
}
