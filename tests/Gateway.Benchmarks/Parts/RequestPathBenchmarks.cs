using System.Net;
using System.Text;
using BenchmarkDotNet.Attributes;
using Gateway.Benchmarks.Beside;
using Gateway.Monitoring;
using Gateway.Onboarding.Devices;
using Gateway.Onboarding.Keys;
using Gateway.Onboarding.Store;
using Gateway.Proxy;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Primitives;

namespace Gateway.Benchmarks.Parts;

/// <summary>What the gate decides of a request before it is forwarded. Each part must allocate nothing.</summary>
[MemoryDiagnoser]
public class RequestPathBenchmarks
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("gateway-parts-");
    private readonly IPAddress _address = IPAddress.Parse("198.19.0.2");
    private readonly StringValues _authorization = $"Bearer {Place.Token(0)}";
    private readonly byte[] _token = Encoding.ASCII.GetBytes(Place.Token(0));
    private readonly byte[] _hash = new byte[TokenHasher.Length];
    private DataDirectory _data = null!;
    private TokenHasher _hasher = null!;
    private DeviceResolver _devices = null!;
    private TokenBinding _binding = null!;
    private DeviceEntry _device = null!;
    private RequestShare _share = null!;
    private readonly GatewayMeter _meter = new();
    private readonly DefaultHttpContext _context = new();
    private Scrape _scrape = null!;
    private GateMetrics _metrics = null!;

    [GlobalSetup]
    public void Prepare()
    {
        var entropy = new Entropy();
        _data = DataDirectory.Open(_folder.FullName, entropy, TimeProvider.System);
        var writer = new StateWriter(_data.Store);
        _hasher = new TokenHasher(new HashKey(entropy.Bytes(SecretKey.Length)));
        UnderTest.Seed(writer, _hasher, entropy, devices: 500);
        _devices = new DeviceResolver(writer, new AddressPool(IPNetwork.Parse("198.19.0.0/18")), RequestLimits.OfOneDevice, TimeProvider.System);
        _binding = new TokenBinding(_hasher);
        _device = _devices.Find(_address)!;
        _share = new RequestShare(new RequestLimits(1_000_000, 10_000_000, 10_000_000), TimeProvider.System);
        _scrape = new Scrape(_meter);
        _metrics = new GateMetrics(_meter, TimeProvider.System);
        _context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget = Place.Target;
    }

    [GlobalCleanup]
    public void End()
    {
        _scrape.Dispose();
        _meter.Dispose();
        _data.Dispose();
        _folder.Delete(recursive: true);
    }

    /// <summary>Source address → device.</summary>
    [Benchmark]
    public object? Device() => _devices.Find(_address);

    /// <summary>How much the device may ask for.</summary>
    [Benchmark]
    public TimeSpan? Share()
    {
        var wait = _share.Enter();
        _share.Leave();
        return wait;
    }

    /// <summary>Method and raw target → what the request is.</summary>
    [Benchmark]
    public bool Policy() => AccessPolicy.Of("GET", Place.Target) == Passage.Forward;

    /// <summary>The names in the query.</summary>
    [Benchmark]
    public bool Query() => QueryNames.HasShut(Place.Target);

    /// <summary>Whether the token belongs to this device.</summary>
    [Benchmark]
    public bool Token() => _binding.Of(_device, _authorization, out _) == TokenStanding.Bound;

    /// <summary>Its class, its time and its outcome, as Prometheus is told them.</summary>
    [Benchmark]
    public void Count() => _metrics.End(_metrics.Begin(_context), _context, CancellationToken.None);

    /// <summary>The keyed hash by itself.</summary>
    [Benchmark]
    public byte[] Hash()
    {
        _hasher.Hash(_token, _hash);
        return _hash;
    }
}
