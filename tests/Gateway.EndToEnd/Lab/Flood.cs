using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace Gateway.EndToEnd.Lab;

/// <summary>Handshake initiations without end, some thousands a second, by somebody who knows the port and no key.</summary>
public sealed class Flood : IAsyncDisposable
{
    private const int IpHeader = 20;
    private const int UdpHeader = 8;

    private readonly CancellationTokenSource stop = new();
    private readonly Socket socket;
    private readonly Task sending;

    private Flood(Socket socket, IPAddress to, bool forged)
    {
        this.socket = socket;
        sending = SendAsync(new IPEndPoint(to, 0), Packet(to), forged);
    }

    /// <summary>How many there were so far.</summary>
    public int Sent { get; private set; }

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

    private async Task SendAsync(EndPoint target, byte[] packet, bool forged)
    {
        using var pause = new PeriodicTimer(TimeSpan.FromMilliseconds(10));
        while (!stop.IsCancellationRequested)
        {
            for (var burst = 0; burst < 250; burst++)
            {
                if (forged)
                {
                    BinaryPrimitives.WriteInt32BigEndian(packet.AsSpan(12), 0x0a000001 + Sent);
                }

                socket.SendTo(packet, target);
                Sent++;
            }

            await pause.WaitForNextTickAsync(CancellationToken.None);
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
