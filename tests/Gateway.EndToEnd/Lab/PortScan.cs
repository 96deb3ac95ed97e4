using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace Gateway.EndToEnd.Lab;

/// <summary>A connect scan of every TCP port of an address, from inside a namespace.</summary>
public static class PortScan
{
    private const int Lanes = 4;

    public static async Task<IReadOnlyList<int>> OpenPortsAsync(NetworkNamespace from, IPAddress target)
    {
        var open = new ConcurrentBag<int>();
        await Task.WhenAll(Enumerable.Range(0, Lanes).Select(lane => from.InsideAsync(() =>
        {
            for (var port = 1 + lane; port <= ushort.MaxValue; port += Lanes)
            {
                if (Opens(target, port))
                {
                    open.Add(port);
                }
            }

            return lane;
        }))).WaitAsync(TimeSpan.FromMinutes(2));
        return [.. open.Order()];
    }

    private static bool Opens(IPAddress target, int port)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        // Linux bounds a blocking connect by it; a port that keeps silent is not open.
        socket.SendTimeout = 200;
        try
        {
            socket.Connect(target, port);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
