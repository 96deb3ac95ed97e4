using Gateway.Onboarding.Devices;
using Gateway.Onboarding.Keys;

namespace Gateway.Login;

/// <summary>
/// The two-digit numbers that a member and the admin compare. None comes back on its device while somebody may still have
/// the old one before their eyes, however many devices act together. Guarded by the lock of <see cref="SignIns"/>.
/// </summary>
internal sealed class SignInNumbers(Entropy entropy, TimeProvider time, TimeSpan memory)
{
    private const int First = 10;
    private const int Count = 90;

    /// <summary>A member may turn back and start again a few times; more is not a member.</summary>
    private const int Most = 6;

    private readonly List<(DeviceId Device, int Number, DateTimeOffset At)> _given = [];

    /// <summary>The next one for this device, not among the <paramref name="others"/> while there is a choice; null where it had too many.</summary>
    public int? Next(DeviceId device, IReadOnlySet<int> others)
    {
        var now = time.GetUtcNow();
        _given.RemoveAll(given => given.At + memory <= now);
        var own = _given.Where(given => given.Device == device).Select(given => given.Number).ToHashSet();
        if (own.Count >= Most)
        {
            return null;
        }

        var free = Enumerable.Range(First, Count).Where(number => !own.Contains(number)).ToList();
        var best = free.Where(number => !others.Contains(number)).ToList();
        var choice = best.Count > 10 ? best : free;
        var next = choice[entropy.Below(choice.Count)];
        _given.Add((device, next, now));
        return next;
    }
}
