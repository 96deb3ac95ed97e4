using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Gateway.Listening;
using Gateway.Tests.Testing;
using Gateway.Tunnel;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace Gateway.Tests.Listening;

/// <summary>
/// The listener on a gateway between two others: a member on the tunnel's interface, and an outsider on the outer
/// one who routes the tunnel address to the gateway's outer address.
/// </summary>
public sealed class InterfaceListenerTests
{
    private const int Port = 4443;
    private static readonly IPEndPoint TunnelEndPoint = new(IPAddress.Parse("198.19.0.1"), Port);
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task Members_reach_it_through_the_interface_and_nobody_from_outside()
    {
        await WithNetwork(async (gateway, member, outsider) =>
        {
            await PlugMemberIn(gateway, member);
            await Listening(gateway, async () =>
            {
                Assert.Equal("198.19.0.2", await Connect(member));
                Assert.Null(await Connect(outsider));
            });
        });
    }

    [Fact]
    public async Task A_listener_on_the_address_alone_would_answer_the_outsider()
    {
        await WithNetwork(async (gateway, member, outsider) =>
        {
            await PlugMemberIn(gateway, member);
            TcpListener? control = null;
            await gateway.RunAsync(() =>
            {
                control = new(TunnelEndPoint);
                control.Start();
                return Task.CompletedTask;
            });
            using (control)
            {
                var accepted = control!.AcceptTcpClientAsync();
                var reached = false;
                await outsider.RunAsync(async () => reached = await TryConnect() is not null);

                Assert.True(reached, "The test's network does not show what the listener protects from.");
                (await accepted).Dispose();
            }
        });
    }

    [Fact]
    public async Task It_waits_for_an_interface_that_does_not_exist_yet()
    {
        await WithNetwork(async (gateway, member, _) =>
        {
            await Listening(gateway, async () =>
            {
                Assert.Null(await Connect(member));
                await PlugMemberIn(gateway, member);
                await Eventually.Is(async () => await Connect(member) == "198.19.0.2", Deadline);
            });
        });
    }

    /// <summary>A refusal while the interface is absent says nothing once it has come: so without one nothing is tried.</summary>
    [Fact]
    public async Task It_does_not_try_to_bind_to_an_interface_that_is_not_there()
    {
        var tried = false;
        var sockets = new SocketTransportFactory(
            Options.Create(new SocketTransportOptions
            {
                CreateBoundListenSocket = _ =>
                {
                    tried = true;
                    throw new SocketException((int)SocketError.OperationNotSupported);
                },
            }),
            NullLoggerFactory.Instance);
        await using var listener = new InterfaceListener(
            sockets, new NetworkLink("not-there", UserspaceMode.Never), TunnelEndPoint, TimeProvider.System, NullLogger<InterfaceListener>.Instance);

        await listener.StartAsync(default);

        Assert.False(tried);
    }

    [Fact]
    public async Task It_is_bound_anew_when_the_interface_was_rebuilt()
    {
        await WithNetwork(async (gateway, member, outsider) =>
        {
            await PlugMemberIn(gateway, member);
            await Listening(gateway, async () =>
            {
                Assert.NotNull(await Connect(member));
                await gateway.IpAsync("link", "delete", "tunnel");
                Assert.Null(await Connect(member));

                await PlugMemberIn(gateway, member);

                await Eventually.Is(async () => await Connect(member) == "198.19.0.2", Deadline);
                Assert.Null(await Connect(outsider));
            });
        });
    }

    [Fact]
    public async Task Closing_it_ends_a_waiting_accept_and_frees_the_port()
    {
        await WithNetwork(async (gateway, member, _) =>
        {
            await PlugMemberIn(gateway, member);
            await Listening(gateway, async () => Assert.NotNull(await Connect(member)));
            Assert.Null(await Connect(member));
            await Listening(gateway, async () => Assert.NotNull(await Connect(member)));
        });
    }

    [Fact]
    public async Task A_port_in_use_fails_the_start()
    {
        await WithNetwork(async (gateway, member, _) =>
        {
            await PlugMemberIn(gateway, member);
            await gateway.RunAsync(async () =>
            {
                using var other = new TcpListener(IPAddress.Any, Port);
                other.Start();
                await Assert.ThrowsAsync<AddressInUseException>(async () => await Factory().BindAsync(TunnelEndPoint));
            });
        });
    }

    [Fact]
    public async Task Without_permission_the_start_fails_and_says_what_is_needed()
    {
        await WithNetwork(async (gateway, member, _) =>
        {
            await PlugMemberIn(gateway, member);
            await gateway.RunAsync(async () =>
            {
                DropCapabilities();
                var fault = await Assert.ThrowsAnyAsync<IOException>(async () => await Factory().BindAsync(new IPEndPoint(TunnelEndPoint.Address, 443)));
                Assert.Contains("CAP_NET_BIND_SERVICE", fault.Message, StringComparison.Ordinal);
            });
        });
    }

    private static InterfaceListenerFactory Factory() =>
        new(new NetworkLink("tunnel", UserspaceMode.Never), new OptionsFactory<SocketTransportOptions>([], []), TimeProvider.System, NullLoggerFactory.Instance);

    private static async Task WithNetwork(Func<NetworkNamespace, NetworkNamespace, NetworkNamespace, Task> act)
    {
        await using var gateway = await NetworkNamespace.CreateAsync();
        await using var member = await NetworkNamespace.CreateAsync();
        await using var outsider = await NetworkNamespace.CreateAsync();
        await gateway.CableAsync("outer", "203.0.113.1/24", outsider, "eth", "203.0.113.2/24");
        await outsider.IpAsync("route", "add", "198.19.0.1", "via", "203.0.113.1");
        await act(gateway, member, outsider);
    }

    /// <summary>Makes the gateway's tunnel interface, or makes it again.</summary>
    private static Task PlugMemberIn(NetworkNamespace gateway, NetworkNamespace member) =>
        gateway.CableAsync("tunnel", "198.19.0.1/18", member, "tun", "198.19.0.2/18");

    /// <summary>Listens while <paramref name="act"/> runs; answers each connection with the address it came from.</summary>
    private static async Task Listening(NetworkNamespace gateway, Func<Task> act)
    {
        IConnectionListener? listener = null;
        await gateway.RunAsync(async () => listener = await Factory().BindAsync(TunnelEndPoint));
        var serving = gateway.RunAsync(() => Serve(listener!));
        try
        {
            await act();
        }
        finally
        {
            await gateway.RunAsync(() => listener!.UnbindAsync().AsTask());
            await serving.WaitAsync(Deadline);
            await gateway.RunAsync(() => listener!.DisposeAsync().AsTask());
        }
    }

    private static async Task Serve(IConnectionListener listener)
    {
        while (await listener.AcceptAsync() is { } connection)
        {
            await using (connection)
            {
                var source = ((IPEndPoint)connection.RemoteEndPoint!).Address.ToString();
                await connection.Transport.Output.WriteAsync(System.Text.Encoding.ASCII.GetBytes(source));
                await connection.Transport.Output.CompleteAsync();
            }
        }
    }

    /// <summary>What the gateway answered, or null where nothing did.</summary>
    private static async Task<string?> Connect(NetworkNamespace from)
    {
        string? answer = null;
        await from.RunAsync(async () => answer = await TryConnect(read: true));
        return answer;
    }

    private static async Task<string?> TryConnect(bool read = false)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(2));
        try
        {
            using var client = new TcpClient();
            await client.ConnectAsync(TunnelEndPoint, patience.Token);
            using var reader = new StreamReader(client.GetStream());
            return read ? await reader.ReadToEndAsync(patience.Token) : "";
        }
        catch (Exception fault) when (fault is SocketException or OperationCanceledException)
        {
            return null;
        }
    }

    /// <summary>For the calling thread alone, which is the namespace's own: capset(2) with version 3 and nothing allowed.</summary>
    private static void DropCapabilities() => Assert.Equal(0, capset([0x20080522, 0], new uint[6]));

    [DllImport("libc", ExactSpelling = true), DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int capset(uint[] header, uint[] data);
}
