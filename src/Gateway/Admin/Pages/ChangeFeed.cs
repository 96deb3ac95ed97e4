using System.Collections.Immutable;
using System.Globalization;
using System.Threading.Channels;
using Gateway.Diagnosis;
using Gateway.Login;
using Gateway.Onboarding.Devices;
using Gateway.Onboarding.Members;
using Gateway.Onboarding.Store;
using Gateway.Tunnel;

namespace Gateway.Admin.Pages;

/// <summary>Whose lines on a page are not as they were. <see cref="All"/>: everybody's. <see cref="Examination"/>: the doctor has got on.</summary>
internal sealed record Changes(bool All, ImmutableHashSet<Localpart> Members, bool Examination = false)
{
    public static readonly Changes None = new(All: false, []);

    public static readonly Changes Everything = new(All: true, []);

    public static readonly Changes OfExamination = new(All: false, [], Examination: true);

    public bool Any => All || Examination || !Members.IsEmpty;

    public bool Concern(Localpart member) => All || Members.Contains(member);

    public Changes With(Changes other) => new(All || other.All, Members.Union(other.Members), Examination || other.Examination);
}

/// <summary>
/// What the console's open pages wait for: the writer's changes, the sign-ins that wait, the doctor, and who is connected, which the
/// interface's dumps say anyway. Where nobody watches, nothing is done.
/// </summary>
internal sealed class ChangeFeed
{
    private readonly Lock _lock = new();
    private readonly Lock _telling = new();
    private readonly DeviceViews _views;
    private readonly string _run;
    private ImmutableList<ChangeReader> _readers = [];
    private State _state = State.Empty;
    private ImmutableHashSet<DeviceId> _online = [];
    private long _number;

    public ChangeFeed(StateWriter writer, SignIns signIns, HandshakeWatch handshakes, Examination examination, DeviceViews views, TimeProvider time)
    {
        _views = views;
        _run = time.GetTimestamp().ToString("x", CultureInfo.InvariantCulture);
        writer.Watch(Follow);
        signIns.Watch(device => Tell(Of(device)));
        examination.Changed = () => Tell(Changes.OfExamination);
        handshakes.Observed = () =>
        {
            if (!_readers.IsEmpty)
            {
                LookWhoIsConnected();
            }
        };
    }

    /// <summary>Names the moment: as long as it is the same, nothing that a page shows has changed.</summary>
    public string Version
    {
        get
        {
            LookWhoIsConnected();
            lock (_telling)
            {
                return string.Create(CultureInfo.InvariantCulture, $"{_run}-{_number}");
            }
        }
    }

    /// <summary>Collects changes from now on, until it is disposed.</summary>
    public ChangeReader Open()
    {
        var reader = new ChangeReader(closed => ImmutableInterlocked.Update(ref _readers, (all, one) => all.Remove(one), closed));
        ImmutableInterlocked.Update(ref _readers, (all, one) => all.Add(one), reader);
        return reader;
    }

    private void Follow(StateChange change)
    {
        var before = _state;
        Volatile.Write(ref _state, change.State);
        Tell(change.Intents.Aggregate(Changes.None, (changes, intent) => changes.With(intent switch
        {
            MemberIntent about => new(All: false, [about.Localpart]),
            DeviceEnrolled enrolled => new(All: false, [enrolled.Enrolled.Member]),
            DeviceIntent about => Of(about.Device, before),
            _ => Changes.Everything,
        })));
    }

    private Changes Of(DeviceId device, State? before = null) =>
        (Volatile.Read(ref _state).Devices.GetValueOrDefault(device) ?? before?.Devices.GetValueOrDefault(device)) is { } known
            ? new(All: false, [known.Member])
            : Changes.None;

    private void LookWhoIsConnected()
    {
        Changes changes;
        lock (_lock)
        {
            var online = Volatile.Read(ref _state).Devices.Values.Where(_views.IsOnline).Select(device => device.Id).ToImmutableHashSet();
            changes = _online.SymmetricExcept(online).Aggregate(Changes.None, (all, device) => all.With(Of(device)));
            _online = online;
        }

        Tell(changes);
    }

    private void Tell(Changes changes)
    {
        if (changes.Any)
        {
            // At once for whoever asks for the version: up to there, the readers have been told.
            lock (_telling)
            {
                _number++;
                foreach (var reader in _readers)
                {
                    reader.Add(changes);
                }
            }
        }
    }
}

/// <summary>The changes that one open page has not shown yet, however many came meanwhile.</summary>
internal sealed class ChangeReader(Action<ChangeReader> close) : IDisposable
{
    private readonly Channel<bool> _signal = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private Changes _changes = Changes.None;

    public void Add(Changes changes)
    {
        Changes old;
        do
        {
            old = Volatile.Read(ref _changes);
        }
        while (Interlocked.CompareExchange(ref _changes, old.With(changes), old) != old);
        _signal.Writer.TryWrite(true);
    }

    /// <summary>Waits for changes, at most until <paramref name="patience"/> is over.</summary>
    public async Task WaitAsync(TimeSpan patience, TimeProvider time, CancellationToken cancellationToken)
    {
        using var deadline = new CancellationTokenSource(patience, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellationToken);
        try
        {
            await _signal.Reader.ReadAsync(either.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
        }
    }

    /// <summary>All changes up to now. Whoever names a version asks for it before: what is taken then is not less than it says.</summary>
    public Changes Take()
    {
        _signal.Reader.TryRead(out _);
        return Interlocked.Exchange(ref _changes, Changes.None);
    }

    public void Dispose() => close(this);
}
