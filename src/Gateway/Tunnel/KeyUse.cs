using System.Net;
using System.Security.Cryptography;
using Gateway.Onboarding.Keys;

namespace Gateway.Tunnel;

/// <summary>
/// How one peer's key was used in the last minutes, as far as the dumps show it. Two phones with one key throw each other
/// out: each one's packets move the endpoint to it, and the one that lost makes a new handshake 15 s later, where a single
/// phone makes one in two minutes. A phone that roams changes its endpoint without going back and forth, and a NAT that
/// gives it a new port gives it no old one. Endpoints are kept as hashes under a key of this process, and for a minute.
/// </summary>
internal sealed class KeyUse
{
    private const int Enough = 3;

    /// <summary>Within this the endpoint must come back, and a handshake follow the last one.</summary>
    private static readonly TimeSpan Window = TimeSpan.FromSeconds(60);

    private static readonly byte[] HashKey = new Entropy().Bytes(32);

    private readonly List<(TimeSpan At, Place Place)> _places = [];
    private readonly Queue<TimeSpan> _returns = [];
    private DateTimeOffset? _handshake;
    private TimeSpan _handshakeSeen;
    private int _shortGaps;

    /// <summary>Takes what a dump shows at <paramref name="now"/>, a time that only goes forward. True where two use the key.</summary>
    public bool See(IPEndPoint? endpoint, DateTimeOffset? handshake, TimeSpan now)
    {
        CountHandshake(handshake, now);
        if (endpoint is not null)
        {
            CountReturn(Place.Of(endpoint), now);
        }

        while (_returns.TryPeek(out var oldest) && now - oldest > Window)
        {
            _returns.Dequeue();
        }

        return _returns.Count >= Enough && _shortGaps >= Enough && now - _handshakeSeen <= Window;
    }

    /// <summary>The gap is measured between the dumps, so that a clock that is set counts for nothing.</summary>
    private void CountHandshake(DateTimeOffset? handshake, TimeSpan now)
    {
        if (handshake is null || handshake == _handshake)
        {
            return;
        }

        _shortGaps = _handshake is not null && now - _handshakeSeen < Window ? _shortGaps + 1 : 0;
        _handshake = handshake;
        _handshakeSeen = now;
    }

    private void CountReturn(Place place, TimeSpan now)
    {
        _places.RemoveAll(old => now - old.At > Window);
        var current = _places.Count > 0 ? _places[^1].Place : place;

        // Behind one NAT two phones differ in their ports alone; elsewhere a port may change with each visit.
        var known = place.Address == current.Address
            ? _places.Any(old => old.Place == place)
            : _places.Any(old => old.Place.Address == place.Address);
        if (place != current && known)
        {
            _returns.Enqueue(now);
        }

        _places.RemoveAll(old => old.Place == place);
        _places.Add((now, place));
    }

    private sealed record Place(UInt128 Address, int Port)
    {
        public static Place Of(IPEndPoint endpoint) =>
            new(BitConverter.ToUInt128(HMACSHA256.HashData(HashKey, endpoint.Address.MapToIPv6().GetAddressBytes())), endpoint.Port);
    }
}
