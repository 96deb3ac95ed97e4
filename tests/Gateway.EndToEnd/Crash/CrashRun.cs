using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using Gateway.EndToEnd.Lab;

namespace Gateway.EndToEnd.Crash;

/// <summary>
/// The real gateway with its real store on a real WireGuard interface, killed again and again at random moments under
/// load. The interface and the homeserver outlive it, as they do on a server. Every thirty kills or so a new data
/// directory is begun, whose first start is among what is killed.
/// </summary>
internal sealed class CrashRun
{
    private const int PlainHands = 4;
    private const int Phones = 2;

    /// <summary>A second or so of load.</summary>
    private const int MostAnswers = 40;

    private readonly Dice dice;
    private readonly SmallLab lab;
    private readonly IReadOnlyList<Handset> handsets;
    private Life life;

    private CrashRun(SmallLab lab, IReadOnlyList<Handset> handsets, int seed)
    {
        this.lab = lab;
        this.handsets = handsets;
        dice = new Dice(seed);
        life = Begin(1);
    }

    public Tally Tally { get; } = new();

    private GatewayHost Gateway => lab.Gateway;

    public static async Task<CrashRun> MakeAsync(SmallLab lab, int seed)
    {
        // A quarantine that ends by itself would be one more thing that may or may not have happened.
        lab.Gateway.Settings["Revocation:GraceHours"] = 24;
        var phones = new List<Handset>();
        for (var i = 0; i < Phones; i++)
        {
            phones.Add(await lab.AddHandsetAsync());
        }

        return new CrashRun(lab, phones, seed);
    }

    /// <summary>Kills and looks until <paramref name="isEnough"/> of the kills, or until something was wrong.</summary>
    public async Task RunAsync(Func<int, bool> isEnough, CancellationToken cancellationToken)
    {
        for (var kills = 0; !isEnough(kills) && Tally.Faults.IsEmpty; kills++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (life.Left-- <= 0)
            {
                await EndLifeAsync();
            }

            if (dice.Chance(life.IsFresh ? 0.6 : 0.12))
            {
                await StartAndKillAsync();
            }
            else
            {
                await LoadAndKillAsync();
            }
        }

        if (Tally.Faults.IsEmpty)
        {
            await EndLifeAsync();
        }
        else
        {
            TestLogs.Keep(Gateway.DataDirectory, "crash-data");
        }
    }

    private Life Begin(int number)
    {
        string Name(int hand) => string.Create(CultureInfo.InvariantCulture, $"l{number}h{hand}");
        var warden = new Warden(Gateway, dice.Split(), Tally);
        var hands = Enumerable.Range(1, PlainHands + Phones).Select(hand => new Hand(Gateway, dice.Split(), Tally, Name(hand))).ToList();
        return new Life(number, hands, [.. handsets.Select((handset, i) => new PhoneHand(hands[PlainHands + i], handset, warden))], warden) { Left = 20 + dice.Below(20) };
    }

    /// <summary>Killed while it starts, before anybody could ask it anything.</summary>
    private async Task StartAndKillAsync()
    {
        Gateway.Begin();
        await Task.Delay(dice.Upto(Tally.LastStart));
        await Gateway.KillAsync();
        Tally.Count("kills while it started");
    }

    private async Task LoadAndKillAsync()
    {
        await StartAsync();
        await LookAsync();
        if (!Tally.Faults.IsEmpty)
        {
            await Gateway.KillAsync();
            return;
        }

        life.IsFresh = false;
        using var stop = new CancellationTokenSource();
        var work = Task.WhenAll(
        [
            .. life.Hands.Take(PlainHands).Select(hand => Hand.WorkAsync(hand.ActAsync, stop.Token)),
            .. life.Phones.Select(phone => Hand.WorkAsync(() => phone.ActAsync(stop.Token), stop.Token)),
            Hand.WorkAsync(life.Warden.ActAsync, stop.Token),
        ]);
        // Counted in answers, so that a busy machine is not killed before it has done anything; then somewhere on the way to the next.
        var enough = Tally.Answers + dice.Below(MostAnswers);
        await Until.TrueAsync("answers come", TimeSpan.FromSeconds(30), () => Task.FromResult(Tally.Answers >= enough));
        await Task.Delay(dice.Milliseconds(0, 60));
        var killed = Gateway.KillAsync();
        await stop.CancelAsync();
        await killed;
        await work;
        Tally.Count("kills under load");
    }

    private async Task StartAsync()
    {
        var clock = Stopwatch.StartNew();
        Gateway.Begin();
        await Gateway.ReadyAsync();
        Tally.Started(clock.Elapsed);
    }

    private async Task LookAsync()
    {
        var now = await Snapshot.TakeAsync(Gateway);
        foreach (var fault in now.Faults().Concat(life.Warden.Settle(now)).Concat(life.Hands.SelectMany(hand => hand.Settle(now))))
        {
            Tally.Faults.Enqueue(fault);
        }

        foreach (var stranger in now.Members.Keys.Except(life.Members.Select(member => member.Name), StringComparer.Ordinal))
        {
            Tally.Faults.Enqueue($"a member {stranger} that nobody asked for");
        }

        foreach (var phone in life.Phones)
        {
            await phone.ProveAsync();
        }

        Tally.Count("devices compared", now.Devices.Count);
    }

    /// <summary>The audit has every act that was acknowledged; then all members go, and nothing is left of them anywhere.</summary>
    private async Task EndLifeAsync()
    {
        await StartAsync();
        await LookAsync();
        var audit = (await Gateway.AskAsync("v1/audit")).EnumerateArray()
            .ToLookup(entry => $"{entry.GetProperty("action").GetString()} {entry.GetProperty("device").GetString()}", StringComparer.Ordinal);
        foreach (var device in life.Members.SelectMany(member => member.Devices))
        {
            var label = $"{device.Enrolled.Member}/{device.Enrolled.Name}";
            Expect(audit[$"device enrolled {label}"].Count(), 1, 1, $"enrolments of {label} in the audit");
            Expect(audit[$"device revoked {label}"].Count(), device.Ending == Ending.None ? 0 : 1, device.Ending == Ending.None ? 0 : 2, $"revocations of {label} in the audit");
            Expect(audit[$"login armed {label}"].Count(), device.Armed, device.Armed + device.MayBeArmed, $"codes of {label} in the audit");
        }

        if (Tally.Faults.IsEmpty)
        {
            await DismissAllAsync();
        }

        await Gateway.KillAsync();
        Directory.Delete(Gateway.DataDirectory, recursive: true);
        life = Begin(life.Number + 1);
        Tally.Count("data directories");
    }

    private async Task DismissAllAsync()
    {
        var now = (await Gateway.AskAsync("v1/members")).EnumerateArray().Select(member => member.GetProperty("member").GetString()!).ToList();
        await Parallel.ForEachAsync(now, async (member, _) => await Gateway.TellAsync(HttpMethod.Post, "v1/revocations", new JsonObject { ["member"] = member, ["cut"] = true }));
        await Until.ValueAsync("no peer is left", TimeSpan.FromSeconds(10), Gateway.PeersAsync, peers => peers.Count == 0);
        await Until.ValueAsync(
            "no session is left at the homeserver",
            TimeSpan.FromSeconds(10),
            () => Task.FromResult(now.Sum(member => lab.Homeserver.Accounts.TryGetValue(member, out var sessions) ? sessions.Count : 0)),
            sessions => sessions == 0);
    }

    private void Expect(int seen, int least, int most, string what)
    {
        if (seen < least || seen > most)
        {
            Tally.Faults.Enqueue($"{seen} {what}, expected {least} to {most}");
        }
    }

    /// <summary>One data directory and everybody who worked on it.</summary>
    private sealed class Life(int number, IReadOnlyList<Hand> hands, IReadOnlyList<PhoneHand> phones, Warden warden)
    {
        public int Number => number;

        public IReadOnlyList<Hand> Hands => hands;

        public IReadOnlyList<PhoneHand> Phones => phones;

        public Warden Warden => warden;

        public IEnumerable<MemberEntry> Members => hands.SelectMany(hand => hand.Members);

        /// <summary>How many kills it still has to stand.</summary>
        public required int Left { get; set; }

        /// <summary>No start has come to its end yet.</summary>
        public bool IsFresh { get; set; } = true;
    }
}
