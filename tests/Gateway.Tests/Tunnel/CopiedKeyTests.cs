using System.Net;
using Gateway.Onboarding.Devices;
using Gateway.Onboarding.Keys;
using Gateway.Tests.Testing;
using Gateway.Tunnel;
using Microsoft.Extensions.Time.Testing;

namespace Gateway.Tests.Tunnel;

/// <summary>What is one phone and what is two, from what was measured on real interfaces: dumps every two seconds, as the reconciler takes them.</summary>
public sealed class CopiedKeyTests
{
    private static readonly IPEndPoint Home = IPEndPoint.Parse("198.51.100.10:40001");
    private static readonly IPEndPoint HomePort2 = IPEndPoint.Parse("198.51.100.10:40002");
    private static readonly IPEndPoint HomePort3 = IPEndPoint.Parse("198.51.100.10:40003");
    private static readonly IPEndPoint Mobile = IPEndPoint.Parse("203.0.113.77:51999");

    private readonly FakeTimeProvider _clock = new(new DateTimeOffset(2026, 11, 22, 12, 0, 0, TimeSpan.Zero));
    private readonly DesiredPeer _phone = SomePeers.Number(2);
    private readonly List<PublicKey> _alarms = [];
    private readonly HandshakeWatch _watch;

    public CopiedKeyTests() => _watch = new((_, _) => { }, _alarms.Add, SomePeers.Clock(_clock));

    [Fact]
    public void One_phone_under_traffic_is_one_phone() =>
        Assert.Null(AlarmAfter(600, handshakeEvery: _ => 120, _ => Home));

    [Fact]
    public void Ports_that_a_NAT_changes_are_one_phone() =>
        Assert.Null(AlarmAfter(120, handshakeEvery: _ => 16, second => second < 10 ? Home : second < 20 ? HomePort2 : HomePort3));

    [Fact]
    public void A_phone_that_roams_twice_is_one_phone() =>
        Assert.Null(AlarmAfter(120, handshakeEvery: _ => 16, second => second is < 20 or > 40 ? Home : Mobile));

    [Fact]
    public void A_phone_that_goes_back_and_forth_without_new_handshakes_is_one_phone() =>
        Assert.Null(AlarmAfter(600, handshakeEvery: _ => 120, second => second / 5 % 2 == 0 ? Home : Mobile));

    [Fact]
    public void A_phone_that_goes_back_and_forth_over_an_hour_is_one_phone() =>
        Assert.Null(AlarmAfter(3600, handshakeEvery: _ => 30, second => second / 300 % 2 == 0 ? Home : Mobile));

    [Fact]
    public void Two_active_phones_are_noticed_within_a_minute_and_a_half() =>
        Assert.InRange(AlarmAfter(90, handshakeEvery: number => 16 + (number % 3), second => second * 46 / 75 % 2 == 0 ? Home : Mobile)!.Value, 30, 90);

    [Fact]
    public void Two_phones_behind_one_NAT_differ_in_their_ports_alone() =>
        Assert.InRange(AlarmAfter(90, handshakeEvery: _ => 16, second => second / 3 % 2 == 0 ? Home : HomePort2)!.Value, 30, 90);

    [Fact]
    public void A_copy_that_only_keeps_itself_alive_is_noticed_too() =>
        Assert.NotNull(AlarmAfter(120, handshakeEvery: number => number % 2 == 0 ? 5 : 17, second => second % 25 is >= 20 and < 23 ? Mobile : Home));

    /// <summary>Whatever the rhythm of two active phones is: how long each holds the endpoint, and when the other one comes back.</summary>
    [Fact]
    public void Any_rhythm_of_two_active_phones_is_noticed()
    {
        for (var one = 1; one <= 8; one++)
        {
            for (var other = 2; other <= 8; other++)
            {
                for (var gap = 14; gap <= 19; gap++)
                {
                    var noticed = new CopiedKeyTests().AlarmAfter(180, _ => gap, second => second % (one + other) < one ? Home : Mobile);
                    Assert.True(noticed is not null, $"{one} s and {other} s, handshakes every {gap} s");
                }
            }
        }
    }

    [Fact]
    public void A_clock_that_is_set_makes_no_second_phone()
    {
        var wall = _clock.GetUtcNow();
        for (var second = 0; second < 60; second += 2)
        {
            // The same handshakes two minutes apart, told by a clock that somebody turns back and forth.
            See(second / 5 % 2 == 0 ? Home : Mobile, wall.AddSeconds(second < 30 ? 0 : -3600));
            _clock.Advance(TimeSpan.FromSeconds(2));
        }

        Assert.Empty(_alarms);
    }

    /// <summary>After how many seconds the alarm came, if it did. The <c>n</c>th gap between handshakes and the endpoint at a second are the phones' doing.</summary>
    private int? AlarmAfter(int seconds, Func<int, int> handshakeEvery, Func<int, IPEndPoint> endpoint)
    {
        var handshake = _clock.GetUtcNow();
        var number = 0;
        var next = handshakeEvery(number);
        for (var second = 0; second < seconds; second++)
        {
            if (second == next)
            {
                handshake = _clock.GetUtcNow();
                next += handshakeEvery(++number);
            }

            var place = endpoint(second);
            if (second % 2 == 0)
            {
                See(place, handshake);
                if (_alarms.Count > 0)
                {
                    Assert.Equal(_phone.PublicKey, _alarms[0]);
                    return second;
                }
            }

            _clock.Advance(TimeSpan.FromSeconds(1));
        }

        return null;
    }

    private void See(IPEndPoint endpoint, DateTimeOffset handshake) =>
        _watch.Observe([SomePeers.Standing(_phone, handshake) with { Endpoint = endpoint }]);
}
