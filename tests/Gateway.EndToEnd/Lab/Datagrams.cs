using System.Net;

namespace Gateway.EndToEnd.Lab;

/// <summary>Datagrams that look like WireGuard's, as somebody sends them who knows the port and nothing else.</summary>
public static class Datagrams
{
    public const byte Initiation = 1;
    public const byte Data = 4;

    /// <summary>So many of them as fast as it goes, from an address of the namespace or from the one that its routes choose.</summary>
    public static async Task SendAsync(NetworkNamespace from, IPAddress to, byte type, int count, IPAddress? source = null)
    {
        using var socket = await from.OpenUdpAsync(to.AddressFamily);
        if (source is not null)
        {
            socket.Bind(new IPEndPoint(source, 0));
        }

        var target = new IPEndPoint(to, GatewayHost.ListenPort);
        var message = Message(type);
        for (var i = 0; i < count; i++)
        {
            socket.SendTo(message, target);
        }
    }

    internal static byte[] Message(byte type)
    {
        var message = new byte[148];
        message[0] = type;
        return message;
    }
}
