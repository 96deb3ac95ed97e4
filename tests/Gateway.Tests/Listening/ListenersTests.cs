using System.Buffers.Binary;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Gateway.Listening;
using Gateway.Tunnel;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

// Clients that ask for one version of TLS and look at the certificate themselves; Linux only.
#pragma warning disable CA5359, CA5398, CA1416

namespace Gateway.Tests.Listening;

/// <summary>Both listeners on a real Kestrel, with the loopback interface in the place of the tunnel's.</summary>
public sealed class ListenersTests : IAsyncLifetime
{
    private const int Large = 256 * 1024;

    private readonly SomeCertificates _files = new();
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("gateway-socket-");
    private readonly MemberCertificate _certificate;
    private WebApplication? _app;

    public ListenersTests() => _certificate = new(Options.Create(_files.Options), TimeProvider.System, NullLogger<MemberCertificate>.Instance);

    private string SocketPath => Path.Combine(_directory.FullName, "admin.sock");

    private int Port => new Uri(_app!.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses
        .Single(address => address.StartsWith("https://127.0.0.1:", StringComparison.Ordinal))).Port;

    public async ValueTask InitializeAsync()
    {
        _files.Write("first");
        await _certificate.StartAsync(CancellationToken.None);
    }

    public async ValueTask DisposeAsync()
    {
        if (_app is not null)
        {
            await _app.DisposeAsync();
        }

        await _certificate.StopAsync(CancellationToken.None);
        _certificate.Dispose();
        _files.Dispose();
        _directory.Delete(recursive: true);
    }

    [Theory]
    [InlineData("1.1")]
    [InlineData("2.0")]
    public async Task The_member_listener_speaks_HTTP_and_marks_its_plane(string version)
    {
        await Start();
        using var client = MemberClient();
        using var request = new HttpRequestMessage(HttpMethod.Get, $"https://127.0.0.1:{Port}/")
        {
            Version = Version.Parse(version),
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };

        using var answer = await client.SendAsync(request);

        Assert.Equal("Member", await answer.Content.ReadAsStringAsync());
        Assert.Equal(version, answer.Version.ToString());
        Assert.False(answer.Headers.Contains("Server"));
    }

    [Fact]
    public async Task The_admin_socket_marks_its_plane_and_is_for_owner_and_group()
    {
        await Start();
        using var client = AdminClient();

        Assert.Equal("Admin", await client.GetStringAsync(new Uri("http://gateway/")));
        Assert.Equal(
            UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.GroupWrite,
            File.GetUnixFileMode(SocketPath));
    }

    [Fact]
    public void A_connection_that_nobody_marked_is_on_no_plane() => Assert.Equal(Plane.None, new DefaultHttpContext().Plane());

    [Theory]
    [InlineData(SslProtocols.Tls12)]
    [InlineData(SslProtocols.Tls13)]
    public async Task The_whole_chain_is_sent(SslProtocols protocol)
    {
        await Start();
        var subjects = new List<string>();
        await using var tls = await Handshake(protocol, (_, _, chain, _) =>
        {
            subjects.AddRange(chain!.ChainPolicy.ExtraStore.Select(certificate => certificate.Subject));
            return true;
        });

        Assert.Equal(protocol, tls.SslProtocol);
        Assert.Contains(subjects, subject => subject == "CN=Test intermediate");
    }

    [Fact]
    public async Task An_older_TLS_is_refused()
    {
        await Start();

#pragma warning disable CA5397, SYSLIB0039 // The very version that must be refused.
        await Assert.ThrowsAnyAsync<Exception>(() => Handshake(SslProtocols.Tls11, (_, _, _, _) => true));
#pragma warning restore CA5397, SYSLIB0039
    }

    [Fact]
    public async Task A_new_certificate_is_served_to_new_connections_while_old_ones_stay()
    {
        await Start();
        await using var old = await Handshake(SslProtocols.Tls13, (_, _, _, _) => true);
        Assert.Equal("CN=first", old.RemoteCertificate!.Subject);

        _files.Write("second");
        _certificate.Refresh();

        await using var fresh = await Handshake(SslProtocols.Tls13, (_, _, _, _) => true);
        Assert.Equal("CN=second", fresh.RemoteCertificate!.Subject);
        Assert.StartsWith("HTTP/1.1 200", await Ask(old, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("GET / HTTP/1.1\nHost: x\n\n")]
    [InlineData("GET / HTTP/1.1\r\nHost: x\nX: y\r\n\r\n")]
    public async Task A_bare_line_feed_does_not_end_a_line(string request)
    {
        await Start();
        await using var tls = await Handshake(SslProtocols.Tls13, (_, _, _, _) => true);

        Assert.StartsWith("HTTP/1.1 400", await Ask(tls, request), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_dead_gateways_socket_file_is_taken_away()
    {
        using (var dead = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
        {
            dead.Bind(new UnixDomainSocketEndPoint(Path.Combine(_directory.FullName, "dead.sock")));
            File.Move(Path.Combine(_directory.FullName, "dead.sock"), SocketPath);
        }

        Assert.True(File.Exists(SocketPath));

        await Start();

        using var client = AdminClient();
        Assert.Equal("Admin", await client.GetStringAsync(new Uri("http://gateway/")));
    }

    [Fact]
    public async Task A_live_gateways_socket_is_left_alone()
    {
        using var live = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        live.Bind(new UnixDomainSocketEndPoint(SocketPath));
        live.Listen();

        var fault = await Assert.ThrowsAsync<IOException>(Start);

        Assert.Contains("another gateway answers", fault.Message, StringComparison.Ordinal);
        Assert.True(File.Exists(SocketPath));
    }

    [Fact]
    public async Task A_large_answer_travels_in_whole_TLS_records()
    {
        await Start();
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, Port);
        await using var tls = new SslStream(client.GetStream(), leaveInnerStreamOpen: true, (_, _, _, _) => true);
        await tls.AuthenticateAsClientAsync("127.0.0.1");
        await tls.WriteAsync("GET /large HTTP/1.1\r\nHost: gateway\r\nConnection: close\r\n\r\n"u8.ToArray());

        // The records as they lie on the wire: type, version, length (RFC 8446, 5.1).
        var records = new List<int>();
        var header = new byte[5];
        while (await client.GetStream().ReadAtLeastAsync(header, header.Length, throwOnEndOfStream: false) == header.Length)
        {
            records.Add(BinaryPrimitives.ReadUInt16BigEndian(header.AsSpan(3)));
            await client.GetStream().ReadExactlyAsync(new byte[records[^1]]);
        }

        Assert.True(records.Sum() > Large, $"{records.Sum()} bytes came");
        Assert.InRange(records.Count(length => length > 16384), (Large / 16384) - 1, Large / 16384);
    }

    [Fact]
    public async Task A_file_that_is_no_socket_is_left_alone()
    {
        await File.WriteAllTextAsync(SocketPath, "somebody's notes");

        await Assert.ThrowsAsync<IOException>(Start);

        Assert.Equal("somebody's notes", await File.ReadAllTextAsync(SocketPath));
    }

    private async Task Start()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Services.AddSingleton(new NetworkLink("lo", UserspaceMode.Never));
        builder.Services.AddSingleton(TimeProvider.System);
        builder.Services.UseBoundListeners();
        builder.WebHost.UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel =>
        {
            kestrel.ListenForMembers(IPAddress.Loopback, 0, _certificate);
            kestrel.ListenForAdmin(SocketPath);
        });
        _app = builder.Build();
        _app.Run(context => context.Request.Path == "/large" ? context.Response.Body.WriteAsync(new byte[Large]).AsTask() : context.Response.WriteAsync(context.Plane().ToString()));
        await _app.StartAsync();
    }

    private HttpClient MemberClient() => new(new SocketsHttpHandler
    {
        SslOptions = new()
        {
            CertificateChainPolicy = new X509ChainPolicy
            {
                TrustMode = X509ChainTrustMode.CustomRootTrust,
                CustomTrustStore = { _files.Root },
                RevocationMode = X509RevocationMode.NoCheck,
            },
        },
    });

    private HttpClient AdminClient() => new(new SocketsHttpHandler
    {
        ConnectCallback = async (_, cancellationToken) =>
        {
            var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(SocketPath), cancellationToken);
            return new NetworkStream(socket, ownsSocket: true);
        },
    });

    private async Task<SslStream> Handshake(SslProtocols protocol, RemoteCertificateValidationCallback check)
    {
        var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, Port);
        var tls = new SslStream(client.GetStream());
        try
        {
            await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
            {
                TargetHost = "127.0.0.1",
                EnabledSslProtocols = protocol,
                RemoteCertificateValidationCallback = check,
            });
            return tls;
        }
        catch
        {
            await tls.DisposeAsync();
            throw;
        }
    }

    private static async Task<string> Ask(SslStream tls, string request)
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(10));
        await tls.WriteAsync(Encoding.ASCII.GetBytes(request), deadline.Token);
        var buffer = new byte[4096];
        return Encoding.ASCII.GetString(buffer, 0, await tls.ReadAsync(buffer, deadline.Token));
    }
}
