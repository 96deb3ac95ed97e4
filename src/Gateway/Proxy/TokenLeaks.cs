using System.Collections.Concurrent;
using Gateway.Onboarding.Devices;
using Gateway.Onboarding.Keys;
using Gateway.Onboarding.Store;
using Microsoft.Extensions.Primitives;

namespace Gateway.Proxy;

/// <summary>
/// Writes down that a token was used from another device than its own: it has leaked, or somebody tries. Once in a while
/// for each pair, so that nobody fills the store with it.
/// </summary>
internal sealed class TokenLeaks(DeviceResolver devices, TokenBinding binding, StateWriter writer, TimeProvider time)
{
    private static readonly TimeSpan Pause = TimeSpan.FromMinutes(10);

    private readonly ConcurrentDictionary<(DeviceId From, DeviceId Owner), DateTimeOffset> _told = new();

    public void Tell(DeviceEntry from, StringValues authorization)
    {
        Span<byte> hash = stackalloc byte[TokenHasher.Length];
        if (!binding.TryHash(authorization, hash) || devices.OwnerOf(hash, from.Id) is not { } owner)
        {
            return;
        }

        var now = time.GetUtcNow();
        var pair = (from.Id, owner.Id);
        if (_told.TryGetValue(pair, out var last) && last + Pause > now)
        {
            return;
        }

        _told[pair] = now;
        writer.Write(new TokenRefused(owner.Id) { At = now, Device = from.Id });
    }
}
