using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Gateway.Listening;
using Gateway.Onboarding.Devices;
using Gateway.Onboarding.Keys;
using Gateway.Onboarding.Store;

namespace Gateway.Admin.Access;

/// <summary>The browsers that are signed in to the console. The cookie's value is known here by its hash alone.</summary>
internal sealed class ConsoleSessions
{
    /// <summary>One admin, a few browsers; the oldest goes.</summary>
    private const int Most = 16;

    private readonly Lock _lock = new();
    private readonly List<ConsoleSession> _all = [];
    private readonly Entropy _entropy;
    private readonly TimeProvider _time;

    public ConsoleSessions(StateWriter writer, Entropy entropy, TimeProvider time)
    {
        (_entropy, _time) = (entropy, time);
        writer.Watch(change =>
        {
            // A device that is lost, or is no admin's any more, takes its sessions with it.
            if (!change.Intents.IsEmpty)
            {
                End(session => session.Device is { } id && change.State.Devices.GetValueOrDefault(id) is not { IsLive: true, IsAdmin: true });
            }
        });
    }

    /// <summary>Opens a session and returns what the browser's cookie holds.</summary>
    public (ConsoleSession Session, string Secret) Open(Plane plane, DeviceId? device, string by)
    {
        var now = _time.GetUtcNow();
        var secret = Word(32);
        var session = new ConsoleSession
        {
            SecretHash = Hash(secret),
            FormToken = Word(16),
            Plane = plane,
            Device = device,
            By = by,
            Since = now,
            LastSeen = now,
            ProvedAt = now,
        };
        lock (_lock)
        {
            Tidy(now);
            if (_all.Count >= Most)
            {
                var oldest = _all[0];
                Remove(session => session == oldest);
            }

            _all.Add(session);
        }

        return (session, secret);
    }

    /// <summary>The session of this cookie, on this listener and from this device; null where it is over.</summary>
    public ConsoleSession? Find(string? secret, Plane plane, DeviceId? device)
    {
        if (secret is null or { Length: > 64 })
        {
            return null;
        }

        var hash = Hash(secret);
        lock (_lock)
        {
            Tidy(_time.GetUtcNow());
            return _all.FirstOrDefault(one => one.Plane == plane && one.Device == device && CryptographicOperations.FixedTimeEquals(one.SecretHash, hash));
        }
    }

    public IReadOnlyList<ConsoleSession> All()
    {
        lock (_lock)
        {
            Tidy(_time.GetUtcNow());
            return [.. _all];
        }
    }

    public void End(Predicate<ConsoleSession> which)
    {
        lock (_lock)
        {
            Remove(which);
        }
    }

    private void Tidy(DateTimeOffset now) => Remove(session => session.Ends <= now);

    private void Remove(Predicate<ConsoleSession> which)
    {
        foreach (var session in _all.FindAll(which))
        {
            _all.Remove(session);
            session.End();
        }
    }

    private string Word(int bytes) => Base64Url.EncodeToString(_entropy.Bytes(bytes));

    private static byte[] Hash(string secret) => SHA256.HashData(Encoding.UTF8.GetBytes(secret));
}
