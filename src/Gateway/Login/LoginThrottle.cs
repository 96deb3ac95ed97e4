using Gateway.Onboarding.Devices;
using Gateway.Onboarding.Store;

namespace Gateway.Login;

/// <summary>
/// Slows down guessing, per device and over all the ways to try a code: after five wrong ones each further try waits a minute.
/// A try is counted before it is judged, so that many at once are no way around. Against a code of 40 bits that
/// lives for minutes this is far more than enough, and nobody is shut out for good: a new grant starts afresh.
/// </summary>
internal sealed partial class LoginThrottle
{
    private const int FreeTries = 5;
    private static readonly TimeSpan Wait = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan Memory = TimeSpan.FromHours(1);

    private readonly Lock _lock = new();
    private readonly Dictionary<DeviceId, (int Tries, DateTimeOffset Last)> _devices = [];
    private readonly TimeProvider _time;
    private readonly ILogger<LoginThrottle> _log;

    public LoginThrottle(StateWriter writer, TimeProvider time, ILogger<LoginThrottle> log)
    {
        _time = time;
        _log = log;
        writer.Watch(change =>
        {
            foreach (var armed in change.Intents.OfType<GrantArmed>())
            {
                Forget(armed.Device);
            }
        });
    }

    /// <summary>Counts one try; or says how long the device must wait before its next one.</summary>
    public TimeSpan? Try(DeviceId device)
    {
        lock (_lock)
        {
            var now = _time.GetUtcNow();
            var (tries, last) = _devices.GetValueOrDefault(device);
            if (last + Memory <= now)
            {
                tries = 0;
            }

            if (tries >= FreeTries && last + Wait - now is { Ticks: > 0 } wait)
            {
                return wait;
            }

            _devices[device] = (++tries, now);
            if (tries == FreeTries)
            {
                // Somebody who cannot read their code, or an app that guesses: the admin shall know of it either way.
                Guessed(tries, device);
            }

            return null;
        }
    }

    /// <summary>The last try was no wrong code, nor a right one: nobody looked at it.</summary>
    public void TakeBack(DeviceId device)
    {
        lock (_lock)
        {
            if (_devices.TryGetValue(device, out var of) && of.Tries > 0)
            {
                _devices[device] = of with { Tries = of.Tries - 1 };
            }
        }
    }

    /// <summary>The code was right, or there is a new one.</summary>
    public void Forget(DeviceId device)
    {
        lock (_lock)
        {
            _devices.Remove(device);
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Tries} wrong login codes on {Device}: each further try waits a minute")]
    private partial void Guessed(int tries, DeviceId device);
}
