using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Options;

namespace Gateway.Listening;

/// <summary>
/// Binds the admin's Unix socket: its file has mode 0660 before anybody can connect, and the file of a dead gateway
/// is taken away, that of a live one is not.
/// </summary>
internal sealed class AdminSocketFactory(ILoggerFactory logs) : IConnectionListenerFactory, IConnectionListenerFactorySelector
{
    private const UnixFileMode OwnerAndGroup =
        UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.GroupWrite;

    private readonly SocketTransportFactory _sockets = new(
        Options.Create(new SocketTransportOptions { CreateBoundListenSocket = Bind }), logs);

    public bool CanBind(EndPoint endpoint) => endpoint is UnixDomainSocketEndPoint;

    public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default) =>
        _sockets.BindAsync(endpoint, cancellationToken);

    [SuppressMessage("Reliability", "CA2000", Justification = "The transport disposes the socket.")]
    private static Socket Bind(EndPoint endpoint)
    {
        var path = endpoint.ToString()!;
        RemoveStale(path, endpoint);
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            socket.Bind(endpoint);

            // Between bind and listen nobody can connect yet, whatever mode the umask left.
            File.SetUnixFileMode(path, OwnerAndGroup);
            return socket;
        }
        catch (SocketException fault)
        {
            socket.Dispose();
            throw new IOException($"Admin:Socket: cannot bind {path}: {fault.Message} (does its directory exist, and may the gateway's user write there?)", fault);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static void RemoveStale(string path, EndPoint endpoint)
    {
        var file = new FileInfo(path);
        if (!file.Exists)
        {
            return;
        }

        // A socket's file is empty: anything else at this path is somebody's data.
        if (file.Length > 0)
        {
            throw new IOException($"Admin:Socket: {path} is a file and no socket: move it away, or set another path.");
        }

        try
        {
            using var probe = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            probe.Connect(endpoint);
        }
        catch (SocketException fault) when (fault.SocketErrorCode == SocketError.ConnectionRefused)
        {
            file.Delete();
            return;
        }

        throw new IOException($"Admin:Socket: another gateway answers on {path}: stop it first, or set another path.");
    }
}
