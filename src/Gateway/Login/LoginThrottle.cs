using System.Collections.Concurrent;
using Gateway.Onboarding.Devices;

namespace Gateway.Login;

/// <summary>
/// Slows down guessing, per device: after five wrong codes each further try waits a minute. Against a code of 40 bits that
/// lives for minutes this is far more than enough, and it never shuts a device out for good.
/// </summary>
internal sealed class LoginThrottle(TimeProvider time)
{
    private const int FreeTries = 5;
    private static readonly TimeSpan Wait = TimeSpan.FromMinutes(1);

    private readonly ConcurrentDictionary<DeviceId, (int Wrong, DateTimeOffset Last)> _tries = new();

    /// <summary>How long the device must wait before its next try, or null.</summary>
    public TimeSpan? MustWait(DeviceId device) =>
        _tries.TryGetValue(device, out var tries) && tries.Wrong >= FreeTries && tries.Last + Wait - time.GetUtcNow() is { Ticks: > 0 } wait
            ? wait
            : null;

    public void Failed(DeviceId device) =>
        _tries.AddOrUpdate(device, _ => (1, time.GetUtcNow()), (_, tries) => (tries.Wrong + 1, time.GetUtcNow()));

    public void Succeeded(DeviceId device) => _tries.TryRemove(device, out _);
}
