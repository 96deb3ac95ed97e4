using Gateway.Onboarding.Devices;
using Gateway.Onboarding.Keys;
using Gateway.Onboarding.Store;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Gateway.Onboarding.Enrolment;

/// <summary>What becomes of an enrolment: a first handshake connects the device and starts its grant's time; without one it ends by itself.</summary>
public sealed partial class EnrolmentWatch(StateWriter writer, TimeProvider time, ILogger<EnrolmentWatch> log) : BackgroundService
{
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(1);

    /// <summary>A handshake in the last moment may not have been seen yet.</summary>
    private static readonly TimeSpan Margin = TimeSpan.FromSeconds(5);

    /// <summary>The peer with this key has made a handshake. Only the first one is written down.</summary>
    public void HandshakeSeen(PublicKey key, DateTimeOffset at)
    {
        if (FirstOf(writer.Current, key) is null)
        {
            return;
        }

        writer.Write<bool>(state => FirstOf(state, key) is { } device
            ? (true, [new HandshakeSeen { At = at, Device = device.Id }])
            : (false, []));
    }

    /// <summary>Ends the enrolments whose time is over.</summary>
    public void ExpireOnce()
    {
        var now = time.GetUtcNow();
        foreach (var device in writer.Current.Devices.Values.Where(device => HasExpired(device, now)))
        {
            var ended = writer.Write<bool>(state => state.Devices.TryGetValue(device.Id, out var current) && HasExpired(current, now)
                ? (true, [new EnrolmentEnded("no handshake in time") { At = now, Device = device.Id }])
                : (false, []));
            if (ended)
            {
                Expired(device.Label);
            }
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
        state.Devices.Values.FirstOrDefault(device => device.FirstHandshake is null && device.PublicKey == key);

    private static bool HasExpired(Device device, DateTimeOffset now) =>
        device is { IsLive: true, FirstHandshake: null } && device.EnrolmentEnds + Margin < now;

    [LoggerMessage(Level = LogLevel.Information, Message = "The enrolment of {Device} ended: nobody used its QR in time")]
    private partial void Expired(string device);

    [LoggerMessage(Level = LogLevel.Error, Message = "An enrolment could not be ended: {Why}")]
    private partial void StoreFailed(string why);
}
