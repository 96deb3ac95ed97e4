using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace Gateway.EndToEnd.Lab;

/// <summary>
/// Handshake initiations by somebody who knows the port and no key, as fast as one thread sends them and without a gap: in
/// one, a limit would let others through by itself.
/// </summary>
public sealed class Flood : IAsyncDisposable
{
    private const int IpHeader = 20;
    private const int UdpHeader = 8;

    private readonly CancellationTokenSource stop = new();
    private readonly Socket socket;
    private readonly Task sending;
    private volatile int sent;

    private Flood(Socket socket, IPAddress to, bool forged)
    {
        this.socket = socket;
        sending = Task.Factory.StartNew(() => Send(new IPEndPoint(to, 0), Packet(to), forged), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    /// <summary>How many there were so far.</summary>
    public int Sent => sent;

    /// <summary><paramref name="forged"/>: each from another address of 10.0.0.0/8; else all from the sender's own.</summary>
    public static async Task<Flood> StartAsync(NetworkNamespace from, IPAddress to, bool forged) =>
        new(await from.InsideAsync(() => new Socket(AddressFamily.InterNetwork, SocketType.Raw, ProtocolType.Raw)), to, forged);

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        await sending;
        stop.Dispose();
        socket.Dispose();
    }

    private void Send(EndPoint target, byte[] packet, bool forged)
    {
        while (!stop.IsCancellationRequested)
        {
            if (forged)
            {
                BinaryPrimitives.WriteInt32BigEndian(packet.AsSpan(12), 0x0a000001 + sent);
            }

            socket.SendTo(packet, target);
            sent++;
        }
    }

    /// <summary>What stays 0 the kernel fills in, the source's address too (raw(7)); the UDP checksum may stay so over IPv4.</summary>
    private static byte[] Packet(IPAddress to)
    {
        byte[] packet = [.. new byte[IpHeader + UdpHeader], .. Datagrams.Message(Datagrams.Initiation)];
        packet[0] = 0x45;
        packet[8] = 64;
        packet[9] = (byte)ProtocolType.Udp;
        to.GetAddressBytes().CopyTo(packet, 16);
        var udp = packet.AsSpan(IpHeader);
        BinaryPrimitives.WriteUInt16BigEndian(udp, 40000);
        BinaryPrimitives.WriteUInt16BigEndian(udp[2..], GatewayHost.ListenPort);
        BinaryPrimitives.WriteUInt16BigEndian(udp[4..], (ushort)udp.Length);
        return packet;
    }
}
