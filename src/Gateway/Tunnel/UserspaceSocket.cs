using System.Net.Sockets;
using Gateway.Onboarding;
using Gateway.Onboarding.Devices;
using Gateway.Onboarding.Keys;

namespace Gateway.Tunnel;

/// <summary>
/// Drives wireguard-go through its own socket, some thirty times faster than a child process for each change. The
/// socket lies in a directory that all network namespaces share, so every call first asks whether the link is ours.
/// </summary>
internal sealed class UserspaceSocket(NetworkLink link) : IWireGuardInterface
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(5);

    public static string PathOf(string name) => $"/var/run/wireguard/{name}.sock";

    /// <summary>Whether a process listens on the socket; false for the file that a dead one left behind.</summary>
    public static async Task<bool> AnswersAsync(string name, CancellationToken cancellationToken)
    {
        if (!File.Exists(PathOf(name)))
        {
            return false;
        }

        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(Deadline);
        try
        {
            using var socket = await ConnectAsync(name, limit.Token);
            return true;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new TunnelException($"wireguard-go takes no connection on {PathOf(name)} within {Deadline.TotalSeconds} s");
        }
        catch (SocketException fault) when (fault.SocketErrorCode is SocketError.ConnectionRefused or SocketError.AddressNotAvailable)
        {
            return false;
        }
        catch (SocketException fault)
        {
            throw new TunnelException($"{PathOf(name)} cannot be used: {fault.Message} (start wireguard-go as the gateway's user; it ends when the owner or mode of its socket is changed)", fault);
        }
    }

    public async Task<bool> EnsureAsync(InterfaceSettings settings, CancellationToken cancellationToken)
    {
        var made = await link.EnsureAsync(settings, cancellationToken);
        var seen = await ReadAsync(cancellationToken);
        if (!seen.Matches(settings))
        {
            await AskAsync(UserspaceProtocol.Set(settings), "set key and port", cancellationToken);
        }

        return made;
    }

    public async Task<IReadOnlyList<Peer>> DumpAsync(CancellationToken cancellationToken) =>
        (await ReadAsync(cancellationToken)).Peers;

    public Task SetAsync(DesiredPeer peer, CancellationToken cancellationToken) =>
        AskAsync(UserspaceProtocol.Set(peer), $"set peer {peer.PublicKey.Prefix}", cancellationToken);

    public Task RemoveAsync(PublicKey peer, CancellationToken cancellationToken) =>
        AskAsync(UserspaceProtocol.Remove(peer), $"remove peer {peer.Prefix}", cancellationToken);

    private async Task<InterfaceDump> ReadAsync(CancellationToken cancellationToken) =>
        UserspaceProtocol.Parse(await AskAsync(UserspaceProtocol.Get, "get", cancellationToken));

    /// <summary>One question, one connection. The answer's lines, once its errno said 0.</summary>
    private async Task<List<string>> AskAsync(string question, string what, CancellationToken cancellationToken)
    {
        await link.RequireAsync(cancellationToken);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(Deadline);
        try
        {
            using var socket = await ConnectAsync(link.Name, limit.Token);
            using var stream = new NetworkStream(socket);
            await stream.WriteAsync(System.Text.Encoding.ASCII.GetBytes(question), limit.Token);
            return await ReadAnswerAsync(stream, what, limit.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new TunnelException($"wireguard-go did not answer on {PathOf(link.Name)} within {Deadline.TotalSeconds} s ({what})");
        }
        catch (Exception fault) when (fault is SocketException or IOException)
        {
            throw new TunnelException($"wireguard-go on {PathOf(link.Name)} cannot be asked ({what}): {fault.Message}", fault);
        }
        finally
        {
            await SocketThreads.LeaveAsync();
        }
    }

    private async Task<List<string>> ReadAnswerAsync(NetworkStream stream, string what, CancellationToken cancellationToken)
    {
        using var reader = new StreamReader(stream, System.Text.Encoding.ASCII, leaveOpen: true);
        var lines = new List<string>();
        while (await reader.ReadLineAsync(cancellationToken) is { } line)
        {
            if (line.Length > 0)
            {
                lines.Add(line);
                continue;
            }

            // A failed set is not rolled back; what it left is for the next dump to show.
            var errno = lines.Count > 0 ? lines[^1] : "nothing";
            lines.RemoveRange(Math.Max(0, lines.Count - 1), Math.Min(1, lines.Count));
            return errno == "errno=0" ? lines : throw new TunnelException($"wireguard-go refused ({what}): {Explain(errno)}");
        }

        throw new TunnelException($"wireguard-go closed {PathOf(link.Name)} in the middle of its answer ({what})");
    }

    private static string Explain(string errno) => errno switch
    {
        "errno=98" or "errno=-98" => "the UDP port is in use by another program; choose another Tunnel:ListenPort",
        _ when errno.StartsWith("errno=", StringComparison.Ordinal) => errno,
        _ => "an answer without errno",
    };

    private static async Task<Socket> ConnectAsync(string name, CancellationToken cancellationToken)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(PathOf(name)), cancellationToken);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
