using System.Collections.Concurrent;
using Gateway.Onboarding.Devices;
using Gateway.Onboarding.Keys;
using Gateway.Onboarding.Store;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Gateway.Onboarding.Enrolment;

/// <summary>
/// What becomes of an enrolment: a first handshake connects the device and starts its grant's time; without one it ends by
/// itself, and with it an account that nobody used. A grant ends when its time is over.
/// </summary>
public sealed partial class EnrolmentWatch(StateWriter writer, TimeProvider time, ILogger<EnrolmentWatch> log) : BackgroundService
{
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(1);

    /// <summary>A handshake in the last moment may not have been seen yet.</summary>
    private static readonly TimeSpan Margin = TimeSpan.FromSeconds(5);

    /// <summary>Handshakes that could not be written down yet: no reason to end a device.</summary>
    private readonly ConcurrentDictionary<PublicKey, DateTimeOffset> _heard = new();

    /// <summary>The peer with this key has made a handshake. Only the first one is written down.</summary>
    public void HandshakeSeen(PublicKey key, DateTimeOffset at)
    {
        if (FirstOf(writer.Current, key) is null)
        {
            return;
        }

        _heard.TryAdd(key, at);
        writer.Write<bool>(state => FirstOf(state, key) is { } device
            ? (true, [new HandshakeSeen { At = at, Device = device.Id }])
            : (false, []));
        _heard.TryRemove(key, out _);
    }

    /// <summary>Ends the enrolments and the grants whose time is over.</summary>
    public void ExpireOnce()
    {
        foreach (var (key, at) in _heard)
        {
            HandshakeSeen(key, at);
        }

        var now = time.GetUtcNow();
        foreach (var device in writer.Current.Devices.Values.Where(device => HasExpired(device, now)))
        {
            var ended = writer.Write<bool>(state => state.Devices.TryGetValue(device.Id, out var current) && HasExpired(current, now)
                ? (true, [new EnrolmentEnded("no handshake in time") { At = now, Device = device.Id }, .. AccountLocks.AfterEndOf(state, current, now)])
                : (false, []));
            if (ended)
            {
                Expired(device.Label);
            }
        }

        foreach (var device in writer.Current.Devices.Values.Where(device => HasExpiredGrant(device, now)))
        {
            writer.Write<bool>(state => state.Devices.TryGetValue(device.Id, out var current) && HasExpiredGrant(current, now)
                ? (true, [new GrantExpired(current.Grant!.Id) { At = now, Device = device.Id }])
                : (false, []));
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Period, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                ExpireOnce();
            }
            catch (StoreException e)
            {
                StoreFailed(e.Message);
            }
        }
    }

    private static Device? FirstOf(State state, PublicKey key) =>
        state.Devices.Find(key) is { FirstHandshake: null } device ? device : null;

    private static bool HasExpired(Device device, DateTimeOffset now) =>
        device is { IsLive: true, FirstHandshake: null } && device.EnrolmentEnds + Margin < now;

    private static bool HasExpiredGrant(Device device, DateTimeOffset now) =>
        device.Grant is { State: GrantState.Armed } grant && !grant.IsArmed(now);

    [LoggerMessage(Level = LogLevel.Information, Message = "The enrolment of {Device} ended: nobody used its QR in time")]
    private partial void Expired(string device);

    [LoggerMessage(Level = LogLevel.Error, Message = "An enrolment could not be ended: {Why}")]
    private partial void StoreFailed(string why);
}
