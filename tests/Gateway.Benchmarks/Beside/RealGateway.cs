using System.Diagnostics;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using Gateway.Onboarding.Keys;
using Gateway.Onboarding.Store;

namespace Gateway.Benchmarks.Beside;

/// <summary>The gateway as it ships, with wireguard-go, on a store that already has devices: for what happens on the interface.</summary>
internal sealed class RealGateway : IDisposable
{
    public const string Link = "gwbench0";

    private static int _count;

    private readonly string _folder;
    private Process? _process;

    public RealGateway(string folder, int devices)
    {
        _folder = Directory.CreateDirectory(Path.Combine(folder, $"real-{++_count}")).FullName;
        Devices = devices;
        using var data = DataDirectory.Open(Data, new Entropy(), TimeProvider.System);
        UnderTest.Seed(new StateWriter(data.Store), new TokenHasher(new HashKey(new byte[32])), new Entropy(), devices);
        File.WriteAllText(Path.Combine(_folder, "gateway.json"), new JsonObject
        {
            ["Gateway"] = new JsonObject { ["ServerName"] = Place.ServerName, ["DataDirectory"] = Data },
            ["Tunnel"] = new JsonObject { ["Interface"] = Link, ["ListenPort"] = 51000, ["Endpoint"] = "gw.example:51000", ["Userspace"] = "always" },
            ["Certificate"] = new JsonObject { ["Path"] = Path.Combine(folder, "certificate.pem"), ["KeyPath"] = Path.Combine(folder, "key.pem") },
            ["Homeserver"] = new JsonObject { ["BaseUrl"] = $"http://127.0.0.1:{Place.Holding}" },
            ["Admin"] = new JsonObject { [nameof(Socket)] = Socket },
            ["Console"] = new JsonObject { ["Port"] = 0 },
        }.ToJsonString());
    }

    public int Devices { get; }

    public string Data => Path.Combine(_folder, "data");

    public string Socket => Path.Combine(_folder, "admin.sock");

    public int ProcessId => _process!.Id;

    /// <summary>How long from exec until it answers a TLS handshake on the tunnel address, and until the interface was seen to have all peers.</summary>
    public async Task<(TimeSpan Serving, TimeSpan Complete)> StartAsync()
    {
        var since = Stopwatch.StartNew();
        _process = Process.Start(new ProcessStartInfo(Environment.GetEnvironmentVariable("GATEWAY_BIN")!, ["serve", "--config", Path.Combine(_folder, "gateway.json")])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        _process.OutputDataReceived += (_, _) => { };
        _process.ErrorDataReceived += (_, _) => { };
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
        await UntilAsync(since, HandshakesAsync);
        var serving = since.Elapsed;
        using var admin = new AdminSocket(Socket);
        await UntilAsync(since, async () => (await admin.GetAsync("v1/status")).GetProperty("tunnel").GetProperty("ok").GetBoolean());
        return (serving, since.Elapsed);
    }

    public void Stop()
    {
        if (_process is not null)
        {
            _process.Kill();
            _process.WaitForExit();
            _process.Dispose();
            _process = null;
        }
    }

    /// <summary>wireguard-go ends with its link.</summary>
    public static async Task RemoveLinkAsync()
    {
        await Load.RunAsync("ip", ["link", "delete", Link]);
        for (var patience = 0; File.Exists($"/run/wireguard/{Link}.sock") && patience < 500; patience++)
        {
            await Task.Delay(10);
        }
    }

    public void Dispose() => Stop();

    private async Task UntilAsync(Stopwatch since, Func<Task<bool>> condition)
    {
        while (!await condition())
        {
            if (_process!.HasExited || since.Elapsed > TimeSpan.FromSeconds(90))
            {
                throw new InvalidOperationException($"the gateway does not start: see {_folder}");
            }

            await Task.Delay(10);
        }
    }

    private static async Task<bool> HandshakesAsync()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            await socket.ConnectAsync(IPAddress.Parse("198.19.0.1"), 443).WaitAsync(TimeSpan.FromSeconds(1));
            await using var stream = new SslStream(new NetworkStream(socket), leaveInnerStreamOpen: false, (_, _, _, _) => true);
            await stream.AuthenticateAsClientAsync(Place.ServerName);
            return true;
        }
        catch (Exception e) when (e is SocketException or IOException or TimeoutException)
        {
            return false;
        }
    }
}
