using System.Net;
using Gateway.Onboarding.Devices;
using Gateway.Onboarding.Keys;
using Gateway.Tests.Testing;
using Gateway.Tunnel;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;
using Microsoft.Extensions.Time.Testing;

namespace Gateway.Tests.Tunnel;

public sealed class PeerReconcilerTests : IDisposable
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(20);

    private readonly FakeInterface _interface = new();
    private readonly FakeTimeProvider _time = new();
    private readonly FakeLogger<PeerReconciler> _log = new();
    private readonly PeerReconciler _reconciler;
    private volatile DesiredPeers _desired = DesiredPeers.Of(1);

    public PeerReconcilerTests() =>
        _reconciler = new(_interface, SomePeers.Settings(), () => _desired, new HandshakeWatch((_, _) => { }, _ => { }, SomePeers.Clock(_time)), _time, _log);

    public void Dispose() => _reconciler.Dispose();

    [Fact]
    public async Task Missing_peers_are_added_and_read_back()
    {
        var (alice, bob) = (SomePeers.Number(2), SomePeers.Number(3));
        Want(alice, bob);

        await Pass();

        Assert.Equal(Keys(alice, bob), StandingKeys());
        Assert.Equal(_desired.Generation, _reconciler.VerifiedGeneration);
        Assert.Null(_reconciler.Health.Error);
        Assert.Equal(_time.GetUtcNow(), _reconciler.Health.LastGoodPass);
    }

    [Fact]
    public async Task What_is_right_is_not_touched()
    {
        Want(SomePeers.Number(2), SomePeers.Number(3));
        await Pass();
        var calls = _interface.Calls;

        await Pass();

        Assert.Equal(calls, _interface.Calls);
    }

    [Fact]
    public async Task A_peer_added_by_hand_is_removed()
    {
        var (alice, stranger) = (SomePeers.Number(2), SomePeers.Number(66));
        Want(alice);
        await Pass();
        _interface.PutByHand(SomePeers.Standing(stranger));

        await Pass();

        Assert.Equal(Keys(alice), StandingKeys());
        Assert.Contains(_log.Collector.GetSnapshot(), line => line.Message.Contains(stranger.PublicKey.Prefix, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("allowed-ips")]
    [InlineData("more-allowed-ips")]
    [InlineData("preshared-key")]
    [InlineData("no-preshared-key")]
    public async Task A_peer_changed_by_hand_is_corrected(string change)
    {
        var alice = SomePeers.Number(2);
        Want(alice);
        await Pass();
        var right = SomePeers.Standing(alice);
        _interface.PutByHand(change switch
        {
            "allowed-ips" => right with { AllowedIPs = [IPNetwork.Parse("198.19.0.9/32")] },
            "more-allowed-ips" => right with { AllowedIPs = [.. right.AllowedIPs, IPNetwork.Parse("0.0.0.0/0")] },
            "preshared-key" => right with { PresharedKey = PresharedKey.Generate(new Entropy()) },
            _ => right with { PresharedKey = null },
        });

        await Pass();

        var peer = Assert.Single(_interface.Peers);
        Assert.Equal(IPNetwork.Parse("198.19.0.2/32"), Assert.Single(peer.AllowedIPs));
        Assert.True(peer.PresharedKey!.Matches(alice.PresharedKey));
    }

    [Fact]
    public async Task Removals_come_before_additions()
    {
        var old = SomePeers.Number(2);
        Want(old);
        await Pass();
        var successor = SomePeers.Number(2);

        Want(successor);
        await Pass();

        Assert.Equal($"remove {old.PublicKey}, set {successor.PublicKey}", string.Join(", ", _interface.Calls.TakeLast(2)));
    }

    [Fact]
    public async Task Exchanged_addresses_end_up_exchanged()
    {
        var (alice, bob) = (SomePeers.Number(2), SomePeers.Number(3));
        Want(alice, bob);
        await Pass();

        Want(alice with { TunnelAddress = bob.TunnelAddress }, bob with { TunnelAddress = alice.TunnelAddress });
        await Pass();

        Assert.Equal(_desired.Generation, _reconciler.VerifiedGeneration);
        Assert.All(_interface.Peers, peer => Assert.Single(peer.AllowedIPs));
    }

    [Fact]
    public async Task A_slow_pass_does_not_put_back_what_was_revoked_meanwhile()
    {
        Want([.. Enumerable.Range(2, PeerChanges.Batch + 10).Select(number => SomePeers.Number((byte)number))]);
        var first = true;
        _interface.Before = (act, _) =>
        {
            if (act == "set" && first)
            {
                // While the first are being set, all are revoked.
                first = false;
                Want();
            }

            return Task.CompletedTask;
        };

        await Pass();

        Assert.Equal(PeerChanges.Batch, _interface.Calls.Count(call => call.StartsWith("set", StringComparison.Ordinal)));
        Assert.Empty(_interface.Peers);
        Assert.Equal(_desired.Generation, _reconciler.VerifiedGeneration);
    }

    [Fact]
    public async Task A_revocation_does_not_wait_for_the_end_of_a_long_row_of_additions()
    {
        var revoked = SomePeers.Number(2);
        Want(revoked);
        await Pass();
        var others = Enumerable.Range(3, PeerChanges.Batch + 20).Select(number => SomePeers.Number((byte)number)).ToArray();
        Want([revoked, .. others]);
        var first = true;
        _interface.Before = (act, _) =>
        {
            if (act == "set" && first)
            {
                first = false;
                Want(others);
            }

            return Task.CompletedTask;
        };

        await Running(async () => Assert.True(await Request()));

        Assert.Equal($"remove {revoked.PublicKey}", _interface.Calls[2 + PeerChanges.Batch]);
        Assert.Equal(Keys(others), StandingKeys());
    }

    /// <summary>Two hundred revocations and a hundred enrolments at once kept each other waiting until all gave up.</summary>
    [Fact]
    public async Task While_one_write_follows_the_other_those_who_came_first_are_not_kept_waiting()
    {
        Want(SomePeers.Number(2), SomePeers.Number(3));
        var first = _desired.Generation;
        var next = 4;
        _interface.Before = (act, _) =>
        {
            if (act is "set" or "dump" && next < 40)
            {
                _desired = DesiredPeers.Of(_desired.Generation + 1, [.. _desired.Peers.Values, SomePeers.Number((byte)next++)]);
            }

            return Task.CompletedTask;
        };

        await Pass();

        Assert.True(_desired.Generation > first);
        Assert.True(_reconciler.VerifiedGeneration >= first, $"{_reconciler.VerifiedGeneration} of {first}");
    }

    [Fact]
    public async Task What_is_wrong_with_the_first_is_not_reached_by_what_came_after_them()
    {
        var (alice, bob) = (SomePeers.Number(2), SomePeers.Number(3));
        Want(alice, bob);
        _interface.Before = (act, key) =>
        {
            if (act == "set" && key == bob.PublicKey)
            {
                Want(alice, bob, SomePeers.Number(4));
                throw new TunnelException("bob's peer cannot be set");
            }

            return Task.CompletedTask;
        };

        await Pass();

        Assert.Equal(-1, _reconciler.VerifiedGeneration);
    }

    [Fact]
    public async Task A_peer_revoked_between_dump_and_setting_is_never_set()
    {
        var alice = SomePeers.Number(2);
        Want(alice);
        _interface.Before = (act, _) =>
        {
            if (act == "dump")
            {
                Want();
            }

            return Task.CompletedTask;
        };

        await Pass();

        Assert.Equal(["make"], _interface.Calls);
    }

    [Fact]
    public async Task A_peer_that_resists_does_not_keep_the_others_on_the_interface()
    {
        var (first, second) = (SomePeers.Number(2), SomePeers.Number(3));
        _interface.PutByHand(SomePeers.Standing(first));
        _interface.PutByHand(SomePeers.Standing(second));
        _interface.Before = (act, key) => act == "remove" && key == first.PublicKey ? throw new TunnelException("stuck") : Task.CompletedTask;

        await Pass();

        Assert.Equal(Keys(first), StandingKeys());
        Assert.Equal("stuck", _reconciler.Health.Error);
        Assert.Equal(-1, _reconciler.VerifiedGeneration);
    }

    [Fact]
    public async Task A_link_that_cannot_be_put_right_does_not_keep_a_revoked_peer_on_it()
    {
        _interface.PutByHand(SomePeers.Standing(SomePeers.Number(2)));
        _interface.Before = (act, _) => act == "ensure" ? throw new TunnelException("no ip") : Task.CompletedTask;

        await Pass();

        Assert.Empty(_interface.Peers);
        Assert.Equal(_desired.Generation, _reconciler.VerifiedGeneration);
        Assert.Equal("no ip", _reconciler.Health.Error);
        Assert.Null(_reconciler.Health.LastGoodPass);
    }

    [Fact]
    public async Task A_lost_interface_is_rebuilt_with_all_peers()
    {
        Want(SomePeers.Number(2), SomePeers.Number(3));
        await Pass();
        var before = StandingKeys();
        _interface.Destroy();

        await Pass();

        Assert.True(_interface.Made);
        Assert.Equal(before, StandingKeys());
        Assert.Single(_log.Collector.GetSnapshot(), line => line.Level == LogLevel.Warning);
    }

    [Fact]
    public async Task A_request_waits_for_the_read_back_of_its_generation()
    {
        var alice = SomePeers.Number(2);
        await Running(async () =>
        {
            Want(alice);
            Assert.True(await Request());
            Assert.Equal(Keys(alice), StandingKeys());

            Want();
            Assert.True(await Request());
            Assert.Empty(_interface.Peers);
        });
    }

    [Fact]
    public async Task A_request_that_is_not_met_in_time_says_so()
    {
        _interface.Before = (act, _) => throw new TunnelException(act == "ensure" ? "no wg" : "no interface");
        using var stop = new CancellationTokenSource();
        await Running(async () =>
        {
            var request = _reconciler.RequestAsync(_desired.Generation, stop.Token);
            await Until(() => _reconciler.Health.Error == "no wg");
            await stop.CancelAsync();
            Assert.False(await request.WaitAsync(Deadline));
        });
    }

    [Fact]
    public async Task A_failure_is_logged_once_and_heals_at_the_next_tick()
    {
        var alice = SomePeers.Number(2);
        Want(alice);
        var passes = 0;
        var failing = true;
        _interface.Before = (act, _) => act != "ensure" ? Task.CompletedTask
            : Interlocked.Increment(ref passes) > 0 && failing ? throw new TunnelException("no wg") : Task.CompletedTask;

        await Running(async () =>
        {
            await Ticking(() => Volatile.Read(ref passes) >= 4);
            Assert.Single(_log.Collector.GetSnapshot(), line => line.Level == LogLevel.Error);
            Volatile.Write(ref failing, false);
            await Ticking(() => _reconciler.Health.Error is null);
            Assert.Equal(Keys(alice), StandingKeys());
        });
    }

    [Fact]
    public async Task A_fault_that_nobody_thought_of_does_not_end_the_loop()
    {
        var failing = true;
        _interface.Before = (_, _) => Volatile.Read(ref failing) ? throw new InvalidOperationException("unthinkable") : Task.CompletedTask;

        await Running(async () =>
        {
            await Until(() => _reconciler.Health.Error?.Contains("unthinkable", StringComparison.Ordinal) == true);
            Volatile.Write(ref failing, false);
            await Ticking(() => _reconciler.Health.Error is null);
        });
    }

    [Fact]
    public async Task A_hanging_interface_keeps_neither_requests_nor_the_end_waiting()
    {
        _interface.Before = (_, _) => Task.Delay(Timeout.InfiniteTimeSpan, TestContext.Current.CancellationToken);
        using var patience = new CancellationTokenSource(TimeSpan.FromMilliseconds(50));

        await _reconciler.StartAsync(CancellationToken.None);

        Assert.False(await _reconciler.RequestAsync(_desired.Generation, patience.Token).WaitAsync(Deadline));
    }

    private void Want(params DesiredPeer[] peers) => _desired = DesiredPeers.Of(_desired.Generation + 1, [.. peers]);

    private Task Pass() => _reconciler.ReconcileOnceAsync(CancellationToken.None);

    private async Task<bool> Request()
    {
        using var deadline = new CancellationTokenSource(Deadline);
        return await _reconciler.RequestAsync(_desired.Generation, deadline.Token);
    }

    private async Task Running(Func<Task> act)
    {
        await _reconciler.StartAsync(CancellationToken.None);
        try
        {
            await act();
        }
        finally
        {
            await _reconciler.StopAsync(CancellationToken.None);
        }
    }

    /// <summary>Turns the clock until the condition holds.</summary>
    private Task Ticking(Func<bool> condition) => Until(() =>
    {
        _time.Advance(TimeSpan.FromSeconds(1));
        return condition();
    });

    private static Task Until(Func<bool> condition) => Eventually.Is(condition, Deadline);

    private static string Keys(params DesiredPeer[] peers) => Sorted(peers.Select(peer => peer.PublicKey));

    private string StandingKeys() => Sorted(_interface.Peers.Select(peer => peer.PublicKey));

    private static string Sorted(IEnumerable<PublicKey> keys) => string.Join('\n', keys.Select(key => key.ToString()).Order(StringComparer.Ordinal));
}
