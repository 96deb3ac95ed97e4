using System.Collections.Concurrent;
using Gateway.Onboarding.Devices;

namespace Gateway.Admin.Pages;

/// <summary>
/// The enrolment forms that were sent, by the word that stands in each: a second click, or a reload of the page with the
/// code, leads to the device that the first one made, and makes no other.
/// </summary>
internal sealed class SentForms(TimeProvider time)
{
    private static readonly TimeSpan Remembered = TimeSpan.FromHours(1);

    private readonly ConcurrentDictionary<string, (DateTimeOffset At, TaskCompletionSource<DeviceId?> Device)> _forms = new(StringComparer.Ordinal);

    /// <summary>The first must <see cref="Finish"/>; any other may wait for what came of it: no device where it was refused.</summary>
    public (bool IsFirst, Task<DeviceId?> Device) Begin(string word)
    {
        var now = time.GetUtcNow();
        foreach (var (old, form) in _forms)
        {
            if (form.At + Remembered < now)
            {
                _forms.TryRemove(old, out _);
            }
        }

        var own = new TaskCompletionSource<DeviceId?>(TaskCreationOptions.RunContinuationsAsynchronously);
        var known = _forms.GetOrAdd(word, (now, own)).Device;
        return (known == own, known.Task);
    }

    /// <summary>A form that made nothing may be sent again.</summary>
    public void Finish(string word, DeviceId? device)
    {
        if (_forms.TryGetValue(word, out var form))
        {
            form.Device.TrySetResult(device);
        }

        if (device is null)
        {
            _forms.TryRemove(word, out _);
        }
    }
}
