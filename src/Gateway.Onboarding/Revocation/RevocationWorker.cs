using System.Threading.Channels;
using Gateway.Onboarding.Devices;
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
    StateWriter writer, Revoker revoker, RevocationSteps steps, RevocationSpool spool, TimeProvider time, ILogger<RevocationWorker> log) : BackgroundService
{
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(5);

    /// <summary>A drill takes seconds; one whose phone is there for longer was killed, or is none.</summary>
    private static readonly TimeSpan DrillTakes = TimeSpan.FromMinutes(10);

    private readonly Channel<bool> _signal = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });

    /// <summary>What is being worked on, so that a step that hangs holds up neither the others nor itself twice.</summary>
    private readonly Dictionary<(DeviceId Device, string Step), Task> _running = [];

    /// <summary>One pass over all unfinished revocations and leavings; ends when all of it was tried.</summary>
    public async Task WorkOnceAsync(CancellationToken cancellationToken)
    {
        EndForgottenDrills();
        await Task.WhenAll(StartSteps(cancellationToken));
        await CloseAccountsAsync(cancellationToken);
    }

    /// <summary>Waits until the given devices have no step left that could be done now, at most until cancelled.</summary>
    public async Task SettleAsync(IReadOnlyList<DeviceId> devices, CancellationToken cancellationToken)
    {
        _signal.Writer.TryWrite(true);
        try
        {
            while (!devices.All(id => writer.Current.Devices.GetValueOrDefault(id)?.Revocation is not { } revocation || IsSettled(revocation)))
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
            if (change.Intents.Any(intent => intent is DeviceRevoked or MemberLeft or EraseDelivered or StepReached { Step.State: StepState.Done }))
            {
                _signal.Writer.TryWrite(true);
            }
        });
        var pass = Task.CompletedTask;
        while (!stoppingToken.IsCancellationRequested)
        {
            spool.ApplyAll();
            EndForgottenDrills();

            // Started, not awaited: a phone that is lost now does not wait for a homeserver that hangs over another one.
            StartSteps(stoppingToken);
            pass = pass.IsCompleted ? CloseAccountsAsync(stoppingToken) : pass;
            using var wait = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken);
            await Task.WhenAny(_signal.Reader.WaitToReadAsync(wait.Token).AsTask(), Task.Delay(Period, time, wait.Token));
            await wait.CancelAsync();
            _signal.Reader.TryRead(out _);
        }
    }

    private void EndForgottenDrills()
    {
        foreach (var device in writer.Current.DevicesOf(Localpart.Drill).Where(device => device.HasPeer && time.GetUtcNow() - device.EnrolledAt > DrillTakes))
        {
            try
            {
                revoker.RevokeDevice(device.Id.ToString(), cut: true, "the gateway, since its drill is over");
            }
            catch (StoreException e)
            {
                StoreFailed(e.Message);
            }
        }
    }

    /// <summary>Starts every open step that is not running already; returns all that run.</summary>
    private List<Task> StartSteps(CancellationToken cancellationToken)
    {
        lock (_running)
        {
            foreach (var device in writer.Current.Devices.Values.Where(device => device.Revocation is { } revocation && (!revocation.IsFinished || steps.MayHaveSessions(revocation))))
            {
                Start(device.Id, StepName.Peer, () => steps.EndPeerAsync(device.Id, cancellationToken));
                Start(device.Id, StepName.MatrixSessions, () => steps.EndSessionsAsync(device.Id, cancellationToken));
            }

            return [.. _running.Values];
        }
    }

    private void Start(DeviceId device, string step, Func<Task> work)
    {
        if (!_running.ContainsKey((device, step)))
        {
            _running[(device, step)] = Task.Run(async () =>
            {
                try
                {
                    await work();
                }
                catch (StoreException e)
                {
                    StoreFailed(e.Message);
                }
                catch (OperationCanceledException)
                {
                    // The gateway stops; the step is open and goes on at the next start.
                }
                catch (Exception e) when (e is not OperationCanceledException)
                {
                    // Whatever it was: the step is open, and the next pass tries it again.
                    StepBroke(e, device, step);
                }
                finally
                {
                    lock (_running)
                    {
                        _running.Remove((device, step));
                    }
                }
            });
        }
    }

    private async Task CloseAccountsAsync(CancellationToken cancellationToken)
    {
        try
        {
            foreach (var member in writer.Current.Members.Values.Where(member => member.Leaving is { ClosedAt: null }))
            {
                await steps.CloseAccountAsync(member, cancellationToken);
            }
        }
        catch (StoreException e)
        {
            StoreFailed(e.Message);
        }
        catch (OperationCanceledException)
        {
            // As above.
        }
    }

    private static bool IsSettled(DeviceRevocation revocation) =>
        !revocation[StepName.MatrixSessions].IsOpen && (!revocation[StepName.Peer].IsOpen || !revocation.Cut);

    [LoggerMessage(Level = LogLevel.Error, Message = "The step {Step} of the revocation of {Device} broke, and will be tried again")]
    private partial void StepBroke(Exception e, DeviceId device, string step);

    [LoggerMessage(Level = LogLevel.Error, Message = "A step of a revocation could not be stored, and will be tried again: {Why}")]
    private partial void StoreFailed(string why);
}
