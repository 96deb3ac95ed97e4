using System.Globalization;

namespace Gateway.Benchmarks.Beside;

/// <summary>Row 4, what a held long poll costs, and row 5, how soon it ends when its device is revoked.</summary>
internal sealed class Polls(string folder, Report report)
{
    private const int Rounds = 5;
    private const int Devices = 1000;

    public async Task MemoryAsync()
    {
        using var homeserver = await HoldAsync();
        var figures = new Dictionary<(string, int, bool), Figures>();
        for (var round = 0; round < Rounds; round++)
        {
            foreach (var (count, tls) in new[] { (3000, false), (9000, false), (3000, true) })
            {
                foreach (var start in Starts())
                {
                    using var one = await start();
                    var key = (one.Name, count, tls);
                    if (!figures.TryGetValue(key, out var known))
                    {
                        figures[key] = known = new Figures();
                    }

                    known.Add(await CostAsync(one, count, tls));
                }
            }
        }

        foreach (var (count, tls) in new[] { (3000, false), (9000, false), (3000, true) })
        {
            var (ours, nginx, haproxy) = (figures[(Forwarding.Ours, count, tls)], figures[(Rivals.Nginx, count, tls)], figures[(Rivals.HAProxy, count, tls)]);
            report.Row("4", $"memory per held `/sync`, {count.ToString("N0", CultureInfo.InvariantCulture)}{(tls ? " over TLS" : "")}", $"{ours.Say("0.0")} KiB", $"nginx {nginx.Say("0.0")}, HAProxy {haproxy.Say("0.0")}", [("KiB", ours.Median, tls ? null : 16), ("nginx", ours.Median / nginx.Median, tls ? null : 1.7)]);
        }

        IEnumerable<Func<Task<Contestant>>> Starts()
        {
            var rivals = new Rivals(folder);
            yield return () => Forwarding.GateAsync(folder, "gate", Devices, $"http://127.0.0.1:{Place.Holding}");
            yield return () => rivals.NginxAsync(Place.Holding);
            yield return () => rivals.HAProxyAsync(Place.Holding);
        }
    }

    /// <summary>From "accepted", as the admin is told it, to the end of the device's open polls as the phone sees it.</summary>
    public async Task RevocationAsync()
    {
        using var homeserver = await HoldAsync();
        using var gate = await Forwarding.GateAsync(folder, "gate", Devices, $"http://127.0.0.1:{Place.Holding}");
        using var admin = new AdminSocket(Path.Combine(folder, "admin.sock"));
        var polls = Enumerable.Range(0, 2 * Devices).Select(number => new Poll(number % Devices)).ToList();
        try
        {
            foreach (var some in polls.Chunk(100))
            {
                await Task.WhenAll(some.Select(poll => poll.OpenAsync(gate.Tls, tls: true)));
            }

            await Task.Delay(2000);
            var ahead = TimeSpan.FromMilliseconds(double.Parse((await gate.WaitForAsync("ready")).Split(' ')[^2], CultureInfo.InvariantCulture));
            var ids = (await admin.DevicesAsync()).ToDictionary(device => device.Address, device => device.Id, StringComparer.Ordinal);
            var inARow = await CutAsync(polls, admin, ids, Enumerable.Range(0, 100).Select(number => 3 * number).ToList(), together: false, ahead);
            var atOnce = await CutAsync(polls, admin, ids, Enumerable.Range(0, 100).Select(number => (3 * number) + 1).ToList(), together: true, ahead);
            var touched = polls.Count(poll => poll.Ended is not null) - 400;
            report.Row("5", "revoked → last byte of its polls, 100 in a row", $"p50 {Quantile(inARow, 0.5):0.00}, p99 {Quantile(inARow, 0.99):0.00} ms", $"{touched} other polls touched", [("ms", Quantile(inARow, 0.99), 10), ("touched", touched, 0)]);
            report.Row("5", "the same, 100 at once", $"p50 {Quantile(atOnce, 0.5):0.00}, p99 {Quantile(atOnce, 0.99):0.00} ms", "", [("ms", Quantile(atOnce, 0.99), 10)]);
        }
        finally
        {
            polls.ForEach(poll => poll.Dispose());
        }
    }

    private static async Task<List<double>> CutAsync(List<Poll> polls, AdminSocket admin, Dictionary<string, string> ids, List<int> devices, bool together, TimeSpan ahead)
    {
        var asked = new List<Task>();
        foreach (var device in devices)
        {
            var (third, fourth) = Place.Host(device);
            asked.Add(admin.RevokeAsync(ids[$"198.19.{third}.{fourth}"]));
            if (!together)
            {
                await EndedAsync(polls, [device]);
            }
        }

        await EndedAsync(polls, devices);
        await Task.WhenAll(asked);
        var accepted = (await admin.DevicesAsync()).Where(device => device.RevokedAt is not null).ToDictionary(device => device.Address, device => device.RevokedAt!.Value, StringComparer.Ordinal);
        return [.. polls.Where(poll => devices.Contains(poll.Device)).Select(poll =>
        {
            var (third, fourth) = Place.Host(poll.Device);
            return (poll.Ended!.Value - accepted[$"198.19.{third}.{fourth}"] + ahead).TotalMilliseconds;
        }).Order()];
    }

    private static async Task EndedAsync(List<Poll> polls, List<int> devices)
    {
        for (var patience = 0; polls.Any(poll => poll.Ended is null && devices.Contains(poll.Device)); patience++)
        {
            await (patience < 5000 ? Task.Delay(1) : throw new InvalidOperationException("a revoked device's poll is still open"));
        }
    }

    private static double Quantile(List<double> sorted, double share) => sorted[(int)((sorted.Count - 1) * share)];

    private Task<Contestant> HoldAsync() => Contestant.StartAsync("homeserver", Place.Holding, 0, folder, Environment.ProcessPath!, "hold");

    /// <summary>KiB for each poll: what the process has more once they are all held, after as many came and went as a day brings.</summary>
    private static async Task<double> CostAsync(Contestant contestant, int count, bool tls)
    {
        var port = tls ? contestant.Tls : contestant.Plain;
        await HoldAsync(port, 500, tls, () => Task.FromResult(0.0));
        await Task.Delay(500);
        var before = contestant.Memory;
        return await HoldAsync(port, count, tls, async () =>
        {
            await Task.Delay(2000);
            return (contestant.Memory - before) / 1024.0 / count;
        });
    }

    private static async Task<double> HoldAsync(int port, int count, bool tls, Func<Task<double>> look)
    {
        var polls = Enumerable.Range(0, count).Select(number => new Poll(number % Devices)).ToList();
        try
        {
            foreach (var some in polls.Chunk(100))
            {
                await Task.WhenAll(some.Select(poll => poll.OpenAsync(port, tls)));
            }

            var figure = await look();
            return polls.Count(poll => poll.Ended is not null) is var lost and > 0 ? throw new InvalidOperationException($"{lost} of {count} polls were not held") : figure;
        }
        finally
        {
            polls.ForEach(poll => poll.Dispose());
        }
    }
}
