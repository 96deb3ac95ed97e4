using System.Buffers;
using System.Net.Sockets;
using System.Text;
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
    private const int FirstBuffer = 64 * 1024;

    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(5);

    private readonly SettledInterface _settled = new();

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
        finally
        {
            if (SocketThreads.IsOne)
            {
                await Task.Yield();
            }
        }
    }

    public async Task<bool> EnsureAsync(InterfaceSettings settings, CancellationToken cancellationToken)
    {
        var made = await link.EnsureAsync(settings, cancellationToken);
        if (!_settled.Is(settings, link.Index) && !(await ReadAsync(cancellationToken)).Matches(settings))
        {
            await AskAsync(UserspaceProtocol.Set(settings), "set key and port", cancellationToken);
        }

        _settled.Put(settings, link.Index);
        return made;
    }

    public async Task<IReadOnlyList<Peer>> DumpAsync(CancellationToken cancellationToken) =>
        (await ReadAsync(cancellationToken)).Peers;

    public Task SetAsync(IReadOnlyList<DesiredPeer> peers, CancellationToken cancellationToken) =>
        AskAsync(UserspaceProtocol.Set(peers), $"set peer {peers[0].PublicKey.Prefix}{(peers.Count > 1 ? $" and {peers.Count - 1} others" : "")}", cancellationToken);

    public Task RemoveAsync(PublicKey peer, CancellationToken cancellationToken) =>
        AskAsync(UserspaceProtocol.Remove(peer), $"remove peer {peer.Prefix}", cancellationToken);

    private async Task<InterfaceDump> ReadAsync(CancellationToken cancellationToken)
    {
        var dump = await AskAsync(UserspaceProtocol.Get, "get", static answer => UserspaceProtocol.Parse(answer), cancellationToken);
        _settled.Saw(dump);
        return dump;
    }

    private Task<bool> AskAsync(string question, string what, CancellationToken cancellationToken) => AskAsync(question, what, static _ => true, cancellationToken);

    /// <summary>One question, one connection. What the answer's lines say, once its errno said 0.</summary>
    private async Task<T> AskAsync<T>(string question, string what, Func<ReadOnlySpan<byte>, T> read, CancellationToken cancellationToken)
    {
        await link.RequireAsync(cancellationToken);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(Deadline);
        try
        {
            using var socket = await ConnectAsync(link.Name, limit.Token);
            using var stream = new NetworkStream(socket);
            await stream.WriteAsync(Encoding.ASCII.GetBytes(question), limit.Token);
            return await ReadAnswerAsync(socket, what, read, limit.Token);
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
            if (SocketThreads.IsOne)
            {
                await Task.Yield();
            }
        }
    }

    private async Task<T> ReadAnswerAsync<T>(Socket socket, string what, Func<ReadOnlySpan<byte>, T> read, CancellationToken cancellationToken)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(FirstBuffer);
        try
        {
            for (var length = 0; ;)
            {
                if (length == buffer.Length)
                {
                    var larger = ArrayPool<byte>.Shared.Rent(2 * length);
                    buffer.AsSpan(0, length).CopyTo(larger);
                    ArrayPool<byte>.Shared.Return(buffer, clearArray: true);
                    buffer = larger;
                }

                var got = await socket.ReceiveAsync(buffer.AsMemory(length), cancellationToken);
                if (got == 0)
                {
                    throw new TunnelException($"wireguard-go closed {PathOf(link.Name)} in the middle of its answer ({what})");
                }

                length += got;
                if (buffer.AsSpan(0, length).EndsWith("\n\n"u8))
                {
                    return Read(buffer.AsSpan(0, length - 2), what, read);
                }
            }
        }
        finally
        {
            // It held keys.
            ArrayPool<byte>.Shared.Return(buffer, clearArray: true);
        }
    }

    /// <summary>A failed set is not rolled back; what it left is for the next dump to show.</summary>
    private static T Read<T>(ReadOnlySpan<byte> answer, string what, Func<ReadOnlySpan<byte>, T> read)
    {
        var last = answer.LastIndexOf((byte)'\n') + 1;
        return answer[last..].SequenceEqual("errno=0"u8)
            ? read(answer[..last])
            : throw new TunnelException($"wireguard-go refused ({what}): {Explain(Encoding.ASCII.GetString(answer[last..]))}");
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
