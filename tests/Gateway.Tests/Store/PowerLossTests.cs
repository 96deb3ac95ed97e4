using Gateway.Onboarding.Store;
using Gateway.Tests.Testing;

namespace Gateway.Tests.Store;

/// <summary>
/// Whatever moment the power goes or the process is killed at: what was acknowledged is there, nothing is there by half,
/// and the store opens.
/// </summary>
public sealed class PowerLossTests
{
    private const int Writes = 120;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void A_power_loss_loses_nothing_that_was_acknowledged_and_leaves_nothing_half(ulong seed) =>
        AtManyMoments(seed, (disk, random) => disk.AfterPowerLoss(random));

    [Theory]
    [InlineData(5)]
    [InlineData(6)]
    public void A_kill_loses_nothing_that_was_acknowledged_and_leaves_nothing_half(ulong seed) =>
        AtManyMoments(seed, (disk, _) => disk.AfterKill());

    /// <summary>Also the very first start may be cut short, at any of its steps.</summary>
    [Fact]
    public void A_first_start_that_was_cut_short_starts_anew()
    {
        for (ulong seed = 0; seed < 40; seed++)
        {
            using var history = new SomeHistory(seed);
            var found = new List<PowerLossDisk>();
            var random = new SeededEntropy(seed);
            history.Disk.Before = _ => found.Add(history.Disk.AfterPowerLoss(random));
            history.Open().Dispose();

            Assert.True(found.Count > 5);
            foreach (var disk in found)
            {
                using var store = history.Open(disk);
                var writer = new StateWriter(store);
                writer.Write(history.Next());
                Assert.NotEqual(0, writer.Current.Generation);
            }
        }
    }

    private static void AtManyMoments(ulong seed, Func<PowerLossDisk, SeededEntropy, PowerLossDisk> cut)
    {
        using var history = new SomeHistory(seed);
        var store = history.Open();
        var writer = new StateWriter(store);
        var states = new List<string> { SomeHistory.Text(writer.Current) };
        var random = new SeededEntropy(seed);
        var found = new List<(PowerLossDisk Disk, int Acknowledged)>();
        var acknowledged = 0;
        history.Disk.Before = _ =>
        {
            // Read before the picture is taken: what is acknowledged after it need not be in it.
            var atLeast = Volatile.Read(ref acknowledged);
            if (random.Below(3) == 0)
            {
                found.Add((cut(history.Disk, random), atLeast));
            }
        };
        for (var write = 0; write < Writes; write++)
        {
            writer.Write(history.Next());
            states.Add(SomeHistory.Text(writer.Current));
            Interlocked.Increment(ref acknowledged);
        }

        store.Dispose();
        Assert.True(found.Count > 60, $"{found.Count} moments");
        Assert.Contains(found, moment => moment.Disk.Names().Count(name => name.StartsWith(Journal.Prefix, StringComparison.Ordinal)) > 1);
        foreach (var (disk, atLeast) in found)
        {
            using var again = history.Open(disk);
            var number = states.IndexOf(SomeHistory.Text(again.Load()));
            Assert.True(number >= atLeast, $"seed {seed}: {atLeast} writes were acknowledged, found is state {number} (-1: none of ours)");
            Assert.False(again.WasRestored);

            // It goes on from there, and what it does then is there after the next start too.
            var next = new StateWriter(again);
            next.Write(new Locked("admin") { At = SomeHistory.At.AddDays(1) });
            using var third = history.Open(disk.AfterPowerLoss(random));
            Assert.Equal(SomeHistory.Text(next.Current), SomeHistory.Text(third.Load()));
        }
    }
}
