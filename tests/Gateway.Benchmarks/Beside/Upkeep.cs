using System.Diagnostics;
using System.Net;
using Gateway.Onboarding.Devices;
using Gateway.Onboarding.Keys;
using Gateway.Onboarding.QrCodes;
using Gateway.Onboarding.Store;
using Gateway.Tunnel;
using Microsoft.Extensions.Logging.Abstractions;

namespace Gateway.Benchmarks.Beside;

/// <summary>Rows 6 to 9: what is done for one device among many, the start, a pass with nothing to do, and the program at rest. All with wireguard-go.</summary>
internal sealed class Upkeep(string folder, Report report)
{
    private const int Rounds = 5;
    private const int Enrolments = 60;
    private const int Many = 10_000;

    private readonly Dictionary<int, Figures> _enrol = [];
    private readonly Dictionary<int, Figures> _enrolNew = [];
    private readonly Dictionary<int, (double Resident, double Cpu)> _rest = [];

    public async Task RunAsync()
    {
        using var homeserver = await Contestant.StartAsync("homeserver", Place.Holding, 0, folder, Environment.ProcessPath!, "hold");
        await StartOftenAsync(10);
        await EnrolAsync(10);
        await EnrolAsync(1000);
        await StartOftenAsync(Many);
        await EnrolAsync(Many);
        report.Row("6", $"`enrol` of one more device with its QR, p50 of {Enrolments}, durable and on the interface, at 10 / 1,000 / 10,000 devices", $"{_enrol[10].Median:0.0} / {_enrol[1000].Median:0.0} / {_enrol[Many].Median:0.0} ms", "wg-easy 279 ms (as measured elsewhere)", [("ms at 10", _enrol[10].Median, 20), ("× that at 10,000", _enrol[Many].Median / _enrol[10].Median, 1.3)]);
        report.Row("6", "the same for new members, with an account on a homeserver that answers at once", $"{_enrolNew[10].Median:0.0} / {_enrolNew[1000].Median:0.0} / {_enrolNew[Many].Median:0.0} ms", "");
        report.Row("9", "memory at rest with 10 / 10,000 devices (RSS)", $"{_rest[10].Resident:0} / {_rest[Many].Resident:0} MB", "", [("MB", _rest[10].Resident, 80), ("MB", _rest[Many].Resident, 120)]);
        report.Row("8", "CPU at rest with 10 / 10,000 devices, nobody watching", $"{_rest[10].Cpu:0.0} / {_rest[Many].Cpu:0.0} ms/s", "wireguard-go's not counted");
    }

    private async Task StartOftenAsync(int devices)
    {
        using var gateway = new RealGateway(folder, devices);
        var (serving, complete) = (new Figures(), new Figures());
        for (var round = 0; round < Rounds; round++)
        {
            var (first, all) = await gateway.StartAsync();
            serving.Add(first.TotalSeconds);
            complete.Add(all.TotalSeconds);
            gateway.Stop();
            await RealGateway.RemoveLinkAsync();
        }

        if (devices == Many)
        {
            report.Row("7", "start with 10,000 devices, from exec: serving / all peers seen on the interface", $"{serving.Say("0.00")} / {complete.Say("0.00")} s", "", [("s until it serves", serving.Median, 1.5), ("s until all is seen", complete.Median, null)]);
            await PassAsync(DesiredPeers.Of(1, DesiredPeersOf(gateway)));
        }
        else
        {
            report.Row("9", "from exec to listening, 10 devices", $"{serving.Say("0.00")} s", "", [("s", serving.Median, 0.7)]);
        }
    }

    private async Task EnrolAsync(int devices)
    {
        using var gateway = new RealGateway(folder, devices);
        await gateway.StartAsync();
        using var process = Process.GetProcessById(gateway.ProcessId);
        await Task.Delay(5000);
        process.Refresh();
        var cpu = process.TotalProcessorTime;
        await Task.Delay(5000);
        process.Refresh();
        _rest[devices] = (process.WorkingSet64 / 1e6, (process.TotalProcessorTime - cpu).TotalMilliseconds / 5);

        using var admin = new AdminSocket(gateway.Socket);
        var times = _enrol[devices] = await EnrolAsync(admin, number => $"member-{number % devices:00000}");
        var fresh = _enrolNew[devices] = await EnrolAsync(admin, number => $"new-{number:00000}");
        report.Progress($"enrol at {devices}: {times.Say("0.0")} ms, a new member {fresh.Say("0.0")} ms, at rest {_rest[devices].Resident:0} MB, {_rest[devices].Cpu:0.0} ms/s");
        gateway.Stop();
        await RealGateway.RemoveLinkAsync();
    }

    private static async Task<Figures> EnrolAsync(AdminSocket admin, Func<int, string> member)
    {
        var times = new Figures();
        for (var number = 0; number < Enrolments + 10; number++)
        {
            var took = await TimeAsync(async () => QrCode.Of(await admin.EnrolAsync(member(number))).ToPng());
            if (number >= 10)
            {
                times.Add(took);
            }
        }

        return times;
    }

    private static IReadOnlyList<DesiredPeer> DesiredPeersOf(RealGateway gateway) => [.. DataDirectory.Peek(gateway.Data).DesiredPeers().Peers.Values];

    /// <summary>A pass that sets everything on a fresh interface, and one with nothing to do, in this process and beside <c>wg</c>.</summary>
    private async Task PassAsync(DesiredPeers desired)
    {
        var (whole, syncconf, pass, show) = (new Figures(), new Figures(), new Figures(), new Figures());
        var file = Path.Combine(folder, "syncconf");
        using var key = PrivateKey.Generate(new Entropy());
        File.WriteAllText(file, $"[Interface]\nPrivateKey = {key.Reveal()}\nListenPort = 51001\n" + string.Concat(desired.Peers.Values.Select(peer =>
            $"[Peer]\nPublicKey = {peer.PublicKey}\nPresharedKey = {peer.PresharedKey.Reveal()}\nAllowedIPs = {peer.TunnelAddress}/32\n")));
        var settings = new InterfaceSettings(key, 51000, IPAddress.Parse("198.19.0.1"), 18);
        var clock = new SteadyClock(TimeProvider.System, null, NullLogger<SteadyClock>.Instance);
        using var reconciler = new PeerReconciler(
            new WireGuardInterface(new NetworkLink(RealGateway.Link, UserspaceMode.Always)), settings, () => desired, new HandshakeWatch((_, _) => { }, _ => { }, clock), clock, NullLogger<PeerReconciler>.Instance);
        for (var round = 0; round <= Rounds; round++)
        {
            // The first round is for the compiler.
            var took = await TimeAsync(() => reconciler.ReconcileOnceAsync(CancellationToken.None));
            if (round > 0)
            {
                whole.Add(took / 1000);
            }

            for (var again = 0; again < 3; again++)
            {
                pass.Add(await TimeAsync(() => reconciler.ReconcileOnceAsync(CancellationToken.None)));
                show.Add(await TimeAsync(() => Load.RunAsync("wg", ["show", RealGateway.Link, "dump"])));
            }

            await RealGateway.RemoveLinkAsync();
            syncconf.Add(await TimeAsync(async () =>
            {
                await Load.RunAsync("setsid", ["--wait", "wireguard-go", RealGateway.Link]);
                await Load.RunAsync("wg", ["syncconf", RealGateway.Link, file]);
            }) / 1000);
            await RealGateway.RemoveLinkAsync();
        }

        report.Row("7", "10,000 peers on a fresh interface: link made, set, read back", $"{whole.Say("0.00")} s", $"`wg syncconf`, link made {syncconf.Say("0.00")} s", [("× `wg syncconf`", whole.Median / syncconf.Median, 1.3)]);
        report.Row("8", "a pass with nothing to do, 10,000 peers", $"{pass.Say("0")} ms", $"`wg show dump` {show.Say("0")} ms", [("× `wg show dump`", pass.Median / show.Median, 1.2)]);
    }

    /// <summary>In milliseconds.</summary>
    private static async Task<double> TimeAsync(Func<Task> act)
    {
        var since = Stopwatch.GetTimestamp();
        await act();
        return Stopwatch.GetElapsedTime(since).TotalMilliseconds;
    }
}
