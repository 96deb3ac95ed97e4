using System.Collections.Immutable;
using System.Diagnostics;
using Gateway.Onboarding.Devices;

namespace Gateway.Onboarding.Store;

/// <summary>
/// The one place where the state changes. A write decides on the current state, stores its intents, and only then lets
/// the world see the result; writes happen one after another. The lock is held for a decision in memory and one
/// synced write, never across a process, a socket or the homeserver.
/// </summary>
public sealed class StateWriter
{
    private readonly Lock _lock = new();
    private readonly StoreFile _store;
    private Action<StateChange>? _watchers;
    private State _current;

    public StateWriter(StoreFile store)
    {
        _store = store;
        _current = store.Load();
    }

    public State Current => Volatile.Read(ref _current);

    /// <summary>The last change could not be stored: the disk is full, or fails.</summary>
    public bool LastFailed { get; private set; }

    /// <summary>Calls <paramref name="watcher"/> now and after each write, in order, while the next one waits: it must be quick and must not write.</summary>
    public void Watch(Action<StateChange> watcher)
    {
        lock (_lock)
        {
            _watchers += watcher;
            watcher(new StateChange(_current, []));
        }
    }

    /// <summary>
    /// Lets <paramref name="decide"/> look at the state and say what shall happen. No intents: nothing is written.
    /// Throws <see cref="StoreException"/> where they could not be stored; then nothing has changed.
    /// </summary>
    public T Write<T>(Func<State, (T Result, ImmutableArray<Intent> Intents)> decide)
    {
        lock (_lock)
        {
            var before = _current;
            var (result, intents) = decide(before);
            if (intents.IsEmpty)
            {
                return result;
            }

            var after = intents.Aggregate(before, Transition.Apply);
            var began = Stopwatch.GetTimestamp();
            Save(intents, after);
            var took = Stopwatch.GetElapsedTime(began);
            Volatile.Write(ref _current, after);
            _watchers?.Invoke(new StateChange(after, intents) { StoredIn = took });
            return result;
        }
    }

    private void Save(ImmutableArray<Intent> intents, State after)
    {
        try
        {
            _store.Save(intents, after);
            LastFailed = false;
        }
        catch (StoreException)
        {
            LastFailed = true;
            throw;
        }
    }

    /// <summary>Stores intents that hold whatever the state is.</summary>
    public State Write(params ImmutableArray<Intent> intents)
    {
        Write(_ => (true, intents));
        return Current;
    }
}

/// <summary>What a write did: the state it made and the intents that made it.</summary>
public sealed record StateChange(State State, ImmutableArray<Intent> Intents)
{
    /// <summary>How long the disk took.</summary>
    public TimeSpan StoredIn { get; init; }

    /// <summary>The devices that may be others now; null where any may be.</summary>
    public IEnumerable<DeviceId>? Touched => Intents.IsEmpty || Intents.Any(intent => intent is StoreRestored)
        ? null
        : Intents.Select(intent => intent switch
        {
            DeviceEnrolled enrolled => enrolled.Enrolled.Id,
            DeviceIntent about => about.Device,
            _ => (DeviceId?)null,
        }).OfType<DeviceId>().Distinct();
}
