using System.Collections.Concurrent;
using System.Collections.Frozen;
using Gateway.Onboarding.Devices;
using Gateway.Onboarding.Matrix;
using Gateway.Onboarding.Members;
using Gateway.Onboarding.Store;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Gateway.Onboarding.LoginGrants;

/// <summary>
/// Keeps our record of live devices' sessions and the homeserver's in step: a login that a crash cut short, a session
/// that nobody used, one that the homeserver no longer knows. It deletes only IDs that we asked for ourselves.
/// </summary>
public sealed partial class SessionKeeper(StateWriter writer, Homeserver homeserver, SteadyClock time, ILogger<SessionKeeper> log) : BackgroundService
{
    /// <summary>How long a login may be under way, and how long its session may stay unused.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private static readonly TimeSpan Period = TimeSpan.FromSeconds(2);

    private readonly ConcurrentDictionary<(DeviceId Device, string MatrixDeviceId), bool> _doubted = new();

    /// <summary>The homeserver refused the token of a session that we hold as live: look whether it is really gone.</summary>
    public void Doubt(DeviceId device, string matrixDeviceId)
    {
        if (_doubted.TryAdd((device, matrixDeviceId), true))
        {
            Alarm(device, matrixDeviceId);
        }
    }

    /// <summary>One pass over all sessions that are not as they should be.</summary>
    public async Task KeepOnceAsync(CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        foreach (var device in writer.Current.Devices.Values.Where(device => device.IsLive))
        {
            foreach (var session in device.Sessions)
            {
                if (session.State == MatrixSessionState.Opening && time.HasPassed(session.AskedAt, Patience))
                {
                    writer.Write(new LoginFailed(session.MatrixDeviceId) { At = now, Device = device.Id });
                }
                else if (session is { State: MatrixSessionState.Open, FirstUsed: null, OpenedAt: { } opened } && time.HasPassed(opened, Patience))
                {
                    EndUnused(device, session.MatrixDeviceId, now);
                }
            }
        }

        foreach (var device in writer.Current.Devices.Values.Where(device => device.IsLive && device.Sessions.Any(session => session.ToDelete)))
        {
            await TryAsync(() => DeleteAsync(device, cancellationToken));
        }

        foreach (var (device, matrixDeviceId) in _doubted.Keys)
        {
            await TryAsync(() => LookAsync(device, matrixDeviceId, cancellationToken));
        }
    }

    /// <summary>An account about which the homeserver will not answer holds up no other.</summary>
    private async Task TryAsync(Func<Task> act)
    {
        try
        {
            await act();
        }
        catch (HomeserverException e)
        {
            Later(e.Message);
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Period, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                await KeepOnceAsync(stoppingToken);
            }
            catch (StoreException e)
            {
                Later(e.Message);
            }
        }
    }

    /// <summary>Decided in the write: the session's first request may come at this very moment.</summary>
    private void EndUnused(Device device, string matrixDeviceId, DateTimeOffset now) =>
        writer.Write<bool>(state =>
            state.Devices.TryGetValue(device.Id, out var current)
            && current.Sessions.Any(session => session.MatrixDeviceId == matrixDeviceId && session is { State: MatrixSessionState.Open, FirstUsed: null })
                ? (true, [new SessionUnused(matrixDeviceId) { At = now, Device = device.Id }])
                : (false, []));

    private async Task DeleteAsync(Device device, CancellationToken cancellationToken)
    {
        var ids = device.Sessions.Where(session => session.ToDelete).Select(session => session.MatrixDeviceId).ToList();
        var left = await DeleteAsync(device, ids, cancellationToken);

        // One whose answer never came may still be made: it is asked for again until it no longer can.
        var arriving = device.Sessions.Where(session => session.OpenedAt is null && !time.IsOver(session.AskedAt, Patience)).Select(session => session.MatrixDeviceId);
        foreach (var id in ids.Except(arriving, StringComparer.Ordinal).Where(id => !left.Contains(id)))
        {
            writer.Write(new SessionDeleted(id) { At = time.GetUtcNow(), Device = device.Id });
        }
    }

    /// <summary>What the homeserver has afterwards. Of an account that is closed it has nothing, and says so.</summary>
    private async Task<IReadOnlySet<string>> DeleteAsync(Device device, List<string> ids, CancellationToken cancellationToken)
    {
        try
        {
            await homeserver.DeleteSessionsAsync(device.Member, ids, cancellationToken);
            return await homeserver.SessionsAsync(device.Member, cancellationToken);
        }
        catch (HomeserverException e) when (e.AccountClosed)
        {
            return FrozenSet<string>.Empty;
        }
    }

    private async Task LookAsync(DeviceId id, string matrixDeviceId, CancellationToken cancellationToken)
    {
        if (writer.Current.Devices.TryGetValue(id, out var device) && device.IsLive
            && device.Sessions.FirstOrDefault(session => session.MatrixDeviceId == matrixDeviceId) is { State: MatrixSessionState.Open } doubted)
        {
            var known = await homeserver.SessionsAsync(device.Member, cancellationToken);
            if (!known.Contains(matrixDeviceId) && EndGone(id, doubted))
            {
                Gone(device.Member, matrixDeviceId);
            }
        }

        _doubted.TryRemove((id, matrixDeviceId), out _);
    }

    /// <summary>Only the very session that was doubted: one opened anew under its ID while the homeserver was asked is another.</summary>
    private bool EndGone(DeviceId id, MatrixSession doubted) =>
        writer.Write<bool>(state =>
            state.Devices.TryGetValue(id, out var device)
            && device.Sessions.Any(session => session.MatrixDeviceId == doubted.MatrixDeviceId && session.State == MatrixSessionState.Open && session.OpenedAt == doubted.OpenedAt && session.GrantId == doubted.GrantId)
                ? (true, [new SessionEnded(doubted.MatrixDeviceId, "the homeserver no longer has it") { At = time.GetUtcNow(), Device = id }])
                : (false, []));

    [LoggerMessage(Level = LogLevel.Warning, Message = "The homeserver refuses the live session {MatrixDeviceId} of {Device}; it is answered 503 until its session list confirms that the session is gone")]
    private partial void Alarm(DeviceId device, string matrixDeviceId);

    [LoggerMessage(Level = LogLevel.Information, Message = "The homeserver has ended the session {MatrixDeviceId} of {Member}")]
    private partial void Gone(Localpart member, string matrixDeviceId);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Sessions could not be put right and will be looked at again: {Why}")]
    private partial void Later(string why);
}
