using System.Collections.Immutable;
using System.Net;
using System.Text.Json;
using Gateway.Onboarding.Devices;
using Gateway.Onboarding.Keys;
using Gateway.Onboarding.Members;
using Gateway.Onboarding.Store;
using Gateway.Tests.Testing;

namespace Gateway.Tests.Store;

/// <summary>A store on a disk of the test's own, and a seeded history of writes to it.</summary>
internal sealed class SomeHistory(ulong seed) : IDisposable
{
    public static readonly DateTimeOffset At = new(2026, 11, 22, 9, 0, 0, TimeSpan.Zero);

    private readonly MasterKey _key = new(new SeededEntropy(seed ^ 0xABCD).Bytes(SecretKey.Length));
    private readonly List<DeviceId> _devices = [];
    private int _count;

    public SeededEntropy Random { get; } = new(seed);

    public PowerLossDisk Disk { get; } = new();

    public StoreFile Open() => Open(Disk);

    public StoreFile Open(IStoreDisk disk) => StoreFile.Open(disk, new Sealer(_key, new Entropy()), TimeProvider.System);

    /// <summary>The next write: a few intents that belong together. Display names of some kilobytes bring a snapshot soon.</summary>
    public ImmutableArray<Intent> Next()
    {
        var number = ++_count;
        switch (_devices.Count == 0 ? 0 : Random.Below(5))
        {
            case 0 or 1:
                var device = SomeDevice(number);
                _devices.Add(device.Id);
                return
                [
                    new MemberAdded(device.Member, new string('x', 16_000 + (100 * Random.Below(256))), Adopted: false) { At = At },
                    new AccountMade(device.Member) { At = At },
                    new DeviceEnrolled(device, "admin") { At = At },
                ];
            case 2:
                return [new HandshakeSeen { At = At, Device = Some() }];
            case 3:
                return [number % 2 == 0 ? new Locked("admin") { At = At } : new Unlocked("admin") { At = At }];
            default:
                return [Revocation(Some())];
        }

        DeviceId Some() => _devices[Random.Below(Math.Min(_devices.Count, 256))];
    }

    public static DeviceRevoked Revocation(DeviceId device) => new(new DeviceRevocation
    {
        RequestedAt = At,
        RequestedBy = "admin",
        Cut = true,
        Steps = [new(StepName.Blocked, StepState.Done, At, null), new(StepName.Peer, StepState.Waiting, At, null)],
    })
    { At = At, Device = device };

    public Device SomeDevice(int number)
    {
        using var key = PrivateKey.Generate(Random);
        return new Device
        {
            Id = DeviceId.Generate(Random),
            Member = Localpart.Parse($"m{number}", null),
            Name = "phone",
            TunnelAddress = new IPAddress(new byte[] { 198, 19, (byte)(number / 250), (byte)(2 + (number % 250)) }),
            PublicKey = key.PublicKey(),
            PresharedKey = PresharedKey.Generate(Random),
            Standing = Standing.Admitted,
            EnrolledAt = At,
            EnrolmentEnds = At.AddMinutes(15),
            FirstHandshake = null,
            Grant = null,
            Sessions = [],
            Revocation = null,
        };
    }

    /// <summary>All of a state in one text, to be compared.</summary>
    public static string Text(State state) => string.Join(
        '\n',
        [
            $"{state.Generation} {state.LockedSince:O}",
            .. state.Members.Values.OrderBy(member => member.Localpart.ToString(), StringComparer.Ordinal).Select(member => JsonSerializer.Serialize(member, StoreJson.Options)),
            .. state.Devices.Values.OrderBy(device => device.Id.ToString(), StringComparer.Ordinal).Select(device => JsonSerializer.Serialize(device, StoreJson.Options)),
        ]);

    public void Dispose() => _key.Dispose();
}
