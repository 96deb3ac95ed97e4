using System.Collections.Concurrent;
using System.Net.Security;
using System.Text;
using Gateway.Tests.Testing;

namespace Gateway.Tests.Proxy;

/// <summary>
/// A signed-in device that speaks in bytes, and what the homeserver received of it. Everything that reaches the homeserver is
/// answered at once.
/// </summary>
internal sealed class RawMember
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(20);

    private readonly ConcurrentQueue<FakeHomeserver.Received> _whole = new();
    private readonly TestGateway _gateway;
    private readonly string _address;

    private RawMember(TestGateway gateway, string address, string token)
    {
        _gateway = gateway;
        _address = address;
        Token = token;
    }

    public string Token { get; }

    public string Address => _address;

    public static async Task<RawMember> SignInAsync(TestGateway gateway)
    {
        var enrolment = await gateway.EnrolAsync("alice", os: "android");
        using var client = await gateway.SignInAsync(enrolment);
        using var used = await client.GetAsync("/_matrix/client/v3/account/whoami");
        var member = new RawMember(gateway, enrolment.Device.TunnelAddress, client.DefaultRequestHeaders.Authorization!.Parameter!);
        gateway.Homeserver.Interfere = async context =>
        {
            if (context.Request.Headers["X-Forwarded-For"] == "127.0.0.1")
            {
                return false;
            }

            // One that is broken off on the way was never a request to the homeserver: it acts on whole ones.
            await context.Request.Body.CopyToAsync(Stream.Null);
            member._whole.Enqueue(FakeHomeserver.Received.Of(context));
            await FakeHomeserver.ReplyAsync(context, 200, "{}");
            return true;
        };
        return member;
    }

    /// <summary>Sends the bytes, says that there will be no more, reads to the end, and returns the answer and what reached the homeserver.</summary>
    public async Task<(string Answer, IReadOnlyList<FakeHomeserver.Received> Received)> SendAsync(byte[] request)
    {
        Prepare();
        await using var stream = await _gateway.RawAt(_address, SslApplicationProtocol.Http11);
        using var answer = new MemoryStream();
        try
        {
            await stream.WriteAsync(request).AsTask().WaitAsync(Deadline);
            await stream.ShutdownAsync().WaitAsync(Deadline);
            await stream.CopyToAsync(answer).WaitAsync(Deadline);
        }
        catch (IOException)
        {
            // Ended without a word: an answer as well.
        }

        return (Encoding.Latin1.GetString(answer.ToArray()), [.. _whole]);
    }

    /// <summary>One HTTP/2 request with exactly these header fields. The answer is its status, or what ended the stream.</summary>
    public async Task<(string Answer, IReadOnlyList<FakeHomeserver.Received> Received)> SendHttp2Async(IEnumerable<(string Name, string Value)> fields)
    {
        Prepare();
        await using var stream = await _gateway.RawAt(_address, SslApplicationProtocol.Http2);
        var answer = await new RawHttp2(stream).RequestAsync(fields).WaitAsync(Deadline);
        return (answer, [.. _whole]);
    }

    /// <summary>Lets time go by, so that the device's rate is not what is tested.</summary>
    private void Prepare()
    {
        _gateway.Clock.Advance(TimeSpan.FromMilliseconds(100));
        _whole.Clear();
    }
}
