using Gateway.Onboarding.Audit;
using Gateway.Onboarding.Devices;
using Gateway.Onboarding.Keys;
using Gateway.Onboarding.Members;
using Gateway.Onboarding.Store;
using Microsoft.Extensions.Logging.Testing;
using Microsoft.Extensions.Time.Testing;

namespace Gateway.Tests.Audit;

/// <summary>An audit log on a real file, with a history that a store would have, and everything to tamper with both.</summary>
internal sealed class Bench : IDisposable
{
    public static readonly DateTimeOffset Start = new(2026, 11, 22, 9, 0, 0, TimeSpan.Zero);

    private static readonly Entropy Entropy = new();

    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("gateway-audit-");
    private readonly byte[] _sealing = Entropy.Bytes(32);
    private readonly byte[] _signing = Entropy.Bytes(32);

    public Bench() => Open();

    public FakeTimeProvider Clock { get; } = new(Start);

    public FakeLogCollector Told { get; } = new();

    public string Folder => _directory.FullName;

    public string File => Path.Combine(Folder, "audit.log");

    /// <summary>What the store still has.</summary>
    public List<(long Number, Intent Intent)> Intents { get; private set; } = [];

    public State State { get; private set; } = State.Empty;

    public Disk Disk { get; private set; } = null!;

    public AuditLog Log { get; private set; } = null!;

    public byte[] Bytes
    {
        get => System.IO.File.ReadAllBytes(File);
        set => System.IO.File.WriteAllBytes(File, value);
    }

    /// <summary>The keys, as somebody with root has them.</summary>
    public AuditKeys Keys()
    {
        using var master = new MasterKey(_sealing);
        return new AuditKeys(master, _signing, Entropy);
    }

    /// <summary>A log with so many entries, a second apart.</summary>
    public static Bench With(int entries)
    {
        var bench = new Bench();
        for (var i = 0; i < entries; i++)
        {
            bench.Do(i % 2 == 0 ? new Locked("admin") { At = bench.Clock.GetUtcNow() } : new Unlocked("admin") { At = bench.Clock.GetUtcNow() });
            bench.Clock.Advance(TimeSpan.FromSeconds(1));
        }

        return bench;
    }

    /// <summary>A change that is stored and followed.</summary>
    public void Do(params Intent[] intents) => Log.Follow(Store(intents));

    /// <summary>A change that is stored, and no more: as if the process were killed right after it.</summary>
    public StateChange Store(params Intent[] intents)
    {
        foreach (var intent in intents)
        {
            State = Transition.Apply(State, intent);
            Intents.Add((State.Generation, intent));
        }

        return new StateChange(State, [.. intents]);
    }

    /// <summary>The store took a snapshot and dropped its journal.</summary>
    public void ForgetIntents() => Intents.Clear();

    /// <summary>The store is put back to what it was after intent <paramref name="number"/>.</summary>
    public void PutStoreBack(long number)
    {
        Intents = [.. Intents.Where(one => one.Number <= number)];
        State = Intents.Aggregate(State.Empty, (state, one) => Transition.Apply(state, one.Intent));
    }

    /// <summary>A new process: what was only in memory is gone.</summary>
    public void Restart(bool failing = false)
    {
        Log.Dispose();
        Open(failing);
    }

    /// <summary>The frames of the file, each as its bytes.</summary>
    public List<byte[]> Frames()
    {
        var bytes = Bytes;
        var (offset, frames) = (AuditFrame.Magic.Length, new List<byte[]>());
        for (var start = offset; AuditFrame.Read(bytes, ref offset, out _) is not null; start = offset)
        {
            frames.Add(bytes[start..offset]);
        }

        return frames;
    }

    public void WriteFrames(IEnumerable<byte[]> frames) => Bytes = [.. AuditFrame.Magic, .. frames.SelectMany(frame => frame)];

    public static Device SomeDevice(string member = "alice", string name = "phone") => new()
    {
        Id = DeviceId.Generate(Entropy),
        Member = Localpart.Parse(member, null),
        Name = name,
        TunnelAddress = System.Net.IPAddress.Parse("198.19.0.2"),
        PublicKey = PublicKey.FromBytes(Entropy.Bytes(32)),
        PresharedKey = PresharedKey.Generate(Entropy),
        Standing = Standing.Admitted,
        EnrolledAt = Start,
        EnrolmentEnds = Start.AddMinutes(15),
        FirstHandshake = null,
        Grant = null,
        Sessions = [],
        Revocation = null,
    };

    public void Dispose()
    {
        Log.Dispose();
        _directory.Delete(recursive: true);
    }

    private void Open(bool failing = false)
    {
        Disk = new Disk(File) { Failing = failing };
        Log = new AuditLog(Disk, Keys(), Clock, new FakeLogger<AuditLog>(Told));
        Log.CatchUp(Intents, State);
        Log.Follow(new StateChange(State, []));
    }
}

/// <summary>A disk that fails on command, also in the middle of a write.</summary>
internal sealed class Disk(string path) : AuditFile(path)
{
    public bool Failing { get; set; }

    public bool SyncFailing { get; set; }

    /// <summary>The process dies before the new file has the old one's name.</summary>
    public bool DiesBeforeSwap { get; set; }

    public override byte[] Read(long from = 0) => Failing ? throw new IOException("input/output error") : base.Read(from);

    public override void Write(ReadOnlySpan<byte> bytes, long offset)
    {
        if (Failing)
        {
            base.Write(bytes[..(bytes.Length / 2)], offset);
            throw new IOException("no space left on device");
        }

        base.Write(bytes, offset);
    }

    public override void Sync()
    {
        if (Failing || SyncFailing)
        {
            throw new IOException("input/output error");
        }

        base.Sync();
    }

    public override void Swap(ReadOnlySpan<byte> tail)
    {
        if (DiesBeforeSwap)
        {
            throw new IOException("killed");
        }

        base.Swap(tail);
    }
}
