using System.Net;
using System.Net.Http.Json;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using Gateway.Admin;
using Gateway.Proxy;
using Gateway.Tests.Testing;

namespace Gateway.Tests.Proxy;

/// <summary>One device misbehaves in every way that costs a server something; another one goes on as if it were alone.</summary>
public sealed class FloodTests : IAsyncLifetime
{
    private const string Who = "/_matrix/client/v3/account/whoami";

    /// <summary>What one address may hold; see ConnectionShare.</summary>
    private const int MostConnections = 64;

    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);

    private readonly List<IDisposable> _held = [];
    private TestGateway _gateway = null!;
    private EnrolmentView _bad = null!;
    private HttpClient _mallory = null!;
    private HttpClient _alice = null!;

    private string Token => _mallory.DefaultRequestHeaders.Authorization!.Parameter!;

    private string Start => $" HTTP/1.1\r\nHost: chat.example\r\nAuthorization: Bearer {Token}\r\n";

    public async ValueTask InitializeAsync()
    {
        _gateway = await TestGateway.StartAsync();
        _bad = await _gateway.EnrolAsync("mallory");
        _mallory = await _gateway.SignInAsync(_bad);
        _alice = await _gateway.SignInAsync(await _gateway.EnrolAsync("alice"));
        using var first = await _mallory.GetAsync(Who);
        _gateway.Homeserver.Requests.Clear();
    }

    public async ValueTask DisposeAsync()
    {
        _held.ForEach(one => one.Dispose());
        _mallory.Dispose();
        _alice.Dispose();
        await _gateway.DisposeAsync();
    }

    [Fact]
    public async Task One_device_that_holds_floods_resets_and_dawdles_takes_nothing_from_another()
    {
        using var second = Client();
        using var third = Client();
        using var stop = new CancellationTokenSource();

        // A hundred streams on each of two connections.
        var held = Enumerable.Range(0, RequestLimits.OfOneDevice.MostAtOnce).Select(i => (i % 2 == 0 ? _mallory : second).SendAsync(Http2("/_matrix/client/v3/sync"), stop.Token)).ToList();
        await Eventually.Is(() => Reached("/sync") == RequestLimits.OfOneDevice.MostAtOnce, Deadline);
        using var tooMany = await _mallory.GetAsync(Who);
        var flood = Enumerable.Range(0, 300).Select(_ => third.SendAsync(Http2(Who), stop.Token)).ToList();

        await AliceIsServedAsync();

        var refused = await Task.WhenAll(flood);
        Assert.All(refused, reply => Assert.Equal(HttpStatusCode.TooManyRequests, reply.StatusCode));
        var body = (await tooMany.Content.ReadFromJsonAsync<JsonObject>())!;
        Assert.Equal("M_LIMIT_EXCEEDED", (string?)body["errcode"]);
        Assert.Equal(1000, (long)body["retry_after_ms"]!);
        Assert.Equal(TimeSpan.FromSeconds(1), tooMany.Headers.RetryAfter!.Delta);
        await stop.CancelAsync();
        await Task.WhenAny(Task.WhenAll(held), Task.Delay(TimeSpan.FromSeconds(10)));
    }

    [Fact]
    public async Task One_device_cannot_take_all_connections()
    {
        var sockets = new List<Socket>();
        for (var i = 0; i < 4200; i++)
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            sockets.Add(socket);
            _held.Add(socket);
            socket.Bind(new IPEndPoint(IPAddress.Parse("127.19.0.2"), 0));
            try
            {
                await socket.ConnectAsync(IPAddress.Loopback, _gateway.MemberPort);
            }
            catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionReset)
            {
                // More than its share: refused while it still connects.
            }
        }

        await AliceIsServedAsync();

        await Eventually.Is(() => sockets.Count(IsOpen) <= MostConnections, Deadline);
    }

    [Fact]
    public async Task One_device_that_sends_halves_of_requests_holds_its_own_connections_alone()
    {
        for (var i = 0; i < 20; i++)
        {
            await SendAsync("GET /_matrix/client/v3/sync HTTP/1.1\r\nHost: chat.");
            await SendAsync($"POST /_matrix/media/v3/upload{Start}Content-Length: 50000000\r\n\r\nx");
            await SendAsync($"POST /_matrix/client/v3/login{Start}Content-Length: 100\r\n\r\n{{");
        }

        await Eventually.Is(() => Reached("/upload") == 20, Deadline);

        await AliceIsServedAsync();
    }

    [Fact]
    public async Task One_device_that_does_not_read_fills_no_memory_and_holds_up_nobody()
    {
        const int size = 64 * 1024 * 1024;
        var written = new long[20];
        var next = -1;
        _gateway.Homeserver.Interfere = async context =>
        {
            if (!context.Request.Path.Value!.EndsWith("/large", StringComparison.Ordinal))
            {
                return false;
            }

            var mine = Interlocked.Increment(ref next);
            var block = new byte[64 * 1024];
            for (var sent = 0; sent < size; sent += block.Length)
            {
                await context.Response.Body.WriteAsync(block, context.RequestAborted);
                written[mine] += block.Length;
            }

            return true;
        };
        for (var i = 0; i < written.Length; i++)
        {
            await SendAsync($"GET /_matrix/client/v1/media/download/chat.example/large{Start}\r\n");
        }

        await Eventually.Is(() => Array.TrueForAll(written, bytes => bytes > 0), Deadline);

        await AliceIsServedAsync();

        Assert.All(written, bytes => Assert.InRange(bytes, 1, size - 1));
    }

    [Fact]
    public async Task One_device_that_asks_without_end_reaches_the_homeserver_as_often_as_its_share()
    {
        var many = Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat($"GET {Who}{Start}\r\n", 100)));
        var flood = Enumerable.Range(0, 20).Select(async _ =>
        {
            await using var stream = await _gateway.RawAt(_bad.Device.TunnelAddress, SslApplicationProtocol.Http11);
            await stream.WriteAsync(many);
            await stream.ShutdownAsync();
            using var reader = new StreamReader(stream);
            return (await reader.ReadToEndAsync()).Split("HTTP/1.1 ").Skip(1).CountBy(reply => reply[..3]).ToDictionary();
        }).ToList();

        await AliceIsServedAsync();

        var answers = (await Task.WhenAll(flood)).SelectMany(one => one).GroupBy(one => one.Key, one => one.Value).ToDictionary(one => one.Key, one => one.Sum());
        Assert.Equal(2000, answers["200"] + answers["429"]);
        Assert.InRange(answers["200"], 1, RequestLimits.OfOneDevice.Burst);
        Assert.Equal(answers["200"], _gateway.Homeserver.Requests.Count(request => request.Headers["X-Forwarded-For"] == _bad.Device.TunnelAddress));
    }

    [Fact]
    public async Task One_device_that_resets_its_streams_rapidly_is_cut_off_and_starts_no_more_than_its_share()
    {
        IReadOnlyList<(string, string)> sync =
            [(":method", "GET"), (":scheme", "https"), (":authority", "chat.example"), (":path", "/_matrix/client/v3/sync"), ("authorization", $"Bearer {Token}")];
        var floods = new List<Task>();
        for (var i = 0; i < 10; i++)
        {
            var stream = await _gateway.RawAt(_bad.Device.TunnelAddress, SslApplicationProtocol.Http2);
            _held.Add(stream);
            floods.Add(new RawHttp2(stream).ResetRapidlyAsync(sync, 2000));
        }

        await AliceIsServedAsync();

        await Task.WhenAny(Task.WhenAll(floods), Task.Delay(Deadline));
        Assert.InRange(Reached("/sync"), 0, RequestLimits.OfOneDevice.Burst);

        // Not one of the syncs goes on behind the back of the device that gave it up.
        await Eventually.Is(() => _gateway.Homeserver.Open == 0, Deadline);
    }

    [Fact]
    public async Task One_device_with_gigantic_headers_is_refused_before_it_is_read()
    {
        var large = $"GET {Who}{Start}X: {new string('x', 40_000)}\r\n\r\n";
        var many = $"GET {Who}{Start}{string.Concat(Enumerable.Range(0, 120).Select(i => $"Cookie: a{i}=b\r\n"))}\r\n";
        var answers = new List<string>();
        foreach (var request in Enumerable.Range(0, 30).SelectMany(_ => new[] { large, many }))
        {
            await using var stream = await _gateway.RawAt(_bad.Device.TunnelAddress, SslApplicationProtocol.Http11);
            await stream.WriteAsync(Encoding.ASCII.GetBytes(request));
            var buffer = new byte[12];
            var length = await stream.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false);
            answers.Add(Encoding.ASCII.GetString(buffer, 0, length));
        }

        await AliceIsServedAsync();

        Assert.All(answers, answer => Assert.Equal("HTTP/1.1 431", answer));
        Assert.Equal(0, Reached("/whoami", _bad.Device.TunnelAddress));
    }

    /// <summary>The limits count in real time: half a minute of patience, and then the connection is gone.</summary>
    [Fact]
    public async Task One_device_that_dawdles_is_cut_off()
    {
        SslStream[] dawdling =
        [
            await SendAsync("GET /_matrix/client/v3/sync HTTP/1.1\r\nHost: chat."),
            await SendAsync($"POST /_matrix/media/v3/upload{Start}Content-Length: 50000000\r\n\r\nx"),
            await SendAsync($"POST /_matrix/client/v3/login{Start}Content-Length: 100\r\n\r\n{{"),
        ];

        await Task.WhenAll(dawdling.Select(async stream =>
        {
            using var reader = new StreamReader(stream);
            var answer = await reader.ReadToEndAsync().WaitAsync(TimeSpan.FromSeconds(90));
            Assert.StartsWith("HTTP/1.1 408", answer, StringComparison.Ordinal);
        }));
    }

    /// <summary>Half of them on a connection of its own, as somebody who comes now.</summary>
    private async Task AliceIsServedAsync()
    {
        for (var i = 0; i < 50; i++)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, Who) { Headers = { ConnectionClose = i % 2 == 0 } };
            using var reply = await _alice.SendAsync(request);
            Assert.Equal(HttpStatusCode.OK, reply.StatusCode);
        }
    }

    private HttpClient Client()
    {
        var client = _gateway.At(_bad.Device.TunnelAddress);
        client.DefaultRequestHeaders.Authorization = _mallory.DefaultRequestHeaders.Authorization;
        return client;
    }

    /// <summary>A connection of the misbehaving device on which this was sent, and which stays.</summary>
    private async Task<SslStream> SendAsync(string text)
    {
        var stream = await _gateway.RawAt(_bad.Device.TunnelAddress, SslApplicationProtocol.Http11);
        _held.Add(stream);
        await stream.WriteAsync(Encoding.ASCII.GetBytes(text));
        return stream;
    }

    private int Reached(string end, string? from = null) =>
        _gateway.Homeserver.Requests.Count(request => request.Target.EndsWith(end, StringComparison.Ordinal) && (from is null || request.Headers["X-Forwarded-For"] == from));

    private static bool IsOpen(Socket socket) => socket.Connected && !(socket.Poll(0, SelectMode.SelectRead) && socket.Available == 0);

    private static HttpRequestMessage Http2(string target) =>
        new(HttpMethod.Get, target) { Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
}
