using System.Text;
using Gateway.Onboarding.Keys;
using Gateway.Onboarding.Store;
using Gateway.Tests.Store;
using Gateway.Tests.Testing;
using Microsoft.Extensions.Time.Testing;

namespace Gateway.Tests.Histories;

/// <summary>
/// One history: the gateway, what surrounds it, and what was acknowledged so far. A death is played without exceptions: at
/// the chosen effect a picture is taken of all that outlives the process; the step runs to its end and its world is
/// thrown away; a new one starts from the picture.
/// </summary>
internal sealed partial class History
{
    private static readonly DateTimeOffset Start = new(2026, 11, 22, 9, 0, 0, TimeSpan.Zero);
    private static readonly byte[] Key = new SeededEntropy(7).Bytes(SecretKey.Length);

    /// <summary>A store after its first start, with its secrets: made once.</summary>
    private static readonly Lazy<PowerLossDisk> FirstDisk = new(MakeFirstDisk);

    private readonly OneThread _thread = new();
    private readonly SeededEntropy _random;
    private readonly StringBuilder _log = new();
    private readonly List<Task> _underWay = [];
    private readonly HashSet<string> _shutDoors = new(StringComparer.Ordinal);
    private Outside _outside;
    private World _world = null!;
    private Facts _facts = new();
    private Picture? _picture;
    private (PowerLossDisk Disk, Facts Facts)? _copy;
    private int _effectsToLive = -1;
    private bool _powerLoss;
    private int _diskFailures;
    private int _lives;
    private TimeSpan _startedAt;

    private History(int seed)
    {
        _random = new SeededEntropy((ulong)seed);
        var clock = new FakeTimeProvider(Start);
        _outside = new Outside(FirstDisk.Value.AfterKill(), new MemoryHomeserver(_random, clock), new MoodyInterface(new FakeInterface()), clock, new MachineClock(clock));
        StartWorld();
    }

    /// <summary>What happened, effect by effect.</summary>
    public string Log => _log.ToString();

    private State State => _world.State;

    /// <summary>Plays the steps, checks after each, and at last lets everything recover and come to its end.</summary>
    public static void Play(Story story)
    {
        var history = new History(story.Seed);
        try
        {
            foreach (var step in story.Steps)
            {
                history._log.Append("\n# ").Append(step);
                history.Take(step);
                history.CheckAll();
            }

            history._log.Append("\n# everything recovers");
            history.RecoverAll();
        }
        catch (Exception e) when (e is not HistoryException)
        {
            throw new HistoryException($"{e.Message}\nhistory: {story}\n{history.Log}", e);
        }
    }

    private void Take(Step step)
    {

        _thread.Run(() => Do(step));
        if (_picture is { } picture)
        {
            _log.Append("\n  dead");
            Resume(picture.Outside, picture.Facts);
        }

        foreach (var failed in _underWay.Where(task => task.IsFaulted).ToList())
        {
            failed.GetAwaiter().GetResult();
        }

        _underWay.RemoveAll(task => task.IsCompleted);
    }

    /// <summary>The next life. A start that is cut short itself is one more death.</summary>
    private void Resume(Outside outside, Facts facts)
    {
        _outside = outside;
        _facts = facts;
        _picture = null;
        _underWay.Clear();
        _shutDoors.Clear();
        StartWorld();
        if (_picture is { } again)
        {
            _log.Append("\n  dead while it started");
            Resume(again.Outside, again.Facts);
        }
    }

    private void StartWorld()
    {
        _lives++;
        _startedAt = _outside.Clock.GetElapsedTime(0);
        _outside.Tell(Reached);
        var diskIsBad = _diskFailures > 0 || _outside.Disk.Free < 1 << 22;
        try
        {
            Open();
        }
        catch (StoreException) when (diskIsBad)
        {
            // Nothing is served from a disk that does not work. The admin mends it and starts again.
            _log.Append("\n  the store does not open");
            MendDisk();
            Open();
        }

        Watch();

        void Open()
        {
            var entropy = new SeededEntropy((ulong)((_random.Below(256) * 1000) + _lives));
            _thread.Run(() => _world = new World(_outside, new MasterKey([.. Key]), entropy));
        }
    }

    /// <summary>Each effect has a name, and may be the last.</summary>
    private void Reached(string effect)
    {
        if (_checking)
        {
            return;
        }

        _log.Append("\n  ").Append(effect);
        if (_picture is null && _effectsToLive >= 0 && _effectsToLive-- == 0)
        {
            _log.Append(_powerLoss ? " <- the power goes" : " <- killed");
            _effectsToLive = -1;
            var disk = _outside.Disk.Before;
            _outside.Disk.Before = _ => { };
            _picture = new Picture(_outside.After(_powerLoss, _random), _facts);
            _outside.Disk.Before = disk;
        }

        if (_diskFailures > 0 && effect.StartsWith("disk ", StringComparison.Ordinal))
        {
            _diskFailures--;
            throw new IOException("Input/output error");
        }
    }

    private void MendDisk()
    {
        _diskFailures = 0;
        _outside.Disk.Free = long.MaxValue / 2;
    }

    private static PowerLossDisk MakeFirstDisk()
    {
        var disk = new PowerLossDisk();
        var clock = new FakeTimeProvider(Start);
        var outside = new Outside(disk, new MemoryHomeserver(new SeededEntropy(1), clock), new MoodyInterface(new FakeInterface()), clock, new MachineClock(clock));
        var world = new World(outside, new MasterKey([.. Key]), new SeededEntropy(2));
        world.Service<Gateway.Tunnel.InterfaceSettings>();
        return disk.AfterKill();
    }

    private sealed record Picture(Outside Outside, Facts Facts);
}

/// <summary>A truth that does not hold, with the history that led there.</summary>
internal sealed class HistoryException(string message, Exception inner) : Exception(message, inner);
