using System.Net;
using System.Net.Sockets;

namespace Gateway.EndToEnd.Lab;

/// <summary>
/// A listener of the test, standing where some other program of the machine would. It greets whoever connects, so that
/// "reached" means an answer and not an open port alone.
/// </summary>
public sealed class Doorbell : IDisposable
{
    private static readonly byte[] Greeting = "SSH-2.0-lab\r\n"u8.ToArray();

    private readonly Socket listener;
    private volatile bool closed;

    private Doorbell(Socket listener)
    {
        this.listener = listener;
        _ = GreetAsync();
    }

    public static async Task<Doorbell> HangAsync(NetworkNamespace space, IPAddress address, int port) => new(await space.InsideAsync(() =>
    {
        var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        if (address.AddressFamily == AddressFamily.InterNetworkV6)
        {
            // Only what was asked for: an IPv4 listener may stand beside it.
            socket.DualMode = false;
        }

        socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, optionValue: true);
        socket.Bind(new IPEndPoint(address, port));
        socket.Listen();
        return socket;
    }));

    /// <summary>Whether anything at all is said to somebody who rings at this address from there.</summary>
    public static async Task<bool> IsHeardAsync(NetworkNamespace from, IPAddress address, int port)
    {
        using var socket = await from.OpenTcpAsync(address.AddressFamily);
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(2));
        try
        {
            await socket.ConnectAsync(new IPEndPoint(address, port), patience.Token);
            return await socket.ReceiveAsync(new byte[1], patience.Token) > 0;
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException)
        {
            return false;
        }
    }

    /// <summary>Whether a connection can be made, for listeners that speak second.</summary>
    public static async Task<bool> OpensAsync(NetworkNamespace from, IPAddress address, int port)
    {
        using var socket = await from.OpenTcpAsync(address.AddressFamily);
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(2));
        try
        {
            await socket.ConnectAsync(new IPEndPoint(address, port), patience.Token);
            return true;
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException)
        {
            return false;
        }
    }

    public void Dispose()
    {
        closed = true;
        listener.Dispose();
    }

    private async Task GreetAsync()
    {
        while (true)
        {
            try
            {
                using var visitor = await listener.AcceptAsync();
                await visitor.SendAsync(Greeting);
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                if (closed)
                {
                    return;
                }

                // A visitor left before the greeting, as a scan does; others may come.
            }
        }
    }
}
