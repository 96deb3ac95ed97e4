using System.Net;
using BenchmarkDotNet.Attributes;
using Gateway.Benchmarks.Beside;
using Gateway.Onboarding.Devices;
using Gateway.Onboarding.Keys;
using Gateway.Onboarding.QrCodes;
using Gateway.Onboarding.Store;

namespace Gateway.Benchmarks.Parts;

/// <summary>What an enrolment is made of, among few devices and among many: an address, the text, the code, one write to the disk.</summary>
[MemoryDiagnoser]
public class EnrolmentBenchmarks
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("gateway-parts-");
    private readonly AddressPool _pool = new(IPNetwork.Parse("198.19.0.0/18"));
    private DataDirectory _data = null!;
    private StateWriter _writer = null!;
    private Device _device = null!;
    private PrivateKey _key = null!;
    private string _config = "";

    [Params(10, 10_000)]
    public int Devices { get; set; }

    [GlobalSetup]
    public void Prepare()
    {
        var entropy = new Entropy();
        _data = DataDirectory.Open(_folder.FullName, entropy, TimeProvider.System);
        _writer = new StateWriter(_data.Store);
        UnderTest.Seed(_writer, new TokenHasher(new HashKey(entropy.Bytes(SecretKey.Length))), entropy, Devices);
        _device = _writer.Current.Devices.Values.First();
        _key = PrivateKey.Generate(entropy);
        _config = Text();
    }

    [GlobalCleanup]
    public void End()
    {
        _key.Dispose();
        _data.Dispose();
        _folder.Delete(recursive: true);
    }

    [Benchmark]
    public IPAddress? Address() => _pool.Next(_writer.Current.Devices);

    [Benchmark]
    public string Text() => WireGuardConfig.Build(_key, _device.TunnelAddress, _device.PublicKey, _device.PresharedKey, IPAddress.Parse("198.19.0.1"), "gw.example.org:51000", androidApps: false);

    [Benchmark]
    public byte[] Png() => QrCode.Of(_config).ToPng();

    /// <summary>One decision, on the disk when it returns.</summary>
    [Benchmark]
    public State Write() => _writer.Write(new DeviceMarked(Admin: false, "bench") { At = TimeProvider.System.GetUtcNow(), Device = _device.Id });
}
