using System.Collections.Immutable;
using System.Threading.Channels;
using Gateway.Onboarding.Devices;
using Gateway.Onboarding.Matrix;
using Gateway.Onboarding.Members;
using Gateway.Onboarding.Store;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Gateway.Onboarding.Revocation;

/// <summary>
/// Brings every revocation to its end, however long the homeserver or the interface take, also across restarts. Each
/// step may be repeated; a step is done only when the other side has confirmed it.
/// </summary>
public sealed partial class RevocationWorker(
    StateWriter writer,
    Homeserver homeserver,
    PeersApplied peersApplied,
    RevocationOptions options,
    TimeProvider time,
    ILogger<RevocationWorker> log) : BackgroundService
{
    /// <summary>A login that a dead process left behind may still open its session at the homeserver for this long.</summary>
    public static readonly TimeSpan LoginMayArrive = TimeSpan.FromMinutes(2);

    private static readonly TimeSpan Period = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan PeerPatience = TimeSpan.FromSeconds(5);

    /// <summary>How many devices are worked on at once: 200 phones at a time should not wait for each other's homeserver calls.</summary>
    private const int Parallel = 8;

    private readonly Channel<bool> _signal = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });

    /// <summary>One pass over all unfinished revocations and leavings.</summary>
    public async Task WorkOnceAsync(CancellationToken cancellationToken)
    {
        var devices = writer.Current.Devices.Values.Where(device => device.Revocation is { IsFinished: false }).ToList();
        await System.Threading.Tasks.Parallel.ForEachAsync(
            devices,
            new ParallelOptions { MaxDegreeOfParallelism = Parallel, CancellationToken = cancellationToken },
            async (device, token) => await Task.WhenAll(EndPeerAsync(device.Id, token), EndSessionsAsync(device, token)));
        foreach (var member in writer.Current.Members.Values.Where(member => member.Leaving is { ClosedAt: null } && SessionsAreGone(member)))
        {
            await CloseAccountAsync(member, cancellationToken);
        }
    }

    /// <summary>Waits until the given devices have no step left that could be done now, at most until cancelled.</summary>
    public async Task SettleAsync(IReadOnlyList<DeviceId> devices, CancellationToken cancellationToken)
    {
        _signal.Writer.TryWrite(true);
        try
        {
            while (!devices.All(id => writer.Current.Devices.GetValueOrDefault(id) is null or { Revocation: null or { IsFinished: true } }
                || IsSettled(writer.Current.Devices[id].Revocation!)))
            {
                await Task.Delay(TimeSpan.FromMilliseconds(5), cancellationToken);
            }
        }
        catch (OperationCanceledException)
        {
            // What is open stands in the steps.
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        writer.Watch(change =>
        {
            if (change.Intents.Any(intent => intent is DeviceRevoked or MemberLeft or EraseDelivered))
            {
                _signal.Writer.TryWrite(true);
            }
        });
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await WorkOnceAsync(stoppingToken);
                using var wait = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken);
                await Task.WhenAny(_signal.Reader.WaitToReadAsync(wait.Token).AsTask(), Task.Delay(Period, time, wait.Token));
                await wait.CancelAsync();
                _signal.Reader.TryRead(out _);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (StoreException e)
            {
                StoreFailed(e.Message);
                await Task.Delay(Period, time, stoppingToken);
            }
        }
    }

    private static bool IsSettled(DeviceRevocation revocation) =>
        !revocation[StepName.MatrixSessions].IsOpen && (!revocation[StepName.Peer].IsOpen || !revocation.Cut);

    private async Task EndPeerAsync(DeviceId id, CancellationToken cancellationToken)
    {
        if (writer.Current.Devices.GetValueOrDefault(id) is not { Revocation: { } revocation } device || !revocation[StepName.Peer].IsOpen)
        {
            return;
        }

        if (device.Standing == Standing.Quarantined && !EndQuarantine(device, revocation))
        {
            return;
        }

        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(PeerPatience);
        var why = await peersApplied(writer.Current.Generation, patience.Token);
        Reach(id, StepName.Peer, why is null ? StepState.Done : StepState.Retrying, why is null ? null : $"not removed yet: {why}");
    }

    /// <summary>The peer goes once every session was told and the grace is over, or when the quarantine's days are.</summary>
    private bool EndQuarantine(Device device, DeviceRevocation revocation)
    {
        var now = time.GetUtcNow();
        var toTell = device.Sessions.Where(session => session.State != MatrixSessionState.Ended && !session.TokenHash.IsEmpty).ToList();
        var told = toTell.Count > 0 && toTell.All(session => session.EraseDelivered is not null);
        var lastDelivery = told ? toTell.Max(session => session.EraseDelivered) : null;
        if (told && revocation[StepName.EraseOrder].IsOpen)
        {
            Reach(device.Id, StepName.EraseOrder, StepState.Done, null, lastDelivery);
        }

        if (lastDelivery + options.Grace <= now)
        {
            writer.Write(new QuarantineEnded(new(StepName.EraseOrder, StepState.Done, lastDelivery!.Value, null)) { At = now, Device = device.Id });
            return true;
        }

        if (revocation.RequestedAt + options.Quarantine <= now)
        {
            var step = told
                ? new RevocationStep(StepName.EraseOrder, StepState.Done, lastDelivery!.Value, null)
                : new RevocationStep(StepName.EraseOrder, StepState.Expired, now, $"the phone did not come back within {options.QuarantineDays:0.##} days");
            writer.Write(new QuarantineEnded(step) { At = now, Device = device.Id });
            return true;
        }

        return false;
    }

    /// <summary>
    /// Deletes every session ever asked for through the device, and believes it only when the homeserver's own list no
    /// longer has them and no login can still arrive.
    /// </summary>
    private async Task EndSessionsAsync(Device device, CancellationToken cancellationToken)
    {
        var step = device.Revocation![StepName.MatrixSessions];
        if (!step.IsOpen)
        {
            return;
        }

        try
        {
            var ids = device.Sessions.Select(session => session.MatrixDeviceId).ToImmutableArray();
            await homeserver.DeleteSessionsAsync(device.Member, ids, cancellationToken);
            var left = (await homeserver.SessionsAsync(device.Member, cancellationToken)).Intersect(ids, StringComparer.Ordinal).Count();
            var arriving = writer.Current.Devices[device.Id].Sessions.Any(session =>
                session.State == MatrixSessionState.Opening && session.AskedAt + LoginMayArrive > time.GetUtcNow());
            if (left > 0 || arriving)
            {
                Reach(device.Id, StepName.MatrixSessions, StepState.Retrying, left > 0 ? $"{left} not deleted yet" : "a login may still be under way");
            }
            else
            {
                Reach(device.Id, StepName.MatrixSessions, StepState.Done, null);
            }
        }
        catch (HomeserverException e)
        {
            Reach(device.Id, StepName.MatrixSessions, StepState.Retrying, e.Message);
        }
    }

    /// <summary>Sessions first: the homeserver answers nothing about a closed account's.</summary>
    private bool SessionsAreGone(Member member) =>
        !writer.Current.DevicesOf(member.Localpart).Any(device => device.Revocation is { } revocation && revocation[StepName.MatrixSessions].IsOpen);

    private async Task CloseAccountAsync(Member member, CancellationToken cancellationToken)
    {
        try
        {
            await homeserver.DeactivateAsync(member.Localpart, member.Leaving!.Erase, cancellationToken);
            writer.Write(new AccountClosed(member.Localpart) { At = time.GetUtcNow() });
        }
        catch (HomeserverException e)
        {
            AccountOpen(member.Localpart, e.Message);
        }
    }

    /// <summary>Stores a step where it says something new; a reason that only repeats itself is not news.</summary>
    private void Reach(DeviceId id, string name, StepState state, string? detail, DateTimeOffset? at = null) =>
        writer.Write<bool>(now =>
        {
            var old = now.Devices.GetValueOrDefault(id)?.Revocation?[name];
            if (old is null || !old.IsOpen || (old.State == state && old.Detail == detail))
            {
                return (false, []);
            }

            var step = new RevocationStep(name, state, at ?? time.GetUtcNow(), detail);
            StepLogged(id, name, state, detail);
            return (true, [new StepReached(step) { At = time.GetUtcNow(), Device = id }]);
        });

    [LoggerMessage(Level = LogLevel.Information, Message = "Revocation of {Device}: {Step} is {State} {Detail}")]
    private partial void StepLogged(DeviceId device, string step, StepState state, string? detail);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The account of {Member}, who left, is not closed yet: {Why}")]
    private partial void AccountOpen(Localpart member, string why);

    [LoggerMessage(Level = LogLevel.Error, Message = "A step of a revocation could not be stored, and will be tried again: {Why}")]
    private partial void StoreFailed(string why);
}
